//! Arguments of commands that keep snapshots beside their logs.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use sentinel_features::FeatureSet;
use sentinel_pipeline::retention::least_age_us;
use sentinel_pipeline::{Retention, SnapshotOptions};

use crate::commands::evaluate::delay;
use crate::commands::usage;

/// How often the state is written, so that a start need not replay the whole log.
#[derive(Args, Debug, Clone, Copy)]
pub struct SnapshotArguments {
    /// Make a snapshot when so many entries came behind the last one; 0: their number does not matter.
    #[arg(long, value_name = "ENTRIES", default_value_t = 1_000_000)]
    pub snapshot_every: u64,
    /// Make a snapshot when so much time has passed and anything came, such as 5m; 0: time does not
    /// matter.
    #[arg(long, value_name = "LENGTH", value_parser = delay, default_value = "5m")]
    pub snapshot_interval: i64,
    /// Drop entries of both logs that are older than this by log time, such as 40d; at least the longest window
    /// of the features and a day (31d with those that ship). Without it no age is too old.
    #[arg(long, value_name = "LENGTH", value_parser = delay)]
    pub retain: Option<i64>,
    /// Drop the oldest entries while both logs together are longer than this, however young they are, such as
    /// 200GiB. The two newest snapshots say how far that can go. Without it no length is too long.
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub retain_bytes: Option<u64>,
}

/// How much of the logs a start keeps, or why it cannot.
fn retention(arguments: &SnapshotArguments) -> anyhow::Result<Retention> {
    let retention = Retention {
        age_us: arguments.retain,
        bytes_max: arguments.retain_bytes,
    };
    if !retention.is_everything()
        && arguments.snapshot_every == 0
        && arguments.snapshot_interval == 0
    {
        return Err(usage(
            "--retain and --retain-bytes cut the logs at snapshots: leave --snapshot-every or --snapshot-interval on",
        ));
    }
    let least_us = least_age_us(&FeatureSet::shipped());
    if retention.age_us.is_some_and(|age_us| age_us < least_us) {
        tracing::warn!(
            least_days = least_us / 86_400_000_000,
            "--retain is shorter than the longest window and a day: that much is kept"
        );
    }
    Ok(retention)
}

/// A number of bytes: a count, with a unit of 1024 (KiB, MiB, GiB, TiB) or 1000 (kB, MB, GB, TB) behind it.
fn bytes(text: &str) -> Result<u64, String> {
    let fault = || "expected a length such as 200GiB, 500MB or 1000000".to_owned();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = text.split_at(digits);
    let count: u64 = count.parse().map_err(|_| fault())?;
    let factor = match unit.trim() {
        "" | "B" => 1,
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err(fault()),
    };
    count.checked_mul(factor).ok_or_else(fault)
}

impl SnapshotArguments {
    /// Snapshots in a folder.
    pub fn options(self, folder: &Path) -> anyhow::Result<SnapshotOptions> {
        Ok(SnapshotOptions {
            every_entries: self.snapshot_every,
            interval: Duration::from_micros(self.snapshot_interval.unsigned_abs()),
            retention: retention(&self)?,
            ..SnapshotOptions::new(folder)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_in_bytes_have_a_unit_or_none() {
        assert_eq!(bytes("1000"), Ok(1_000));
        assert_eq!(bytes("200GiB"), Ok(200 << 30));
        assert_eq!(bytes("500 MB"), Ok(500_000_000));
        for text in ["", "GiB", "-1", "1.5GiB", "1Gb", "99999999999TiB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
