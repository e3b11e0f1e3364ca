//! What training costs beside LightGBM, and whether it learns as much.
//!
//! Two sets: a made-up one of 300,000 rows by 150 features, and the features that the product computes for
//! the Handbook table in `SENTINEL_DATA`. Our side is the bench `train` of `sentinel-scoring`, theirs a
//! private environment of Python (`training.py` beside this file).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use super::peers;
use crate::program;
use crate::python;
use crate::workspace::Workspace;

/// `cargo xtask measure training [words of training.py]`.
pub fn measure(workspace: &Workspace, words: &[String], results: &Path) -> Result<ExitCode> {
    let python = python::lightgbm_ready(workspace)?;
    let bench = peers::bench(workspace, "train")?;
    let folder = results.join("training");
    fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    let mut learn = Command::new(python);
    learn
        .arg(workspace.at("xtask/src/measure/training.py"))
        .arg("--bench")
        .arg(bench)
        .arg("--folder")
        .arg(&folder);
    match std::env::var_os("SENTINEL_DATA") {
        Some(data) => {
            let (table, matrix) = handbook(workspace, &workspace.root().join(data), &folder)?;
            learn
                .arg("--handbook")
                .arg(table)
                .arg("--matrix")
                .arg(matrix);
        }
        None => {
            eprintln!("measure: the Handbook set is left out: SENTINEL_DATA=DIR says where it is")
        }
    }
    learn.args(words);
    peers::judge(&mut learn)
}

/// The Handbook table, and the matrix of its features as the product exports it.
fn handbook(workspace: &Workspace, data: &Path, folder: &Path) -> Result<(PathBuf, PathBuf)> {
    let table = data.join("handbook/transactions.csv.zst");
    let (binary, matrix) = (workspace.binary("release"), folder.join("handbook.parquet"));
    if !table.is_file() {
        bail!("{} is not there", table.display());
    }
    if !binary.is_file() {
        bail!("{} is not there: make release builds it", binary.display());
    }
    program::run(
        Command::new(&binary)
            .args(["features", "export", "--input"])
            .arg(&table)
            .arg("--mapping")
            .arg(workspace.at("fixtures/mappings/handbook.toml"))
            .arg("--output")
            .arg(&matrix),
    )?;
    Ok((table, matrix))
}
