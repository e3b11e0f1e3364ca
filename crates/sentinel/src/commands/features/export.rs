//! `sentinel features export`: the training matrix of a table, as Parquet or CSV.
//!
//! **Promises** that a value in the file is the value that the serving path used, to the last bit: as a
//! 64-bit number in Parquet, as the shortest text that reads back as the same number in CSV. A missing
//! value is not-a-number in Parquet and an empty cell in CSV. The file has its name only once it is
//! whole. **Must never** compute a feature itself; that is [`crate::matrix`].

mod parquet;
mod text;

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sentinel_features::FeatureSet;

use self::parquet::ParquetTable;
use self::text::TextTable;
use crate::commands::run::{feature_set, labels, load_mapping};
use crate::commands::usage;
use crate::content::{rate_table, with_definitions};
use crate::diagnostics;
use crate::matrix::{self, Counts, MatrixRow};
use crate::whole_file::WholeFile;

/// Arguments of `sentinel features export`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel features export --input labelled.csv.zst --mapping mapping.toml --output matrix.parquet\n  \
    sentinel features export --input payments.jsonl --labels labels.jsonl --output matrix.csv\n\n\
    Columns: event_id, event_time (microseconds since 1970, UTC), label (1 where the transaction turned out \
    to be fraud by the end of the input, else 0), then one a feature.")]
pub struct ExportArguments {
    /// CSV or JSON lines, plain or compressed (.zst, .gz), or Parquet. It is read twice.
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Maps the table's columns to the canonical transaction, label included.
    #[arg(long, value_name = "FILE.toml")]
    mapping: Option<PathBuf>,
    /// What was learnt about rows of the input, beside what its mapping says: JSON lines, as `sentinel
    /// generate` writes them.
    #[arg(long, value_name = "FILE.jsonl")]
    labels: Option<PathBuf>,
    /// Where the matrix goes; its ending says how it is spelled.
    #[arg(long, value_name = "FILE.parquet|.csv")]
    output: PathBuf,
    /// Adds the features that this file defines.
    #[arg(long, value_name = "DEFINITIONS.toml")]
    features: Option<PathBuf>,
    /// Convert amounts with this table of currency rates instead of the one that ships.
    #[arg(long, value_name = "FILE")]
    rates: Option<PathBuf>,
}

/// Columns in front of the features.
const LEADING: [&str; 3] = ["event_id", "event_time", "label"];

/// A table that is being written.
trait Table {
    /// Appends a row.
    fn push(&mut self, row: &MatrixRow<'_>) -> anyhow::Result<()>;
    /// Writes what is left and gives the file back.
    fn finish(self: Box<Self>) -> anyhow::Result<BufWriter<File>>;
}

/// Runs the command.
pub fn export(arguments: &ExportArguments) -> anyhow::Result<ExitCode> {
    if arguments.input.as_os_str() == "-" {
        return Err(usage("--input: the table is read twice, so name a file"));
    }
    let same = |path: &Path| path.canonicalize().ok();
    let output = same(&arguments.output);
    if output.is_some() && output == same(&arguments.input) {
        return Err(usage("--output names the input; it would be overwritten"));
    }
    if output.is_some() && output == arguments.labels.as_deref().and_then(same) {
        return Err(usage(
            "--output names the labels; they would be overwritten",
        ));
    }
    let mapping = arguments.mapping.as_deref().map(load_mapping).transpose()?;
    let labels = arguments.labels.as_deref().map(labels::read).transpose()?;
    let labels = labels.unwrap_or_default();
    let set = with_definitions(feature_set(mapping.as_ref()), arguments.features.as_deref())?;
    let rates = rate_table(arguments.rates.as_deref())?;
    let (whole, mut table) = open(&arguments.output, &set)?;
    let progress = progress_bar();
    let counts = matrix::of_table(
        &arguments.input,
        mapping.as_ref(),
        &labels,
        (set, rates),
        &mut |read, total| {
            progress.set_length(total);
            progress.set_position(read);
        },
        &mut |row| table.push(row),
    );
    progress.finish_and_clear();
    let counts = counts?;
    table
        .finish()?
        .flush()
        .with_context(|| format!("write {}", arguments.output.display()))?;
    whole.keep()?;
    tell(counts);
    Ok(ExitCode::SUCCESS)
}

fn open(output: &Path, set: &FeatureSet) -> anyhow::Result<(WholeFile, Box<dyn Table>)> {
    let ending = output.extension().and_then(|ending| ending.to_str());
    let make = || {
        let (whole, file) = WholeFile::create("--output", output)?;
        anyhow::Ok((whole, BufWriter::with_capacity(1 << 20, file)))
    };
    let names = set.names();
    Ok(match ending {
        Some("parquet") => {
            let (whole, file) = make()?;
            (whole, Box::new(ParquetTable::new(file, &names)?))
        }
        Some("csv") => {
            let (whole, file) = make()?;
            (whole, Box::new(TextTable::new(file, &names)?))
        }
        _ => {
            let name = output.display();
            let message = format!("--output {name}: the name must end in .parquet or .csv");
            return Err(usage(message));
        }
    })
}

fn progress_bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
    let style = ProgressStyle::with_template("{bar:30} {percent}%, {elapsed} elapsed, {eta} left");
    bar.with_style(style.unwrap_or(ProgressStyle::default_bar()))
}

fn tell(counts: Counts) {
    let Counts {
        rows,
        fraud,
        repeated,
        rejected,
    } = counts;
    diagnostics::tell(&format!(
        "{rows} rows, {fraud} of them fraud; left out: {repeated} that came before, {rejected} that are no \
         transaction"
    ));
}
