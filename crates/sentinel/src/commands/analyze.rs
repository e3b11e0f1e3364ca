//! `sentinel analyze`: what a table of payments looks like, as numbers, as a report, and as the profile that
//! `sentinel generate` runs on.
//!
//! ```text
//!  layout ─▶ walk ─▶ statistics ─▶ summary ─┬─ table or JSON on standard output
//!            labels, identities             ├─ profile  (--out)
//!                                           └─ report   (--report)
//! ```
//!
//! **Promises** one pass in bounded memory (the identity table and the frauds of a labels file are the
//! exceptions, and are small), and a result that does not depend on the order or the format of the rows.
//! A bad row is counted and told. **Must never** put a row of the table into what it writes.

pub mod cells;
mod distinct;
mod fields;
mod identity;
mod labels;
mod layout;
mod mixture;
mod profile;
mod report;
mod statistics;
mod summary;
mod table;
mod walk;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use self::identity::Identities;
use self::labels::Labels;
use self::layout::{Kind, Layout};
use self::statistics::Statistics;
use self::summary::Summary;
use self::walk::Beside;
use crate::commands::{Output, usage};
use crate::content::rate_table;
use crate::diagnostics::tell;
use crate::whole_file::WholeFile;

/// Arguments of `sentinel analyze`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel analyze train_transaction.csv --identity train_identity.csv --out ieee.json --report ieee.html\n  \
    sentinel analyze payments.csv.zst --mapping mapping.toml -o json | jq .fraud_rate\n  \
    sentinel analyze generated.jsonl --labels labels.jsonl --out profile.json\n\n\
    A table with the header of IEEE-CIS is known as such; without --mapping any other is taken for \
    transactions in the product's own fields.")]
