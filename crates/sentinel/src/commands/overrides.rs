//! `sentinel override`: put a person's verdict beside a decision of a running server.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use sentinel_domain::Verdict;
use serde_json::{Value, json};

use super::{Output, usage};
use crate::server;

/// Arguments of `sentinel override`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    sentinel override order-1001 approve --by j.doe --reason \"confirmed by phone\" --server http://127.0.0.1:8000\n\n\
    The decision stays what it is, for replays and for the event that comes again; whoever looks at it is told the newest \
    override beside it.")]
pub struct OverrideArguments {
    /// A decision id (dec_…), or the event id while it is remembered.
    #[arg(value_name = "ID")]
    id: String,
    /// approve, challenge, review or decline.
    #[arg(value_name = "VERDICT")]
    verdict: String,
    /// Who says so; it stands in the log.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why, for people; it stands in the log.
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// The override's own name: the same again changes nothing. Default: a new one.
    #[arg(long, value_name = "ID")]
    override_id: Option<String>,
    /// The address of a running server.
    #[arg(long, value_name = "URL")]
    server: String,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Runs the command.
pub fn override_decision(arguments: &OverrideArguments) -> anyhow::Result<ExitCode> {
    let (verdict, url) = (&arguments.verdict, &arguments.server);
    if Verdict::parse(verdict).is_none() {
        let words: Vec<&str> = Verdict::ALL.iter().map(|one| one.as_str()).collect();
        return Err(usage(format!(
            "{verdict:?} is none of {}",
            words.join(", ")
        )));
    }
    let new = || uuid::Uuid::now_v7().to_string();
    let body = json!({
        "override_id": arguments.override_id.clone().unwrap_or_else(new),
        "verdict": verdict,
        "by": arguments.by,
        "reason": arguments.reason,
    });
    let path = format!("/api/v1/decisions/{}/override", in_path(&arguments.id));
    let (_, answer) = server::order(url, &path, &body, None)?;
    let mut out = std::io::stdout().lock();
    if arguments.output == Output::Json {
        serde_json::to_writer_pretty(&mut out, &answer)?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default();
    let decision = text("decision_id");
    let offset = answer.get("offset").and_then(Value::as_u64);
    let offset = offset.unwrap_or_default();
    let told = match text("state") {
        "done" => writeln!(out, "{decision} is overridden at offset {offset}"),
        "repeated" => writeln!(out, "that override came before; nothing changed"),
        _ => writeln!(
            out,
            "the override stands at offset {offset}; it holds when the entries before it are done"
        ),
    };
    told.context("write the result")?;
    Ok(ExitCode::SUCCESS)
}

/// A name as one part of a path: whatever is no letter, digit or `-._~` goes by its bytes.
fn in_path(name: &str) -> String {
    let mut path = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                path.push(char::from(byte));
            }
            other => path.push_str(&format!("%{other:02X}")),
        }
    }
    path
}
