//! `sentinel models import`: a model of another program as one of ours, compared with its own predictions.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};
use sentinel_features::FeatureSet;
use sentinel_scoring::ImportError;
use sentinel_scoring::import::{self, FILE_BYTES_MAX, Foreign, Format, Imported, Options};
use serde_json::json;

use super::Output;
use super::parity::{Difference, Parity};
use super::sample::Sample;
use crate::commands::usage;
use crate::content::{read, text, with_definitions};
use crate::whole_file::WholeFile;

/// How many names that the engine lacks are told.
const NAMES_TOLD: usize = 20;

/// Arguments of `sentinel models import`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel models import model.txt --out my.model --check predictions.csv\n  \
    sentinel models import model.onnx --out my.model --names account_count_1h,amount --sample rows.parquet\n\n\
    A sample is a table (CSV, JSON lines, Parquet) with one column for each feature of the model. With --check \
    it has what the other program says of each row as well: `raw` (the margin) or `prediction` (the \
    probability), or both.")]
pub struct ImportArguments {
    /// LightGBM text or JSON, XGBoost JSON or UBJ, ONNX trees; ONNX networks where the binary was built with them.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where our model goes.
    #[arg(long, value_name = "MODEL")]
    out: PathBuf,
    /// What the file is written in; `auto` looks.
    #[arg(long, value_enum, default_value_t = FormatWord::Auto)]
    format: FormatWord,
    /// Our names of its features, in the order of the file.
    #[arg(
        long,
        value_name = "A,B,C",
        value_delimiter = ',',
        conflicts_with = "rename"
    )]
    names: Vec<String>,
    /// Our names of its features: a file of lines `theirs = ours`; what it leaves out keeps its name.
    #[arg(long, value_name = "FILE")]
    rename: Option<PathBuf>,
    /// What the model is called; default: the file's name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The model's version.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    model_version: u32,
    /// Compare with the predictions of the other program on these rows.
    #[arg(long, value_name = "SAMPLE")]
    check: Option<PathBuf>,
    /// The largest deviation that --check lets pass: the difference, or its share of a margin above 1.
    #[arg(long, value_name = "DIFFERENCE", default_value_t = 1e-6)]
    tolerance: f64,
    /// Set the tiers by these rows; default: those of --check.
    #[arg(long, value_name = "SAMPLE")]
    sample: Option<PathBuf>,
    /// The column of the sample that is 1 where a row is fraud; without it every row counts as legitimate.
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    /// What stands in for a missing value in a neural network, which can take none; default: the mean of each
    /// feature over the rows of --sample or --check.
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true)]
    missing: Option<f32>,
    /// Look for names among the features that this file defines too.
    #[arg(long, value_name = "FILE.toml")]
    features: Option<PathBuf>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatWord {
    Auto,
    LightgbmText,
    LightgbmJson,
    XgboostJson,
    XgboostUbj,
    Onnx,
}

impl FormatWord {
    fn format(self) -> Option<Format> {
        match self {
            Self::Auto => None,
            Self::LightgbmText => Some(Format::LightgbmText),
            Self::LightgbmJson => Some(Format::LightgbmJson),
            Self::XgboostJson => Some(Format::XgboostJson),
            Self::XgboostUbj => Some(Format::XgboostUbj),
            Self::Onnx => Some(Format::Onnx),
        }
    }
}

