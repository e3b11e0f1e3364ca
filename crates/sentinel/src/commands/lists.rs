//! `sentinel lists`: the named lists that rules ask on a running server.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use sentinel_rules::Lists;
use serde_json::{Value, json};

use super::{Output, usage};
use crate::content::{file_name, text};
use crate::server;

/// The path of lists on a server.
const PATH: &str = "/api/v1/lists";

/// Arguments of `sentinel lists`.
#[derive(Args, Debug)]
pub struct ListsArguments {
    #[command(subcommand)]
    command: ListsCommand,
}

#[derive(Subcommand, Debug)]
enum ListsCommand {
    /// Show the lists that a server's rules ask now.
    Show(ShowArguments),
    /// Have a running server ask the lists of a file from now on, in the place of those before.
    Activate(ActivateArguments),
}

#[derive(Args, Debug)]
struct ShowArguments {
    /// The address of a running server.
    #[arg(long, value_name = "URL")]
    server: String,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel lists activate desk.toml --server http://127.0.0.1:8000 --dry-run\n  \
    sentinel lists activate desk.toml --server http://127.0.0.1:8000\n\n\
    The file is checked here first. Rules ask with inList('name', field).")]
struct ActivateArguments {
    /// The lists, TOML.
    #[arg(value_name = "LISTS.toml")]
    file: PathBuf,
    /// The address of a running server.
    #[arg(long, value_name = "URL")]
    server: String,
    /// What decisions shall call them; default: the file's name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Have the server check them, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Runs the command.
pub fn lists(arguments: &ListsArguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        ListsCommand::Show(arguments) => show(arguments),
        ListsCommand::Activate(arguments) => activate(arguments),
    }
}

fn show(arguments: &ShowArguments) -> anyhow::Result<ExitCode> {
    let answer = server::look_up(&arguments.server, PATH)?;
    let mut out = std::io::stdout().lock();
    let told = match arguments.output {
        Output::Json => serde_json::to_writer_pretty(&mut out, &answer)
            .map_err(std::io::Error::from)
            .and_then(|()| writeln!(out)),
        Output::Table => tell(&answer, &mut out),
    };
    told.context("write the lists")?;
    Ok(ExitCode::SUCCESS)
}

fn word<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn tell(answer: &Value, out: &mut dyn Write) -> std::io::Result<()> {
    let items = answer.get("items").and_then(Value::as_array);
    let version = answer.get("version").and_then(Value::as_u64).unwrap_or(0);
    match version {
        0 => writeln!(out, "no lists were activated")?,
        version => writeln!(out, "{}@{version}", word(answer, "name"))?,
    }
    for list in items.into_iter().flatten() {
        writeln!(out, "{}  {}", word(list, "name"), word(list, "description"))?;
        let values = list.get("values").and_then(Value::as_array);
        for value in values.into_iter().flatten() {
            let end = match word(value, "expires_at") {
                "" => String::new(),
                end => format!(" until {end}"),
            };
            writeln!(
                out,
                "  {}{end}  {}",
                word(value, "value"),
                word(value, "reason")
            )?;
        }
    }
    out.flush()
}

fn activate(arguments: &ActivateArguments) -> anyhow::Result<ExitCode> {
    let url = &arguments.server;
    let lists = text(&arguments.file)?;
    if let Err(faults) = Lists::parse(&lists) {
        let file = arguments.file.display();
        let told: Vec<String> = faults
            .iter()
            .map(|fault| format!("{file}: {fault}"))
            .collect();
        return Err(usage(told.join("\n")));
    }
    let name = match &arguments.name {
        Some(name) => name.clone(),
        None => file_name(&arguments.file).to_string(),
    };
    let body = json!({ "lists": lists, "name": name, "dry_run": arguments.dry_run });
    let (_, answer) = server::order(url, PATH, &body, Some(&arguments.file))?;
    let mut out = std::io::stdout().lock();
    if arguments.output == Output::Json {
        serde_json::to_writer_pretty(&mut out, &answer)?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let version = answer.get("version").and_then(Value::as_u64).unwrap_or(0);
    let named = format!("{}@{version}", word(&answer, "name"));
    let live_from = answer.get("live_from").and_then(Value::as_u64);
    let told = match (word(&answer, "state"), live_from) {
        ("checked", _) => writeln!(out, "would activate {named}\nnothing was changed"),
        (_, None) => writeln!(out, "nothing to do: {named} is active"),
        ("live", Some(offset)) => writeln!(out, "{named} is live from offset {offset} on"),
        (_, Some(offset)) => writeln!(
            out,
            "{named} stands at offset {offset}; it counts when the entries before it are done"
        ),
    };
    told.context("write the result")?;
    Ok(ExitCode::SUCCESS)
}
