//! `sentinel features check`: what a file of definitions means, before any log has heard of it.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use sentinel_api::wire::feature::FeatureBody;
use sentinel_domain::Currency;
use sentinel_features::{Feature, FeatureSet};
use serde::Serialize;

use super::Output;
use crate::content::with_definitions;

/// Arguments of `sentinel features check`.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit code 0 where the file can be used, 2 where it has faults.\n\nExample:\n  \
    sentinel features check my-features.toml"
)]
pub struct CheckArguments {
    /// The definitions (TOML).
    #[arg(value_name = "FILE.toml")]
    file: PathBuf,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Serialize)]
struct Checked<'a> {
    #[serde(flatten)]
    body: FeatureBody<'a>,
    /// The shipped feature that computes the same.
    equals: Option<&'a str>,
}

/// Runs the command.
pub fn check(arguments: &CheckArguments) -> anyhow::Result<ExitCode> {
    let shipped = FeatureSet::shipped();
    let set = with_definitions(shipped.clone(), Some(&arguments.file))?;
    let added = set.user_defined();
    let mut out = std::io::stdout().lock();
    if arguments.output == Output::Json {
        let checked: Vec<Checked<'_>> = added
            .iter()
            .map(|feature| Checked {
                body: FeatureBody::of(feature, true),
                equals: twin(feature, &shipped),
            })
            .collect();
        serde_json::to_writer_pretty(&mut out, &checked)?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let plural = if added.len() == 1 { "" } else { "s" };
    writeln!(
        out,
        "{}: {} feature{plural}, no faults",
        arguments.file.display(),
        added.len()
    )?;
    for feature in added {
        tell(feature, &shipped, &mut out)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(feature: &Feature, shipped: &FeatureSet, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "\n{}", feature.name)?;
    writeln!(out, "  means       {}", feature.doc)?;
    let definition = feature.definition().unwrap_or_default();
    writeln!(out, "  definition  {definition}")?;
    writeln!(out, "  unit        {}", feature.unit)?;
    writeln!(out, "  missing     {}", feature.missing)?;
    let sentence = feature.explain(feature.example, Currency::USD);
    writeln!(out, "  in words    {sentence}")?;
    if let Some(twin) = twin(feature, shipped) {
        writeln!(out, "  equals      {twin}, which ships: use that one")?;
    }
    Ok(())
}

/// The shipped feature with the same canonical definition.
fn twin<'a>(feature: &Feature, shipped: &'a FeatureSet) -> Option<&'a str> {
    let definition = feature.definition()?;
    let mut same = shipped
        .features()
        .iter()
        .filter(|one| one.definition().as_ref() == Some(&definition));
    same.next().map(|one| one.name.as_str())
}