/// Runs the command.
pub fn import(arguments: &ImportArguments) -> anyhow::Result<ExitCode> {
    crate::diagnostics::start("warn");
    let path = &arguments.file;
    let mut foreign = foreign_of(arguments)?;
    rename(&mut foreign, arguments)?;
    let checked = sample_of(arguments.check.as_deref(), &foreign, None)?;
    let label = arguments.label.as_deref();
    let rows = match &arguments.sample {
        Some(_) => sample_of(arguments.sample.as_deref(), &foreign, label)?,
        None => sample_of(
            arguments.check.as_deref().filter(|_| label.is_some()),
            &foreign,
            label,
        )?,
    };
    let sample = rows.as_ref().or(checked.as_ref());
    if label.is_some() && sample.is_none() {
        return Err(usage("--label needs the rows of --sample or --check"));
    }
    let options = Options {
        name: match &arguments.name {
            Some(name) => name.clone(),
            None => stem(path),
        },
        version: arguments.model_version,
        sample: sample.map(|sample| import::Sample {
            rows: &sample.features,
            fraud: sample.fraud.as_deref(),
        }),
        anchor_rates: None,
        missing: arguments.missing,
        card: vec![("imported_file".to_owned(), shown(path))],
    };
    let imported = foreign
        .model(&options)
        .map_err(|error| told(path, &error))?;
    let parity = match &checked {
        Some(checked) => Some(Parity::of(&foreign, &imported.model, checked)?),
        None => None,
    };
    if let (Some(parity), Some(check)) = (&parity, &arguments.check)
        && parity.raw.is_none()
        && parity.probability.is_none()
    {
        return Err(usage(format!(
            "{} has neither a column \"raw\" nor, for a model of probabilities, \"prediction\"",
            check.display()
        )));
    }
    let holds = parity
        .as_ref()
        .is_none_or(|parity| parity.holds(arguments.tolerance));
    if holds {
        let (file, mut out) = WholeFile::create("--out", &arguments.out)?;
        out.write_all(&imported.model.to_bytes())
            .with_context(|| format!("write {}", arguments.out.display()))?;
        drop(out);
        file.keep()?;
    }
    let unknown = unknown_features(&imported, arguments)?;
    tell(arguments, &foreign, &imported, parity.as_ref(), &unknown).context("write the result")?;
    if holds {
        return Ok(ExitCode::SUCCESS);
    }
    let bound = arguments.tolerance;
    anyhow::bail!(
        "the model differs from its predictions by more than {bound:e}; {} was not written",
        arguments.out.display()
    )
}

fn foreign_of(arguments: &ImportArguments) -> anyhow::Result<Foreign> {
    let path = &arguments.file;
    let length = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    if usize::try_from(length).map_or(true, |length| length > FILE_BYTES_MAX) {
        let bound = FILE_BYTES_MAX >> 20;
        return Err(usage(format!(
            "{} is larger than {bound} MiB",
            path.display()
        )));
    }
    let foreign = Foreign::read(&read(path)?, arguments.format.format())
        .map_err(|error| told(path, &error))?;
    if arguments.missing.is_some() && !foreign.is_network() {
        return Err(usage(
            "--missing is for neural networks: trees say themselves where a missing value goes",
        ));
    }
    Ok(foreign)
}

fn told(path: &Path, error: &ImportError) -> anyhow::Error {
    let cause = match error {
        ImportError::Model(cause) => format!(": {cause}"),
        _ => String::new(),
    };
    usage(format!("{}: {error}{cause}", path.display()))
}

/// The file's name, as a card and a model may hold it.
fn shown(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let plain: String = name
        .chars()
        .filter(|letter| !letter.is_control())
        .take(200)
        .collect();
    match plain.trim() {
        "" => "unnamed".to_owned(),
        trimmed => trimmed.to_owned(),
    }
}

fn stem(path: &Path) -> String {
    let name = shown(path);
    let stem = name
        .rsplit_once('.')
        .map_or(name.as_str(), |(stem, _)| stem);
    if stem.is_empty() {
        name
    } else {
        stem.to_owned()
    }
}

fn rename(foreign: &mut Foreign, arguments: &ImportArguments) -> anyhow::Result<()> {
    let names = if !arguments.names.is_empty() {
        arguments
            .names
            .iter()
            .map(|name| name.trim().to_owned())
            .collect()
    } else if let Some(path) = &arguments.rename {
        renamed(foreign, path)?
    } else {
        return Ok(());
    };
    foreign
        .rename(&names)
        .map_err(|error| told(&arguments.file, &error))
}

/// All names, with those of the file's lines in their places.
fn renamed(foreign: &Foreign, path: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = foreign.features().to_vec();
    for (number, line) in (1..).zip(text(path)?.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let fault = |problem: String| usage(format!("{}:{number}: {problem}", path.display()));
        let Some((theirs, ours)) = line.split_once('=') else {
            return Err(fault("a line is `theirs = ours`".to_owned()));
        };
        let theirs = theirs.trim();
        let place = foreign.features().iter().position(|name| name == theirs);
        let Some(name) = place.and_then(|place| names.get_mut(place)) else {
            return Err(fault(format!("the model has no feature {theirs:?}")));
        };
        *name = ours.trim().to_owned();
    }
    Ok(names)
}

