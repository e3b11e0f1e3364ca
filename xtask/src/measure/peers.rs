//! What the measures beside other libraries share: the product's bench as a program, and a script that
//! judges.
//!
//! **Promises** that a script's verdict is the command's: exit code 3 says that a bound does not hold, and
//! the report has said which. **Must never** take a script that broke for one that judged.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::program;
use crate::workspace::Workspace;

/// The exit code of a script whose report says that a bound does not hold.
const DOES_NOT_HOLD: i32 = 3;

/// Runs a script to its verdict.
pub fn judge(script: &mut Command) -> Result<ExitCode> {
    eprintln!("$ {}", program::line(script));
    let status = script.status().context("start the measure")?;
    match status.code() {
        Some(0) => Ok(ExitCode::SUCCESS),
        Some(DOES_NOT_HOLD) => Ok(ExitCode::FAILURE),
        _ => bail!("{} ended with {status}", program::line(script)),
    }
}

/// Builds a bench of `sentinel-scoring` and finds its program: Cargo alone knows its name.
pub fn bench(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    let mut build = Command::new("cargo");
    build
        .args([
            "bench",
            "-p",
            "sentinel-scoring",
            "--bench",
            name,
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
