//! `sentinel models activate`: a model into the log of a running server; decisions from there on are made
//! with it.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::Output;
use crate::content::{file_name, text};
use crate::server;

/// Arguments of `sentinel models activate`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel models activate my.model --server http://127.0.0.1:8000 --dry-run\n  \
    sentinel models activate my.model --server http://127.0.0.1:8000\n\n\
    A server that is not running takes a model at its start: sentinel serve --model my.model")]
pub struct ActivateArguments {
    /// The model file, signed or not as the server asks.
    #[arg(value_name = "MODEL")]
    file: PathBuf,
    /// The address of a running server.
    #[arg(long, value_name = "URL")]
    server: String,
    /// What decisions shall call it; default: the file's name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Have the server check it, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Runs the command.
pub fn activate(arguments: &ActivateArguments) -> anyhow::Result<ExitCode> {
    let url = &arguments.server;
    let name = match &arguments.name {
        Some(name) => name.clone(),
        None => file_name(&arguments.file).to_string(),
    };
    let body = json!({
        "model": text(&arguments.file)?,
        "name": name,
        "dry_run": arguments.dry_run,
    });
    let (_, answer) = server::order(url, super::PATH, &body, Some(&arguments.file))?;
    tell(&answer, arguments)?;
    Ok(ExitCode::SUCCESS)
}

fn tell(answer: &Value, arguments: &ActivateArguments) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if arguments.output == Output::Json {
        serde_json::to_writer_pretty(&mut out, answer)?;
        return writeln!(out);
    }
    let word = |key: &str| match answer.get(key) {
        Some(Value::String(text)) => text.clone(),
        other => other.map(Value::to_string).unwrap_or_default(),
    };
    let hash: String = word("hash").chars().take(12).collect();
    let named = format!("{}@{}:{hash}", word("name"), word("version"));
    match (
        word("state").as_str(),
        answer.get("live_from").and_then(Value::as_u64),
    ) {
        ("checked", _) => writeln!(out, "would activate {named}\nnothing was changed"),
        (_, None) => writeln!(out, "nothing to do: {named} is active"),
        ("live", Some(offset)) => writeln!(out, "{named} is live from offset {offset} on"),
        (_, Some(offset)) => writeln!(
            out,
            "{named} stands at offset {offset}; it decides when the entries before it are done"
        ),
    }
}
