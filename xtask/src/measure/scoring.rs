//! What a score and an explanation cost beside LightGBM and lleaves, and whether they agree.
//!
//! The product's side is the bench of `sentinel-scoring`; the others run in a private environment of
//! Python (`scoring.py` beside this file), which also compares the isolation forest with scikit-learn's.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::program;
use crate::python;
use crate::workspace::Workspace;

/// Builds, measures and reports. Words go on to the script. Fails where a bound does not hold.
pub fn measure(workspace: &Workspace, words: &[String], results: &Path) -> Result<ExitCode> {
    let python = python::scoring_ready(workspace)?;
    let mut measure = Command::new(python);
    measure
        .arg(workspace.at("xtask/src/measure/scoring.py"))
        .arg("--bench")
        .arg(bench(workspace)?)
        .arg("--folder")
        .arg(results.join("scoring"))
        .args(words);
    eprintln!("$ {}", program::line(&measure));
    let status = measure.status().context("start the measure")?;
    match status.code() {
        Some(0) => Ok(ExitCode::SUCCESS),
        // The report has said what does not hold.
        Some(3) => Ok(ExitCode::FAILURE),
        _ => bail!("{} ended with {status}", program::line(&measure)),
    }
}

/// Builds the bench and finds its program: Cargo alone knows its name.
fn bench(workspace: &Workspace) -> Result<PathBuf> {
    let mut build = Command::new("cargo");
    build
        .args([
            "bench",
            "-p",
            "sentinel-scoring",
            "--bench",
            "score",
            "--no-run",
        ])
        .current_dir(workspace.at("."));
    eprintln!("$ {}", program::line(&build));
    let built = build.output().context("start cargo")?;
    let said = String::from_utf8_lossy(&built.stderr);
    if !built.status.success() {
        bail!(
            "{} ended with {}\n{said}",
            program::line(&build),
            built.status
        );
    }
    let path = executable(&said).with_context(|| format!("cargo names no program:\n{said}"))?;
    Ok(workspace.at(path))
}

/// The program in Cargo's line `Executable benches/score.rs (target/release/deps/score-0123)`.
fn executable(said: &str) -> Option<&str> {
    let line = said.lines().find(|line| line.contains("Executable"))?;
    let (_, path) = line.split_once('(')?;
    path.strip_suffix(')')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_in_what_cargo_says() {
        let said = "   Compiling a v0.1.0\n    Finished `bench` profile [optimized] in 1s\n  \
                    Executable benches/score.rs (target/release/deps/score-c94bc38cc9a089b5)\n";
        let expected = "target/release/deps/score-c94bc38cc9a089b5";
        assert_eq!(executable(said), Some(expected));
        assert_eq!(executable("error: could not compile"), None);
    }
}
