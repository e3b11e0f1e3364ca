//! What a score and an explanation cost beside LightGBM and lleaves, and whether they agree.
//!
//! The product's side is the bench of `sentinel-scoring`; the others run in a private environment of
//! Python (`scoring.py` beside this file), which also compares the isolation forest with scikit-learn's.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Result;

use super::peers;
use crate::python;
use crate::workspace::Workspace;

/// Builds, measures and reports. Words go on to the script. Fails where a bound does not hold.
pub fn measure(workspace: &Workspace, words: &[String], results: &Path) -> Result<ExitCode> {
    let python = python::scoring_ready(workspace)?;
    let mut measure = Command::new(python);
    measure
        .arg(workspace.at("xtask/src/measure/scoring.py"))
        .arg("--bench")
        .arg(peers::bench(workspace, "score")?)
        .arg("--folder")
        .arg(results.join("scoring"))
        .args(words);
    peers::judge(&mut measure)
}
