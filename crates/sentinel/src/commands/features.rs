//! `sentinel features`: the catalogue, for people and for machines.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use sentinel_features::{Feature, FeatureSet};
use serde::Serialize;

use crate::commands::usage;

/// Arguments of `sentinel features`.
#[derive(Args, Debug)]
pub struct FeaturesArguments {
    #[command(subcommand)]
    command: FeaturesCommand,
}

#[derive(Subcommand, Debug)]
enum FeaturesCommand {
    /// List every feature.
    List {
        /// How to print it.
        #[arg(short, long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
    /// Show one feature.
    Show {
        /// Its name.
        name: String,
        /// How to print it.
        #[arg(short, long, value_enum, default_value_t = Output::Table)]
        output: Output,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    family: &'a str,
    unit: &'a str,
    missing: &'a str,
    doc: &'a str,
    example: f64,
    phrase: &'a str,
}

impl<'a> Entry<'a> {
    fn of(feature: &'a Feature) -> Self {
        Self {
            name: &feature.name,
            family: feature.family.as_str(),
            unit: feature.unit.as_str(),
            missing: feature.missing.as_str(),
            doc: &feature.doc,
            example: feature.example,
            phrase: &feature.phrase,
        }
    }
}

/// Runs the command.
pub fn features(arguments: FeaturesArguments) -> anyhow::Result<ExitCode> {
    let set = FeatureSet::shipped();
    let mut out = std::io::stdout().lock();
    match arguments.command {
        FeaturesCommand::List {
            output: Output::Json,
        } => {
            let entries: Vec<Entry<'_>> = set.features().iter().map(Entry::of).collect();
            serde_json::to_writer_pretty(&mut out, &entries)?;
            writeln!(out)?;
        }
        FeaturesCommand::List {
            output: Output::Table,
        } => {
            let width = set.names().iter().map(|name| name.len()).max().unwrap_or(0);
            for feature in set.features() {
                writeln!(
                    out,
                    "{:width$}  {:9}  {}",
                    feature.name,
                    feature.family.as_str(),
                    feature.doc
                )?;
            }
        }
        FeaturesCommand::Show { name, output } => {
            let feature = set.features().iter().find(|feature| feature.name == name);
            let feature = feature.ok_or_else(|| {
                usage(format!(
                    "there is no feature {name:?}; `sentinel features list` names them all"
                ))
            })?;
            show(&mut out, feature, output)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(out: &mut impl Write, feature: &Feature, output: Output) -> anyhow::Result<()> {
    let entry = Entry::of(feature);
    if output == Output::Json {
        serde_json::to_writer_pretty(&mut *out, &entry)?;
        writeln!(out)?;
        return Ok(());
    }
    writeln!(out, "{}", entry.name)?;
    writeln!(out, "  {}", entry.doc)?;
    writeln!(out, "  family   {}", entry.family)?;
    writeln!(out, "  unit     {}", entry.unit)?;
    writeln!(out, "  missing  {}", entry.missing)?;
    writeln!(out, "  example  {}", entry.example)?;
    let sentence = feature.explain(feature.example, sentinel_domain::Currency::USD);
    writeln!(out, "  in words {sentence}")?;
    Ok(())
}