fn sample_of(
    path: Option<&Path>,
    foreign: &Foreign,
    label: Option<&str>,
) -> anyhow::Result<Option<Sample>> {
    path.map(|path| Sample::read(path, foreign.features(), label))
        .transpose()
}

/// The features that the engine does not make, each with the nearest name that it does.
fn unknown_features(
    imported: &Imported,
    arguments: &ImportArguments,
) -> anyhow::Result<Vec<(String, Option<String>)>> {
    let set = with_definitions(FeatureSet::shipped(), arguments.features.as_deref())?;
    let known = set.names();
    let features = imported.model.features().iter();
    let unknown = features.filter(|name| !known.contains(&name.as_str()));
    Ok(unknown
        .map(|name| (name.clone(), nearest(name, &known)))
        .collect())
}

/// The known name that is spelt most alike, if any is near.
fn nearest(name: &str, known: &[&str]) -> Option<String> {
    let near = known
        .iter()
        .map(|other| (strsim::jaro_winkler(name, other), *other))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    near.filter(|(likeness, _)| *likeness > 0.8)
        .map(|(_, name)| name.to_owned())
}

fn tell(
    arguments: &ImportArguments,
    foreign: &Foreign,
    imported: &Imported,
    parity: Option<&Parity>,
    unknown: &[(String, Option<String>)],
) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let model = &imported.model;
    if arguments.output == Output::Json {
        let names: Vec<&String> = unknown.iter().map(|(name, _)| name).collect();
        let body = json!({
            "format": foreign.format().as_str(),
            "name": model.name(),
            "hash": model.content_hash().to_string(),
            "trees": foreign.trees(),
            "network": foreign.is_network(),
            "features": model.features(),
            "features_unknown": names,
            "notes": imported.notes,
            "parity": parity,
        });
        serde_json::to_writer_pretty(&mut out, &body)?;
        return writeln!(out);
    }
    let size = match foreign.is_network() {
        true => "a neural network".to_owned(),
        false => format!("{} trees", foreign.trees()),
    };
    writeln!(
        out,
        "{}: {}, {size}, {} features read of {}",
        arguments.file.display(),
        foreign.format().as_str(),
        model.features().len(),
        foreign.features().len()
    )?;
    for note in &imported.notes {
        writeln!(out, "note: {note}")?;
    }
    if !unknown.is_empty() {
        let count = unknown.len();
        writeln!(
            out,
            "warning: the engine makes no feature of {count} of these names:"
        )?;
        for (name, near) in unknown.iter().take(NAMES_TOLD) {
            match near {
                Some(near) => writeln!(out, "  {name} (the nearest is {near})")?,
                None => writeln!(out, "  {name}")?,
            }
        }
        if count > NAMES_TOLD {
            writeln!(out, "  and {} more", count - NAMES_TOLD)?;
        }
    }
    if let Some(parity) = parity {
        tell_parity(parity, arguments.tolerance, &mut out)?;
    }
    let hash = model.content_hash().abbreviated();
    writeln!(out, "{} version {} ({hash})", model.name(), model.version())
}

fn tell_parity(parity: &Parity, tolerance: f64, out: &mut impl Write) -> std::io::Result<()> {
    let rows = parity.rows;
    let verdict = if parity.holds(tolerance) {
        "holds"
    } else {
        "FAILS"
    };
    writeln!(out, "parity on {rows} rows, bound {tolerance:e}: {verdict}")?;
    let line = |name: &str, difference: &Option<Difference>, out: &mut dyn Write| {
        let Some(one) = difference else { return Ok(()) };
        writeln!(
            out,
            "  {name:<12} deviation {:.3e}; difference max {:.3e}, mean {:.3e}; NaN mismatches {}; worst row {}: ours {}, \
             theirs {}",
            one.deviation_max,
            one.difference_max,
            one.difference_mean,
            one.nan_mismatches,
            one.worst_row,
            one.worst_ours,
            one.worst_theirs
        )
    };
    line("raw", &parity.raw, out)?;
    line("probability", &parity.probability, out)?;
    if parity.rounded_values > 0 {
        let count = parity.rounded_values;
        writeln!(
            out,
            "  {count} values of the sample are no f32: the engine rounds them, the other program may not"
        )?;
    }
    Ok(())
}