pub struct AnalyzeArguments {
    /// CSV or JSON lines, plain or compressed (.zst, .gz), or Parquet; `-` for standard input.
    #[arg(value_name = "FILE")]
    input: PathBuf,
    /// The identity table of IEEE-CIS, joined by TransactionID.
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// Maps the table's columns to the canonical transaction.
    #[arg(long, value_name = "FILE.toml")]
    mapping: Option<PathBuf>,
    /// Which transactions are fraud, by event id: as `generate` writes it, or any list of ids.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Convert amounts with this table of currency rates instead of the one that ships.
    #[arg(long, value_name = "FILE")]
    rates: Option<PathBuf>,
    /// Write the profile for the generator.
    #[arg(long, value_name = "PROFILE.json")]
    out: Option<PathBuf>,
    /// Write a page of distributions: one file, no other host.
    #[arg(long, value_name = "REPORT.html")]
    report: Option<PathBuf>,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Runs the command.
pub fn analyze(arguments: &AnalyzeArguments) -> anyhow::Result<ExitCode> {
    crate::diagnostics::start("warn");
    check_files(arguments)?;
    let rates = rate_table(arguments.rates.as_deref())?;
    let layout = Layout::of(&arguments.input, arguments.mapping.as_deref())?;
    let beside = beside(arguments, &layout)?;
    let statistics = walk::walk(&arguments.input, &layout, &beside, rates)?;
    tell_refused(&statistics);
    if statistics.all.rows == 0 {
        return Err(usage(format!(
            "{} holds no transaction: {} rows were refused",
            arguments.input.display(),
            statistics.refused_rows()
        )));
    }
    let labelled = beside.labels.is_some() || statistics.all.fraud > 0 || has_labels(&layout);
    let name = arguments.input.display().to_string();
    let summary = Summary::of(&statistics, name, layout.kind.as_str(), labelled);
    if let Some(path) = &arguments.out {
        let profile = profile::of(&summary, &profile_name(path))?;
        write("--out", path, &(profile.to_json() + "\n"))?;
    }
    if let Some(path) = &arguments.report {
        write("--report", path, &report::page(&summary))?;
    }
    print(&summary, arguments.output).context("write standard output")?;
    Ok(ExitCode::SUCCESS)
}

/// Labels and identities, read before the table.
fn beside(arguments: &AnalyzeArguments, layout: &Layout) -> anyhow::Result<Beside> {
    let labels = arguments.labels.as_deref().map(Labels::read).transpose()?;
    if let Some(labels) = &labels
        && labels.broken > 0
    {
        tell(&format!(
            "{} lines of the labels were left out: no transaction is named",
            labels.broken
        ));
    }
    let identities = match &arguments.identity {
        None => None,
        Some(_) if layout.kind != Kind::IeeeCis => {
            return Err(usage(
                "--identity belongs to the layout of IEEE-CIS, which this table does not have",
            ));
        }
        Some(path) => Some(Identities::read(path, &layout.missing)?),
    };
    if let Some(identities) = &identities {
        for (count, what) in [
            (identities.broken, "could not be read"),
            (
                identities.repeated,
                "name a transaction again; the first counts",
            ),
        ] {
            if count > 0 {
                tell(&format!("{count} rows of the identity table {what}"));
            }
        }
    }
    Ok(Beside { labels, identities })
}

/// Whether the layout itself says what is fraud.
fn has_labels(layout: &Layout) -> bool {
    layout.label.is_some() && layout.kind != Kind::IeeeCis
}

/// Refuses to write over what is read, or two things into one file.
fn check_files(arguments: &AnalyzeArguments) -> anyhow::Result<()> {
    if arguments.input.is_dir() {
        return Err(usage(format!(
            "{} is a directory",
            arguments.input.display()
        )));
    }
    let stream = |path: &Option<PathBuf>| path.as_deref() == Some(Path::new("-"));
    if stream(&arguments.out) || stream(&arguments.report) {
        return Err(usage(
            "--out and --report are files; -o json prints to standard output",
        ));
    }
    let same = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let read = [
        Some(&arguments.input),
        arguments.identity.as_ref(),
        arguments.mapping.as_ref(),
        arguments.labels.as_ref(),
        arguments.rates.as_ref(),
    ];
    let mut taken: Vec<PathBuf> = read.into_iter().flatten().map(|path| same(path)).collect();
    for (flag, path) in [("--out", &arguments.out), ("--report", &arguments.report)] {
        let Some(path) = path else { continue };
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) {
            let told = format!("{flag} {}: there is no such folder", path.display());
            return Err(usage(told));
        }
        if path.is_dir() {
            return Err(usage(format!("{flag} {} is a directory", path.display())));
        }
        if taken.contains(&same(path)) {
            let told = format!("{flag} {} is another file of this command", path.display());
            return Err(usage(told));
        }
        taken.push(same(path));
    }
    Ok(())
}

/// Rows that are no transaction: how many, and the first of each kind.
fn tell_refused(statistics: &Statistics) {
    let rows = statistics.refused_rows();
    if rows == 0 {
        return;
    }
    tell(&format!(
        "{rows} rows are no transaction and were left out:"
    ));
    for refused in statistics.refused.values() {
        let (line, detail) = &refused.first;
        tell(&format!(
            "  {} rows, first in line {line}: {detail}",
            refused.rows
        ));
    }
}

/// A profile is called as its file.
fn profile_name(path: &Path) -> String {
    let stem = path.file_stem();
    stem.map_or_else(
        || "analyzed".into(),
        |stem| stem.to_string_lossy().into_owned(),
    )
}

/// Writes a file whole or not at all.
fn write(flag: &str, path: &Path, text: &str) -> anyhow::Result<()> {
    let (whole, mut file) = WholeFile::create(flag, path)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.flush())
        .with_context(|| format!("write {}", path.display()))?;
    whole.keep()?;
    tell(&format!("wrote {}", path.display()));
    Ok(())
}

fn print(summary: &Summary, output: Output) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match output {
        Output::Json => {
            serde_json::to_writer_pretty(&mut out, summary).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
        Output::Table => table::print(summary, &mut out)?,
    }
    out.flush()?;
    Ok(())
}
