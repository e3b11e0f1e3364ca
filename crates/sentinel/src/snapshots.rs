//! Arguments of commands that keep snapshots beside their logs.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use sentinel_pipeline::SnapshotOptions;

use crate::commands::evaluate::delay;

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
}

impl SnapshotArguments {
    /// Snapshots in a folder.
    pub fn options(self, folder: &Path) -> SnapshotOptions {
        SnapshotOptions {
            every_entries: self.snapshot_every,
            interval: Duration::from_micros(self.snapshot_interval.unsigned_abs()),
            ..SnapshotOptions::new(folder)
        }
    }
}
