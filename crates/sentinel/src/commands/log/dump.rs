//! `sentinel log dump`: entries, or outcomes, as JSON lines.

use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use sentinel_api::wire::decision::{DecisionBody, SpelledVersions};
use sentinel_domain::{Entry, Outcome};
use sentinel_eventlog::{Disk, Judgement, Record, examine};
use sentinel_pipeline::intake::json as spelling;
use serde_json::{Value, json};

use super::{Decoded, Decoder, Kind, logs_in};
use crate::commands::usage;

/// Arguments of `sentinel log dump`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel log dump sentinel-data --from 100 --to 110\n  \
    sentinel log dump sentinel-data --decisions | jq 'select(.decided.decision == \"decline\")'\n\n\
    Nothing is locked or changed: it works beside a running server. Damage ends the dump, with exit code 1.")]
pub struct DumpArguments {
    /// A data directory, or the folder of one log.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// The first offset.
    #[arg(long, value_name = "OFFSET", default_value_t = 0)]
    from: u64,
    /// The offset to stop before; to the end where it is left out.
    #[arg(long, value_name = "OFFSET")]
    to: Option<u64>,
    /// What became of the entries instead of the entries.
    #[arg(long)]
    decisions: bool,
}

/// Runs the command.
pub fn dump(arguments: &DumpArguments) -> anyhow::Result<ExitCode> {
    crate::diagnostics::start("warn");
    let logs = logs_in(&arguments.directory)?;
    let wanted = match (arguments.decisions, logs.as_slice()) {
        (false, [(kind, _)]) => *kind,
        (true, _) => Kind::Decisions,
        (false, _) => Kind::Transactions,
    };
    let Some((kind, path)) = logs.into_iter().find(|(kind, _)| *kind == wanted) else {
        return Err(usage(format!(
            "{} holds no log of {}",
            arguments.directory.display(),
            wanted.as_str()
        )));
    };
    let to = arguments.to.unwrap_or(u64::MAX);
    let mut decoder = Decoder::new(kind);
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut written = Ok(());
    let examination = examine(&Disk::Real, &path, &mut |position, record| {
        if record.offset.0 >= to {
            return Judgement::Enough;
        }
        // Outcomes before the first one are read too: they say what later ones mean.
        match decoder.decode(position, &record) {
            Err(error) => return Judgement::Bad(error.to_string()),
            Ok(_) if record.offset.0 < arguments.from => {}
            Ok(decoded) => {
                let line = line_of(&record, decoded.as_ref());
                written = serde_json::to_writer(&mut out, &line)
                    .map_err(std::io::Error::from)
                    .and_then(|()| out.write_all(b"\n"));
            }
        }
        if written.is_err() {
            return Judgement::Enough;
        }
        Judgement::Good
    })
    .with_context(|| format!("examine {}", path.display()))?;
    written
        .and_then(|()| out.flush())
        .context("write the entries")?;
    match examination.damage.first() {
        None => Ok(ExitCode::SUCCESS),
        Some(place) => anyhow::bail!(
            "read {} at byte {}: {}",
            place.file.display(),
            place.offset_bytes,
            place.detail
        ),
    }
}

fn line_of(record: &Record<'_>, decoded: Option<&Decoded>) -> Value {
    let mut line = json!({
        "offset": record.offset.0,
        "log_time": record.log_time.to_string(),
    });
    let (name, body) = match decoded {
        Some(Decoded::Entry(entry)) => entry_body(entry),
        Some(Decoded::Outcome(outcome, latency_us)) => {
            if let Some(line) = line.as_object_mut() {
                line.insert("latency_us".to_owned(), json!(latency_us));
            }
            outcome_body(outcome)
        }
        None => (
            "decided_by_unknown_versions",
            json!({ "bytes": record.payload.len() }),
        ),
    };
    if let Some(line) = line.as_object_mut() {
        line.insert(name.to_owned(), body);
    }
    line
}

fn entry_body(entry: &Entry) -> (&'static str, Value) {
    let mut bytes = Vec::new();
    let parsed = |bytes: &[u8]| serde_json::from_slice(bytes).unwrap_or_default();
    match entry {
        Entry::Transaction(transaction) => {
            spelling::write_transaction(transaction, &mut bytes);
            ("transaction", parsed(&bytes))
        }
        Entry::Label(label) => {
            spelling::write_label(label, None, None, &mut bytes);
            ("label", parsed(&bytes))
        }
        Entry::Activation(activation) => (
            "activation",
            json!({
                "kind": activation.kind.as_str(),
                "name": activation.name.to_string(),
                "version": activation.version,
                "content_hash": activation.content_hash().to_string(),
                "content_bytes": activation.content.len(),
            }),
        ),
        Entry::Erase(erasure) => (
            "erase",
            json!({
                "kind": erasure.subject.kind.as_str(),
                "value": erasure.subject.value.to_string(),
                "reason": erasure.reason.to_string(),
            }),
        ),
        Entry::Override(order) => (
            "override",
            json!({
                "override_id": order.override_id.to_string(),
                "event_id": order.event_id.as_str(),
                "decision_offset": order.decision.0,
                "verdict": order.verdict.as_str(),
                "by": order.by.to_string(),
                "reason": order.reason.to_string(),
            }),
        ),
        Entry::Tick => ("tick", json!({})),
        Entry::Skip { offset } => ("skip", json!({ "offset": offset.0 })),
    }
}

fn outcome_body(outcome: &Outcome) -> (&'static str, Value) {
    match outcome {
        Outcome::Decided(decision) => {
            let spelled = SpelledVersions::of(&decision.versions);
            let body = DecisionBody::of(decision, &spelled, None);
            ("decided", serde_json::to_value(&body).unwrap_or_default())
        }
        Outcome::Repeated { first } => ("repeated", json!({ "first_offset": first.0 })),
        Outcome::Conflicted { first } => ("conflicted", json!({ "first_offset": first.0 })),
        Outcome::Applied => ("applied", json!({})),
        Outcome::Activated(versions) => (
            "activated",
            json!({ "config_hash": versions.config_hash().to_string() }),
        ),
        Outcome::Ignored => ("ignored", json!({})),
        Outcome::Refused(rejection) => (
            "refused",
            json!({
                "code": rejection.code.as_str(),
                "field": rejection.field,
                "detail": rejection.detail,
            }),
        ),
    }
}
