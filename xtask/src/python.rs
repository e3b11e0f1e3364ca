//! Private environments of Python, one a package: how a wheel brings in a program or a library.
//!
//! **Promises** that nothing of the machine's own Python is changed, that a second call finds what the
//! first one made, and that a half-made environment is never taken for a whole one. **Must never** be
//! needed by the product, or name a host: where packages come from is the machine's business.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::program;
use crate::setup;
use crate::workspace::Workspace;

/// The environment of the SQL checks: its folder below the build folder, and what it holds.
const DUCKDB: (&str, &str) = ("duckdb-wheel", "duckdb>=1.2");

/// The variable by which tests and campaigns are told its interpreter.
pub const DUCKDB_VARIABLE: &str = "SENTINEL_DUCKDB_PYTHON";

/// The Python that has DuckDB, brought in where it is not there yet.
pub fn duckdb_ready(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(python) = duckdb(workspace) {
        return Ok(python);
    }
    println!("setup: bringing in DuckDB for the SQL checks (about 25 MB)");
    let (folder, package) = DUCKDB;
    let advice = "the SQL checks need DuckDB, which comes from PyPI into a private environment of \
                  python3 with venv; make that possible and try again";
    let folder = workspace.target().join(folder);
    install(&folder, package, advice)?;
    duckdb(workspace).context(advice)
}

/// The Python that has DuckDB, where set-up has brought in all of it.
fn duckdb(workspace: &Workspace) -> Option<PathBuf> {
    let python = interpreter(&workspace.target().join(DUCKDB.0));
    python.is_file().then_some(())?;
    let says = program::output(Command::new(&python).args(["-c", "import duckdb"]));
    says.is_ok().then_some(python)
}

/// The interpreter of an environment.
fn interpreter(folder: &Path) -> PathBuf {
    folder.join("bin/python")
}

/// Makes an environment with one package in it; what was in the folder before is gone.
pub fn install(folder: &Path, package: &str, advice: &'static str) -> Result<()> {
    let make = || {
        program::run(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(folder),
        )
    };
    if make().is_err() {
        setup::apt_install("python3-venv").context(advice)?;
        make().context(advice)?;
    }
    program::run(Command::new(interpreter(folder)).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        package,
    ]))
    .context(advice)
}
