//! Private environments of Python, one a purpose: how wheels bring in programs and libraries.
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

/// An environment: its folder below the build folder, what it holds, and what shows that it is whole.
struct Environment {
    folder: &'static str,
    packages: &'static [&'static str],
    import: &'static str,
    /// What to do where it cannot be made.
    advice: &'static str,
}

/// That of the SQL checks.
const DUCKDB: Environment = Environment {
    folder: "duckdb-wheel",
    packages: &["duckdb>=1.2"],
    import: "import duckdb",
    advice: "the SQL checks need DuckDB, which comes from PyPI into a private environment of python3 with \
             venv; make that possible and try again",
};

/// That of the measure of separability.
const LIGHTGBM: Environment = Environment {
    folder: "lightgbm-wheel",
    packages: &["lightgbm>=4.5,<5", "numpy>=2", "pyarrow>=17"],
    import: "import lightgbm, numpy, pyarrow.parquet",
    advice: "the measure needs LightGBM, which comes from PyPI into a private environment of python3 with \
             venv; LightGBM wants the system's libgomp; make that possible and try again",
};

/// That of the measure of scoring.
const SCORING: Environment = Environment {
    folder: "scoring-wheel",
    // lleaves needs a pass manager that later versions of llvmlite have no more.
    packages: &[
        "lightgbm>=4.5,<5",
        "lleaves>=1.3,<2",
        "llvmlite>=0.44,<0.45",
        "numpy>=2",
        "scikit-learn>=1.5",
    ],
    import: "import lightgbm, lleaves, numpy, sklearn",
    advice: "the measure needs LightGBM, lleaves and scikit-learn, which come from PyPI into a private \
             environment of python3 with venv, and a C compiler; make that possible and try again",
};

/// The variable by which tests and campaigns are told its interpreter.
pub const DUCKDB_VARIABLE: &str = "SENTINEL_DUCKDB_PYTHON";

/// The Python that has DuckDB, brought in where it is not there yet.
pub fn duckdb_ready(workspace: &Workspace) -> Result<PathBuf> {
    ready(workspace, &DUCKDB)
}

/// The Python that has LightGBM, brought in where it is not there yet.
pub fn lightgbm_ready(workspace: &Workspace) -> Result<PathBuf> {
    ready(workspace, &LIGHTGBM)
}

/// The Python that has what the measure of scoring compares with.
pub fn scoring_ready(workspace: &Workspace) -> Result<PathBuf> {
    ready(workspace, &SCORING)
}

fn ready(workspace: &Workspace, environment: &Environment) -> Result<PathBuf> {
    if let Some(python) = present(workspace, environment) {
        return Ok(python);
    }
    let Environment {
        folder,
        packages,
        advice,
        ..
    } = environment;
    // Not to standard output, which may be that of a report.
    eprintln!("setup: bringing in {}", packages.join(", "));
    install(&workspace.target().join(folder), packages, advice)?;
    present(workspace, environment).context(*advice)
}

/// The Python of an environment, where set-up has brought in all of it.
fn present(workspace: &Workspace, environment: &Environment) -> Option<PathBuf> {
    let python = interpreter(&workspace.target().join(environment.folder));
    python.is_file().then_some(())?;
    let says = program::output(Command::new(&python).args(["-c", environment.import]));
    says.is_ok().then_some(python)
}

/// The interpreter of an environment.
fn interpreter(folder: &Path) -> PathBuf {
    folder.join("bin/python")
}

/// Makes an environment with these packages in it; what was in the folder before is gone.
pub fn install(folder: &Path, packages: &[&str], advice: &'static str) -> Result<()> {
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
    program::run(
        Command::new(interpreter(folder))
            .args(["-m", "pip", "install", "--quiet"])
            .arg("--disable-pip-version-check")
            .args(packages),
    )
    .context(advice)
}
