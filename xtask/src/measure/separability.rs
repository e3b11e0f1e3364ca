//! How well fraud of the generator is told apart: by the fields of a payment alone, and with stream
//! features. If the fields alone were enough, every later figure would be an easy one.
//!
//! The stream is generated and exported by the product; LightGBM learns in a private environment of
//! Python (`separability.py` beside this file).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use crate::program;
use crate::python;
use crate::workspace::Workspace;

const USAGE: &str =
    "cargo xtask measure separability [-o table|json] [--seed N] [--payments N] [--binary FILE]";

/// Event time of the stream: longer than the longest window, so that each fills.
const DURATION: &str = "40d";

/// Payments a customer makes over that time, about.
const PAYMENTS_PER_CUSTOMER: u64 = 30;

/// Fewer people than this make no world.
const CUSTOMERS_MIN: u64 = 500;

/// What to measure, and how to say it.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    seed: u64,
    payments: u64,
    output: String,
    /// Another binary than the release build.
    binary: Option<PathBuf>,
}

impl Options {
    fn parse(words: &[String]) -> Result<Self> {
        let mut options = Self {
            seed: 1,
            payments: 300_000,
            output: "table".to_owned(),
            binary: None,
        };
        let mut words = words.iter();
        while let Some(flag) = words.next() {
            let value = words
                .next()
                .with_context(|| format!("{flag} needs a value\n\n{USAGE}"))?;
            let number = || {
                let number = value.parse::<u64>().ok();
                number.with_context(|| format!("{flag} {value}: not a whole number\n\n{USAGE}"))
            };
            match flag.as_str() {
                "-o" | "--output" if ["table", "json"].contains(&value.as_str()) => {
                    options.output.clone_from(value);
                }
                "--seed" => options.seed = number()?,
                "--payments" => options.payments = number()?,
                "--binary" => options.binary = Some(PathBuf::from(value)),
                _ => bail!("{flag} {value}: not understood\n\n{USAGE}"),
            }
        }
        Ok(options)
    }

    fn customers(&self) -> u64 {
        (self.payments / PAYMENTS_PER_CUSTOMER).max(CUSTOMERS_MIN)
    }
}

/// Generates, exports, learns and reports. Fails where the promise does not hold.
pub fn measure(workspace: &Workspace, words: &[String], results: &Path) -> Result<ExitCode> {
    let options = Options::parse(words)?;
    let binary = options.binary.clone();
    let binary = binary.unwrap_or_else(|| workspace.binary("release"));
    if !binary.is_file() {
        bail!("{} is not there: make release builds it", binary.display());
    }
    let python = python::lightgbm_ready(workspace)?;
    let folder = results.join("separability");
    fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    let payments = folder.join("payments.parquet");
    let labels = folder.join("labels.jsonl");
    let matrix = folder.join("matrix.parquet");
    aside(
        Command::new(&binary)
            .args(["generate", "--seed", &options.seed.to_string()])
            .args(["--count", &options.payments.to_string()])
            .args(["--duration", DURATION])
            .args(["--customers", &options.customers().to_string()])
            .arg("--output")
            .arg(&payments)
            .arg("--labels")
            .arg(&labels),
    )?;
    aside(
        Command::new(&binary)
            .args(["features", "export", "--input"])
            .arg(&payments)
            .arg("--labels")
            .arg(&labels)
            .arg("--output")
            .arg(&matrix),
    )?;
    let mut learn = Command::new(python);
    learn
        .arg(workspace.at("xtask/src/measure/separability.py"))
        .arg("--payments")
        .arg(&payments)
        .arg("--labels")
        .arg(&labels)
        .arg("--matrix")
        .arg(&matrix)
        .args(["--seed", &options.seed.to_string()])
        .args(["--output", &options.output]);
    eprintln!("$ {}", program::line(&learn));
    let status = learn.status().context("start the measure")?;
    match status.code() {
        Some(0) => Ok(ExitCode::SUCCESS),
        // The report has said what does not hold.
        Some(3) => Ok(ExitCode::FAILURE),
        _ => bail!("{} ended with {status}", program::line(&learn)),
    }
}

/// A step whose own words go to standard error: standard output is that of the report.
fn aside(command: &mut Command) -> Result<()> {
    eprintln!("$ {}", program::line(command));
    let status = command
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("start {}", program::line(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", program::line(command));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Options> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words)
    }

    #[test]
    fn words_say_what_is_measured() {
        let options = parsed("-o json --seed 7 --payments 60000 --binary x/sentinel").unwrap();
        assert_eq!(options.output, "json");
        assert_eq!((options.seed, options.payments), (7, 60_000));
        assert_eq!(options.customers(), 2_000);
        assert_eq!(options.binary, Some(PathBuf::from("x/sentinel")));
        assert_eq!(parsed("--payments 9").unwrap().customers(), CUSTOMERS_MIN);
    }

    #[test]
    fn a_word_that_means_nothing_is_refused_by_name() {
        for (text, part) in [
            ("--seed", "--seed needs a value"),
            ("--seed many", "--seed many: not a whole number"),
            ("-o html", "-o html: not understood"),
            ("--sed 1", "--sed 1: not understood"),
        ] {
            let error = format!("{:#}", parsed(text).unwrap_err());
            assert!(error.contains(part), "{error}");
        }
    }
}
