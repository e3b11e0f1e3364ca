//! `sentinel log`: what the files of a log hold, whether they are sound, what stands in them; and a copy into a new log.
//!
//! Reads only, and takes no lock: all but the copy work beside a running server, and on a copy of a folder.

mod copy;
mod dump;
mod inspect;
mod verify;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Output;
use sentinel_domain::{Entry, LogPosition, Outcome};
use sentinel_eventlog::{
    CodecError, Judgement, Record, VersionsTable, decode_entry, decode_outcome,
};
use serde_json::{Value, json};

use crate::commands::usage;
use crate::compose::{DECISIONS, LOG};

/// Arguments of `sentinel log`.
#[derive(Args, Debug)]
pub struct LogArguments {
    #[command(subcommand)]
    command: LogCommand,
}

#[derive(Subcommand, Debug)]
enum LogCommand {
    /// Tell what a log holds: generation, segments, offsets, times, sources, torn files.
    Inspect(inspect::InspectArguments),
    /// Check every frame and decode every record of a log.
    Verify(verify::VerifyArguments),
    /// Print the entries of a log, or its outcomes, as JSON lines.
    Dump(dump::DumpArguments),
    /// Fill a new data directory with the log of another, for a release that decides otherwise.
    Copy(copy::CopyArguments),
}

/// Runs the command.
pub fn log(arguments: &LogArguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        LogCommand::Inspect(arguments) => inspect::inspect(arguments),
        LogCommand::Verify(arguments) => verify::verify(arguments),
        LogCommand::Dump(arguments) => dump::dump(arguments),
        LogCommand::Copy(arguments) => copy::copy(arguments),
    }
}

/// Which of the two logs a folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Transactions,
    Decisions,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Transactions => "transactions",
            Self::Decisions => "decisions",
        }
    }
}

/// The logs of a data directory, or the one of a log's own folder, which is known by its name.
fn logs_in(directory: &Path) -> anyhow::Result<Vec<(Kind, PathBuf)>> {
    let both = [(Kind::Transactions, LOG), (Kind::Decisions, DECISIONS)];
    let mut found: Vec<_> = both
        .map(|(kind, name)| (kind, directory.join(name)))
        .into_iter()
        .filter(|(_, path)| path.is_dir())
        .collect();
    let holds_segments = || {
        let names = std::fs::read_dir(directory).ok()?;
        let mut names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names
            .any(|name| name.contains(".log") || name == "EXTENT")
            .then_some(())
    };
    if found.is_empty() && holds_segments().is_some() {
        let name = directory.canonicalize().unwrap_or_default();
        let name = name.file_name().and_then(|name| name.to_str());
        let kind = match name {
            Some(name) if name.starts_with(DECISIONS) => Kind::Decisions,
            _ => Kind::Transactions,
        };
        found.push((kind, directory.to_owned()));
    }
    if found.is_empty() {
        return Err(usage(format!(
            "{} holds no log; name the --data-dir of a run or server, or a folder of segments",
            directory.display()
        )));
    }
    Ok(found)
}

/// Decodes the records of one log, in order.
struct Decoder {
    kind: Kind,
    versions: VersionsTable,
    /// Versions that were made active before the oldest record are not known.
    from_the_start: Option<bool>,
}

/// A decoded record.
enum Decoded {
    Entry(Entry),
    Outcome(Outcome, u32),
}

impl Decoder {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            versions: VersionsTable::default(),
            from_the_start: None,
        }
    }

    /// `Ok(None)` where the record is sound but names what stood before the oldest record.
    fn decode(
        &mut self,
        position: LogPosition,
        record: &Record<'_>,
    ) -> Result<Option<Decoded>, CodecError> {
        let from_the_start = *self.from_the_start.get_or_insert(record.offset.0 == 0);
        if self.kind == Kind::Transactions {
            return decode_entry(record.payload).map(|entry| Some(Decoded::Entry(entry)));
        }
        match decode_outcome(record.payload, position, record.log_time, &self.versions) {
            Ok((outcome, latency_us)) => {
                if let Outcome::Activated(versions) = &outcome {
                    self.versions.insert(versions.clone());
                }
                Ok(Some(Decoded::Outcome(outcome, latency_us)))
            }
            Err(CodecError::UnknownVersions { .. }) if !from_the_start => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn judge(&mut self, position: LogPosition, record: &Record<'_>) -> Judgement {
        match self.decode(position, record) {
            Ok(_) => Judgement::Good,
            Err(error) => Judgement::Bad(error.to_string()),
        }
    }
}

/// A place of damage, as JSON.
fn place_body(place: &sentinel_eventlog::examination::Place) -> Value {
    json!({
        "file": place.file.display().to_string(),
        "offset_bytes": place.offset_bytes,
        "detail": place.detail,
    })
}
