//! `sentinel models show` and `list`: what a model file says, and which models a server or a folder has.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use sentinel_pipeline::trust::{ModelTrust, Signed};
use sentinel_scoring::Model;
use sentinel_scoring::model::NetworkDescription;
use serde_json::{Value, json};

use super::Output;
use super::sign::TrustArguments;
use crate::commands::usage;
use crate::content::read;
use crate::server;

/// How many names of features are shown; `-o json` has all.
const FEATURES_SHOWN: usize = 12;

/// Arguments of `sentinel models show`.
#[derive(Args, Debug)]
pub struct ShowArguments {
    /// The model file.
    #[arg(value_name = "MODEL")]
    file: PathBuf,
    #[command(flatten)]
    trust: TrustArguments,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Arguments of `sentinel models list`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel models list models/\n  \
    sentinel models list --server http://127.0.0.1:8000")]
pub struct ListArguments {
    /// A folder with model files.
    #[arg(
        value_name = "DIR",
        conflicts_with = "server",
        required_unless_present = "server"
    )]
    folder: Option<PathBuf>,
    /// The address of a running server: the models that its decisions were made with.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    #[command(flatten)]
    trust: TrustArguments,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Shows one file.
pub fn show(arguments: &ShowArguments) -> anyhow::Result<ExitCode> {
    let content = read(&arguments.file)?;
    let model = Model::parse(&content)
        .map_err(|error| usage(format!("{}: {error}", arguments.file.display())))?;
    let signed = arguments
        .trust
        .trust()?
        .signatures(&content)
        .map_err(|problem| usage(format!("{}: {problem}", arguments.file.display())))?;
    let body = body_of(&model, &signed);
    let mut out = std::io::stdout().lock();
    if arguments.output == Output::Json {
        serde_json::to_writer_pretty(&mut out, &body)?;
        writeln!(out)?;
    } else {
        tell(&model, &signed, &mut out).context("write the model")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn body_of(model: &Model, signed: &[Signed]) -> Value {
    let told = model.description();
    let card: serde_json::Map<String, Value> = model
        .card()
        .entries()
        .map(|(key, value)| (key.to_owned(), json!(value)))
        .collect();
    let members = told.members.iter().map(|member| {
        json!({
            "kind": member.kind,
            "weight": member.weight,
            "map": { "slope": member.map.0, "intercept": member.map.1 },
            "base": member.base,
            "trees": member.trees,
            "leaves": member.leaves,
            "leaves_max": member.leaves_max,
            "splits_by_category": member.splits_by_category,
            "network": member.network.as_ref().map(network_body),
        })
    });
    let [low, medium, high, critical] = told.anchors;
    json!({
        "name": model.name(),
        "version": model.version(),
        "hash": model.content_hash().to_string(),
        "features": model.features(),
        "members": members.collect::<Vec<_>>(),
        "calibration": {
            "slope_below": told.calibration_slopes.0,
            "slope_above": told.calibration_slopes.1,
            "knots": told.calibration_knots,
        },
        "anchors": { "0.50": low, "0.55": medium, "0.70": high, "0.85": critical },
        "support_rows": told.support_rows,
        "card": card,
        "signatures": signed.iter().map(signature_body).collect::<Vec<_>>(),
    })
}

fn network_body(network: &NetworkDescription) -> Value {
    let fillings = network.fillings.iter().map(|(name, missing, background)| {
        json!({ "feature": name, "missing": missing, "background": background })
    });
    json!({
        "inputs": network.inputs,
        "operators": network.operators,
        "numbers": network.numbers,
        "fillings": fillings.collect::<Vec<_>>(),
    })
}

fn signature_body(signed: &Signed) -> Value {
    json!({ "key": signed.key, "valid": signed.valid, "trusted": signed.trusted })
}

fn tell(model: &Model, signed: &[Signed], out: &mut impl Write) -> std::io::Result<()> {
    let told = model.description();
    writeln!(out, "{} version {}", model.name(), model.version())?;
    writeln!(out, "  hash         {}", model.content_hash())?;
    for member in &told.members {
        if let Some(network) = &member.network {
            writeln!(
                out,
                "  member       {}: weight {}, {} inputs, {} numbers in {}",
                member.kind,
                member.weight,
                network.inputs,
                network.numbers,
                network.operators.join(", ")
            )?;
            continue;
        }
        writeln!(
            out,
            "  member       {}: weight {}, {} trees, {} leaves (at most {} a tree), {} splits by category",
            member.kind,
            member.weight,
            member.trees,
            member.leaves,
            member.leaves_max,
            member.splits_by_category
        )?;
    }
    let names = model.features();
    let shown: Vec<&str> = names
        .iter()
        .take(FEATURES_SHOWN)
        .map(String::as_str)
        .collect();
    let more = match names.len().saturating_sub(FEATURES_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    writeln!(
        out,
        "  features     {}: {}{more}",
        names.len(),
        shown.join(", ")
    )?;
    let (below, above) = told.calibration_slopes;
    let knots = told.calibration_knots.len();
    writeln!(
        out,
        "  calibration  {knots} knots, slope {below} below and {above} above them"
    )?;
    let [low, medium, high, critical] = told.anchors;
    writeln!(
        out,
        "  anchors      risk 0.50 at {low}, 0.55 at {medium}, 0.70 at {high}, 0.85 at {critical}"
    )?;
    writeln!(out, "  support      {} validation rows", told.support_rows)?;
    for (key, value) in model.card().entries() {
        writeln!(out, "  card         {key}: {value}")?;
    }
    writeln!(out, "  signatures   {}", standing(signed))
}

/// The signatures in a few words.
pub fn standing(signed: &[Signed]) -> String {
    if signed.is_empty() {
        return "none".to_owned();
    }
    let words = signed.iter().map(|one| {
        let word = match (one.valid, one.trusted) {
            (false, _) => "does not hold",
            (true, true) => "holds, trusted",
            (true, false) => "holds, key not named as trusted here",
        };
        format!("{} ({word})", one.key)
    });
    words.collect::<Vec<_>>().join(", ")
}

/// Lists a folder or a server.
pub fn list(arguments: &ListArguments) -> anyhow::Result<ExitCode> {
    let body = match (&arguments.server, &arguments.folder) {
        (Some(url), _) => server::look_up(url, super::PATH)?,
        (None, Some(folder)) => of_folder(folder, &arguments.trust.trust()?)?,
        (None, None) => return Err(usage("name a folder or --server URL")),
    };
    let mut out = std::io::stdout().lock();
    if arguments.output == Output::Json {
        serde_json::to_writer_pretty(&mut out, &body)?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let items = body.get("items").and_then(Value::as_array);
    for item in items.into_iter().flatten() {
        tell_item(item, &mut out).context("write the list")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn tell_item(item: &Value, out: &mut impl Write) -> std::io::Result<()> {
    let word = |key: &str| match item.get(key) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    if item.get("problem").is_some() {
        return writeln!(out, "{}  unusable: {}", word("file"), word("problem"));
    }
    let hash: String = word("hash").chars().take(12).collect();
    if item.get("file").is_some() {
        return writeln!(
            out,
            "{}  {} version {}  {hash}  {} features, {} trees, signatures: {}",
            word("file"),
            word("name"),
            word("version"),
            word("features"),
            word("trees"),
            word("standing")
        );
    }
    let active = item.get("active").and_then(Value::as_bool) == Some(true);
    let state = if active { "active" } else { "before" };
    writeln!(
        out,
        "{state}  {}  from offset {} on, {}",
        word("named"),
        word("live_from"),
        word("activated_at")
    )
}

/// Files whose first words are those of a model, by name.
fn of_folder(folder: &Path, trust: &ModelTrust) -> anyhow::Result<Value> {
    let unreadable = |error: std::io::Error| usage(format!("read {}: {error}", folder.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    let mut items = Vec::new();
    for path in files {
        let content = read(&path)?;
        if !content.starts_with(b"sentinel-model ") {
            continue;
        }
        let file = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        items.push(match (Model::parse(&content), trust.signatures(&content)) {
            (Ok(model), Ok(signed)) => {
                let trees: usize = model
                    .description()
                    .members
                    .iter()
                    .map(|one| one.trees)
                    .sum();
                json!({
                    "file": file,
                    "name": model.name(),
                    "version": model.version(),
                    "hash": model.content_hash().to_string(),
                    "features": model.features().len(),
                    "trees": trees,
                    "standing": standing(&signed),
                    "signatures": signed.iter().map(signature_body).collect::<Vec<_>>(),
                })
            }
            (Err(error), _) => json!({ "file": file, "problem": error.to_string() }),
            (_, Err(problem)) => json!({ "file": file, "problem": problem }),
        });
    }
    Ok(json!({ "items": items }))
}
