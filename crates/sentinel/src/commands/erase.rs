//! `sentinel erase`: have a running server forget what it knows of somebody.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use sentinel_domain::SubjectKind;
use serde_json::{Value, json};

use super::{Output, usage};
use crate::server;

/// Arguments of `sentinel erase`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    sentinel erase account acct-1042 --server http://127.0.0.1:8000 --reason \"asked by the customer\"\n\n\
    From its place in the log on, windows know nothing of what came before. Decisions that were made stay, and so do the \
    entries of the log, which go with --retain.")]
pub struct EraseArguments {
    /// What it is: account, card, device, merchant, ip, customer, terminal, counterparty, email or bin.
    #[arg(value_name = "KIND")]
    kind: String,
    /// What transactions call it.
    #[arg(value_name = "VALUE")]
    value: String,
    /// The address of a running server.
    #[arg(long, value_name = "URL")]
    server: String,
    /// Why, for people; it stands in the log.
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Runs the command.
pub fn erase(arguments: &EraseArguments) -> anyhow::Result<ExitCode> {
    let (kind, url) = (&arguments.kind, &arguments.server);
    if SubjectKind::parse(kind).is_none() {
        let words: Vec<&str> = SubjectKind::ALL.iter().map(|kind| kind.as_str()).collect();
        return Err(usage(format!("{kind:?} is none of {}", words.join(", "))));
    }
    let body = json!({ "kind": kind, "value": arguments.value, "reason": arguments.reason });
    let (_, answer) = server::order(url, "/api/v1/erasures", &body, None)?;
    let mut out = std::io::stdout().lock();
    if arguments.output == Output::Json {
        serde_json::to_writer_pretty(&mut out, &answer)?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let from = answer.get("forgotten_from").and_then(Value::as_u64);
    let from = from.unwrap_or_default();
    let told = match answer.get("state").and_then(Value::as_str) {
        Some("done") => writeln!(out, "forgotten from offset {from} on"),
        _ => writeln!(
            out,
            "the order stands at offset {from}; it is done when the entries before it are"
        ),
    };
    told.context("write the result")?;
    Ok(ExitCode::SUCCESS)
}
