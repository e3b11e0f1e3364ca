//! `sentinel features list` and `show`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use sentinel_api::wire::feature::FeatureBody;
use sentinel_domain::Currency;
use sentinel_features::{Family, FeatureSet};

use super::Output;
use crate::commands::usage;
use crate::content::with_definitions;

/// Arguments of `sentinel features list`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel features list --family velocity\n  \
    sentinel features list --features mine.toml -o json | jq '.[] | select(.user_defined)'")]
pub struct ListArguments {
    /// Only this family: velocity, device, behaviour, geography or history.
    #[arg(long)]
    family: Option<String>,
    /// With the features that this file defines behind those that ship.
    #[arg(long, value_name = "FILE.toml")]
    features: Option<PathBuf>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Arguments of `sentinel features show`.
#[derive(Args, Debug)]
pub struct ShowArguments {
    /// Its name.
    name: String,
    /// With the features that this file defines behind those that ship.
    #[arg(long, value_name = "FILE.toml")]
    features: Option<PathBuf>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Lists them.
pub fn list(arguments: &ListArguments) -> anyhow::Result<ExitCode> {
    let family = arguments.family.as_deref().map(family_of).transpose()?;
    let set = with_definitions(FeatureSet::shipped(), arguments.features.as_deref())?;
    let mut bodies = FeatureBody::all(&set);
    bodies.retain(|body| family.is_none_or(|family| body.family == family.as_str()));
    let mut out = std::io::stdout().lock();
    if arguments.output == Output::Json {
        serde_json::to_writer_pretty(&mut out, &bodies)?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let columns: [for<'a> fn(&'a FeatureBody<'_>) -> &'a str; 5] = [
        |body| body.name,
        |body| body.family,
        |body| body.number,
        |body| body.entity.unwrap_or("-"),
        |body| body.window.unwrap_or("-"),
    ];
    let widths = columns.map(|cell| {
        bodies
            .iter()
            .map(|body| cell(body).len())
            .max()
            .unwrap_or(0)
    });
    for body in &bodies {
        for (cell, width) in columns.iter().zip(widths) {
            write!(out, "{:width$}  ", cell(body))?;
        }
        writeln!(out, "{}", body.doc)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn family_of(word: &str) -> anyhow::Result<Family> {
    Family::parse(word).ok_or_else(|| {
        let all: Vec<&str> = Family::ALL.iter().map(|family| family.as_str()).collect();
        usage(format!("--family {word:?} is none of {}", all.join(", ")))
    })
}

/// Shows one.
pub fn show(arguments: &ShowArguments) -> anyhow::Result<ExitCode> {
    let set = with_definitions(FeatureSet::shipped(), arguments.features.as_deref())?;
    let name = &arguments.name;
    let features = set.features().iter().zip(FeatureBody::all(&set));
    let (feature, body) = features
        .into_iter()
        .find(|(feature, _)| feature.name == *name)
        .ok_or_else(|| {
            usage(format!(
                "there is no feature {name:?}; `sentinel features list` names them all"
            ))
        })?;
    let mut out = std::io::stdout().lock();
    if arguments.output == Output::Json {
        serde_json::to_writer_pretty(&mut out, &body)?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "{}", body.name)?;
    writeln!(out, "  {}", body.doc)?;
    writeln!(out, "  family      {}", body.family)?;
    writeln!(out, "  type        {}", body.number)?;
    writeln!(out, "  unit        {}", body.unit)?;
    writeln!(out, "  source      {}", body.source)?;
    writeln!(out, "  entity      {}", body.entity.unwrap_or("-"))?;
    writeln!(out, "  window      {}", body.window.unwrap_or("-"))?;
    writeln!(
        out,
        "  definition  {}",
        body.definition.as_deref().unwrap_or("-")
    )?;
    writeln!(out, "  missing     {}", body.missing)?;
    writeln!(out, "  example     {}", body.example)?;
    let sentence = feature.explain(feature.example, Currency::USD);
    writeln!(out, "  in words    {sentence}")?;
    Ok(ExitCode::SUCCESS)
}
