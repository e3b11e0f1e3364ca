//! `sentinel models export`: a model's boosted trees in the words of another program.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};
use sentinel_scoring::{Model, export};

use crate::commands::usage;
use crate::whole_file::WholeFile;

/// Arguments of `sentinel models export`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel models export --model my.model --format lightgbm --out my.txt\n\n\
    The raw prediction of what is written is the margin of the boosted trees: without the isolation forest, \
    calibration and risk of the model.")]
pub struct ExportArguments {
    /// The model file.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// What to write.
    #[arg(long, value_enum, default_value_t = Format::Lightgbm)]
    format: Format,
    /// Where it goes.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// LightGBM text, version 4.
    Lightgbm,
}

/// Runs the command.
pub fn export(arguments: &ExportArguments) -> anyhow::Result<ExitCode> {
    let bytes = std::fs::read(&arguments.model)
        .map_err(|error| usage(format!("open {}: {error}", arguments.model.display())))?;
    let model =
        Model::parse(&bytes).with_context(|| format!("read {}", arguments.model.display()))?;
    let text = match arguments.format {
        Format::Lightgbm => export::lightgbm::write(&model)?,
    };
    let (whole, mut file) = WholeFile::create("--out", &arguments.out)?;
    file.write_all(text.as_bytes())
        .with_context(|| format!("write {}", arguments.out.display()))?;
    drop(file);
    whole.keep()?;
    Ok(ExitCode::SUCCESS)
}
