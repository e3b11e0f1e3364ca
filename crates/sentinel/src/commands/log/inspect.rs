//! `sentinel log inspect`: generation, segments, offsets, times, sources, torn files.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use sentinel_eventlog::examination::SegmentFound;
use sentinel_eventlog::{Disk, Examination, Judgement, examine};
use serde_json::{Value, json};

use super::{Kind, Output, logs_in, place_body};

/// Arguments of `sentinel log inspect`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel log inspect sentinel-data\n  \
    sentinel log inspect sentinel-data/log -o json | jq '.[0].segments[-1]'\n\n\
    Nothing is locked or changed: it works beside a running server.")]
pub struct InspectArguments {
    /// A data directory, or the folder of one log.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Runs the command.
pub fn inspect(arguments: &InspectArguments) -> anyhow::Result<ExitCode> {
    crate::diagnostics::start("warn");
    let mut found = Vec::new();
    for (kind, path) in logs_in(&arguments.directory)? {
        let examination = examine(&Disk::Real, &path, &mut |_, _| Judgement::Good)
            .with_context(|| format!("examine {}", path.display()))?;
        found.push((kind, path, examination));
    }
    let mut out = std::io::stdout().lock();
    if arguments.output == Output::Json {
        let bodies: Vec<Value> = found
            .iter()
            .map(|(kind, path, examination)| {
                body_of(*kind, &path.display().to_string(), examination)
            })
            .collect();
        serde_json::to_writer_pretty(&mut out, &bodies)?;
        writeln!(out)?;
    } else {
        for (kind, path, examination) in &found {
            tell(*kind, &path.display().to_string(), examination, &mut out)
                .context("write what was found")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn bytes_of(examination: &Examination) -> u64 {
    examination.segments.iter().map(|one| one.bytes).sum()
}

fn file_name(segment: &SegmentFound) -> String {
    let name = segment.file.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn body_of(kind: Kind, path: &str, examination: &Examination) -> Value {
    let (start, end) = examination.offsets();
    let segments = examination.segments.iter().map(|segment| {
        let sources = segment.sources.iter();
        json!({
            "file": file_name(segment),
            "bytes": segment.bytes,
            "frames": segment.frames,
            "first_offset": segment.base.0,
            "end_offset": segment.end.0,
            "first_log_time": segment.times.map(|(first, _)| first.to_string()),
            "last_log_time": segment.times.map(|(_, last)| last.to_string()),
            "sources": sources
                .map(|(source, next)| json!({ "source": format!("{source:016x}"), "next": next }))
                .collect::<Vec<_>>(),
        })
    });
    let kept = examination.kept.iter();
    json!({
        "log": kind.as_str(),
        "directory": path,
        "log_id": examination.identity.map(|(id, _)| id.to_string()),
        "partition": examination.identity.map(|(_, partition)| partition.0),
        "start_offset": start.0,
        "end_offset": end.0,
        "bytes": bytes_of(examination),
        "segments": segments.collect::<Vec<_>>(),
        "torn_files": kept
            .map(|(file, bytes)| json!({ "file": file.display().to_string(), "bytes": bytes }))
            .collect::<Vec<_>>(),
        "unfinished": examination.unfinished.as_ref().map(place_body),
        "damage": examination.damage.iter().map(place_body).collect::<Vec<_>>(),
    })
}

fn tell(
    kind: Kind,
    path: &str,
    examination: &Examination,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let (start, end) = examination.offsets();
    let identity = examination.identity.map_or_else(
        || "unknown".to_owned(),
        |(id, partition)| format!("{id}, partition {}", partition.0),
    );
    writeln!(out, "{} in {path}", kind.as_str())?;
    writeln!(out, "  log        {identity}")?;
    writeln!(
        out,
        "  offsets    {} to {} ({} records)",
        start.0,
        end.0,
        end.0 - start.0
    )?;
    writeln!(
        out,
        "  length     {} bytes in {} segments",
        bytes_of(examination),
        examination.segments.len()
    )?;
    if start.0 > 0 {
        let since = examination.segments.iter().find_map(|one| one.times);
        let since = since.map_or_else(String::new, |(first, _)| format!(", appended at {first}"));
        writeln!(
            out,
            "  kept       from {} on{since}; what came before was dropped",
            start.0
        )?;
    }
    for segment in &examination.segments {
        let times = segment.times.map_or_else(
            || "no records".to_owned(),
            |(first, last)| format!("{first} to {last}"),
        );
        writeln!(
            out,
            "  segment    {}  {} to {}, {} bytes, {} frames, {times}",
            file_name(segment),
            segment.base.0,
            segment.end.0,
            segment.bytes,
            segment.frames,
        )?;
    }
    let sources = examination.segments.last().map(|last| &last.sources);
    for (source, next) in sources.into_iter().flatten() {
        writeln!(out, "  source     {source:016x}  {next} entries")?;
    }
    for (file, bytes) in &examination.kept {
        writeln!(out, "  torn       {}, {bytes} bytes", file.display())?;
    }
    if let Some(place) = &examination.unfinished {
        writeln!(
            out,
            "  unfinished {} at byte {}: {}",
            place.file.display(),
            place.offset_bytes,
            place.detail
        )?;
    }
    for place in &examination.damage {
        writeln!(
            out,
            "  DAMAGE     {} at byte {}: {}",
            place.file.display(),
            place.offset_bytes,
            place.detail
        )?;
    }
    out.flush()
}
