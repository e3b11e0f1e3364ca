//! Imported models against the programs that made them: one hundred thousand rows a format.
//!
//! `parity.py` beside this file trains and predicts in a private environment of Python; the product imports
//! and compares. `--models networks` does so for neural networks, with a binary that was built with them. With
//! `--fixtures` it writes the small models that the product's own tests compare with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use super::peers;
use crate::python;
use crate::workspace::Workspace;

const USAGE: &str = "cargo xtask measure parity [-o table|json] [--seed N] [--rows N] [--bound X] [--binary FILE] \
                     [--models trees|networks] [--python FILE] [--fixtures DIR]";

/// What to measure, and how to say it.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    /// Words that go on to the script as they are.
    words: Vec<String>,
    /// Another binary than the release build.
    binary: Option<PathBuf>,
    /// Another Python than that of the private environment.
    python: Option<PathBuf>,
    /// Write fixtures there instead of measuring.
    fixtures: Option<PathBuf>,
}

impl Options {
    fn parse(words: &[String]) -> Result<Self> {
        let mut options = Self {
            words: Vec::new(),
            binary: None,
            python: None,
            fixtures: None,
        };
        let mut words = words.iter();
        while let Some(flag) = words.next() {
            let value = words
                .next()
                .with_context(|| format!("{flag} needs a value\n\n{USAGE}"))?;
            let path = Some(PathBuf::from(value));
            match flag.as_str() {
                "--binary" => options.binary = path,
                "--python" => options.python = path,
                "--fixtures" => options.fixtures = path,
                "-o" | "--output" if ["table", "json"].contains(&value.as_str()) => {
                    options.words.extend(["--output".to_owned(), value.clone()]);
                }
                "--models" if ["trees", "networks"].contains(&value.as_str()) => {
                    options.words.extend([flag.clone(), value.clone()]);
                }
                "--seed" | "--rows" if value.parse::<u64>().is_ok() => {
                    options.words.extend([flag.clone(), value.clone()]);
                }
                "--bound" if value.parse::<f64>().is_ok() => {
                    options.words.extend([flag.clone(), value.clone()]);
                }
                _ => bail!("{flag} {value}: not understood\n\n{USAGE}"),
            }
        }
        Ok(options)
    }
}

/// Trains, predicts, imports, compares. Fails where a format differs by more than the bound.
pub fn measure(workspace: &Workspace, words: &[String], results: &Path) -> Result<ExitCode> {
    let options = Options::parse(words)?;
    let python = match options.python {
        Some(python) => python,
        None => python::booster_libraries_ready(workspace)?,
    };
    let mut script = Command::new(python);
    script.arg(workspace.at("xtask/src/measure/parity.py"));
    script.args(&options.words);
    match options.fixtures {
        Some(folder) => {
            script.arg("--fixtures").arg(folder);
        }
        None => {
            let binary = options.binary;
            let binary = binary.unwrap_or_else(|| workspace.binary("release"));
            if !binary.is_file() {
                bail!("{} is not there: make release builds it", binary.display());
            }
            let folder = results.join("parity");
            fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
            script.arg("--binary").arg(binary);
            script.arg("--folder").arg(folder);
        }
    }
    peers::judge(&mut script)
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
        let options = parsed("-o json --rows 500 --bound 1e-5 --python p --fixtures f").unwrap();
        let words = ["--output", "json", "--rows", "500", "--bound", "1e-5"];
        assert_eq!(options.words, words);
        assert_eq!(options.python, Some(PathBuf::from("p")));
        assert_eq!(options.fixtures, Some(PathBuf::from("f")));
    }

    #[test]
    fn a_word_that_means_nothing_is_refused_by_name() {
        for (text, part) in [
            ("--rows", "--rows needs a value"),
            ("--rows many", "--rows many: not understood"),
            ("-o html", "-o html: not understood"),
            ("--models all", "--models all: not understood"),
            ("--bound wide", "--bound wide: not understood"),
        ] {
            let error = format!("{:#}", parsed(text).unwrap_err());
            assert!(error.contains(part), "{error}");
        }
    }
}
