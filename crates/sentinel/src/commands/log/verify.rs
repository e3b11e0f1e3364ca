//! `sentinel log verify`: every frame and every record, and where the damage is.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use sentinel_eventlog::{Disk, Examination, examine};
use serde_json::{Value, json};

use super::{Decoder, Kind, Output, logs_in, place_body};

/// Arguments of `sentinel log verify`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel log verify sentinel-data\n  \
    sentinel log verify backup/log -o json\n\n\
    Exit code 0 where everything is as it was written, 1 where something is damaged. An unfinished end of the \
    last segment is no damage: the next start cuts and keeps it. Behind damage a segment is not read on. \
    Nothing is locked or changed: it works beside a running server.")]
pub struct VerifyArguments {
    /// A data directory, or the folder of one log.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Runs the command.
pub fn verify(arguments: &VerifyArguments) -> anyhow::Result<ExitCode> {
    crate::diagnostics::start("warn");
    let mut found = Vec::new();
    for (kind, path) in logs_in(&arguments.directory)? {
        let mut decoder = Decoder::new(kind);
        let mut records = 0_u64;
        let examination = examine(&Disk::Real, &path, &mut |position, record| {
            records += 1;
            decoder.judge(position, &record)
        })
        .with_context(|| format!("examine {}", path.display()))?;
        found.push((kind, path, records, examination));
    }
    let mut out = std::io::stdout().lock();
    if arguments.output == Output::Json {
        let bodies: Vec<Value> = found
            .iter()
            .map(|(kind, path, records, examination)| {
                json!({
                    "log": kind.as_str(),
                    "directory": path.display().to_string(),
                    "sound": examination.damage.is_empty(),
                    "segments": examination.segments.len(),
                    "records": records,
                    "unfinished": examination.unfinished.as_ref().map(place_body),
                    "damage": examination.damage.iter().map(place_body).collect::<Vec<_>>(),
                })
            })
            .collect();
        serde_json::to_writer_pretty(&mut out, &bodies)?;
        writeln!(out)?;
    } else {
        for (kind, path, records, examination) in &found {
            let path = path.display().to_string();
            tell(*kind, &path, *records, examination, &mut out).context("write the result")?;
        }
    }
    let damaged = found.iter().any(|(.., found)| !found.damage.is_empty());
    Ok(ExitCode::from(u8::from(damaged)))
}

fn tell(
    kind: Kind,
    path: &str,
    records: u64,
    examination: &Examination,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let word = if examination.damage.is_empty() {
        "sound"
    } else {
        "DAMAGED"
    };
    writeln!(
        out,
        "{word}: {} in {path}: {records} records in {} segments read",
        kind.as_str(),
        examination.segments.len()
    )?;
    for place in &examination.damage {
        writeln!(
            out,
            "  {} at byte {}: {}",
            place.file.display(),
            place.offset_bytes,
            place.detail
        )?;
    }
    if let Some(place) = &examination.unfinished {
        writeln!(
            out,
            "  unfinished: {} at byte {}: {}",
            place.file.display(),
            place.offset_bytes,
            place.detail
        )?;
    }
    out.flush()
}
