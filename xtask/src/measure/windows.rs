//! The benches, and the feature engine by itself: its oracle at length, and its windows by SQL.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::program;
use crate::python;
use crate::test::{cargo, cargo_count, counted};
use crate::workspace::Workspace;

/// The benches: the name of the result, and the words of the command.
const BENCHES: &[(&str, &[&str])] = &[
    ("kernel", &["bench", "kernel"]),
    (
        "features",
        &["bench", "features", "--all-kinds", "--sweep", "--hot"],
    ),
    ("score", &["bench", "score"]),
    ("engine", &["bench", "engine"]),
];

/// Random events that the oracle of the campaign compares.
const ORACLE_EVENTS: &str = "2000000";

/// Runs the benches, from the window engine to the whole way; each leaves `NAME.json` in the folder of results, and is held against
/// the one that an earlier run left there.
pub fn bench(workspace: &Workspace, results: &Path) -> Result<()> {
    for (name, words) in BENCHES {
        let file = results.join(format!("{name}.json"));
        let earlier = results.join(format!("{name}.earlier.json"));
        let mut command = Command::new(workspace.binary("release"));
        command.args(*words).args(["-o", "json"]);
        if file.exists() {
            fs::rename(&file, &earlier).with_context(|| format!("keep {}", file.display()))?;
            command.arg("--compare").arg(&earlier);
        }
        println!("$ {}", program::line(&command));
        let report = program::output(&mut command)?;
        fs::write(&file, &report).with_context(|| format!("write {}", file.display()))?;
        println!("bench: {name}: {}", file.display());
        print!("{report}");
    }
    Ok(())
}

/// The engine against its oracle, on more events than a test has time for. Whether they agree.
pub fn oracle(workspace: &Workspace) -> bool {
    let mut command = cargo(workspace);
    command
        .args(["test", "--release", "--package", "sentinel-features"])
        .args(["--test", "it", "campaign"])
        .env("SENTINEL_ORACLE_EVENTS", ORACLE_EVENTS);
    let (count, _) = counted("oracle", &mut command, cargo_count);
    let passed = count.all_passed();
    println!(
        "campaign: oracle, {ORACLE_EVENTS} random events: {}",
        if passed { "equal" } else { "FAILED" }
    );
    passed
}

/// A table's windows by SQL against an export of it. Whether they agree.
pub fn sql(
    workspace: &Workspace,
    name: &str,
    (input, mapping): (&PathBuf, &PathBuf),
    results: &Path,
) -> Result<bool> {
    let python = python::duckdb_ready(workspace)?;
    let matrix = results.join(format!("{name}-matrix.parquet"));
    let catalogue = results.join(format!("{name}-catalogue.json"));
    let features = workspace.at("crates/sentinel/tests/sql/features.toml");
    let binary = workspace.binary("release");
    let mut list = Command::new(&binary);
    list.args(["features", "list", "-o", "json", "--features"]);
    fs::write(&catalogue, program::output(list.arg(&features))?)
        .with_context(|| format!("write {}", catalogue.display()))?;
    program::run(
        Command::new(&binary)
            .args(["features", "export", "--features"])
            .arg(&features)
            .arg("--input")
            .arg(input)
            .arg("--mapping")
            .arg(mapping)
            .arg("--output")
            .arg(&matrix),
    )?;
    let compared = program::run(
        Command::new(python)
            .arg(workspace.at("crates/sentinel/tests/sql/windows.py"))
            .args(["--table", name, "--input"])
            .arg(input)
            .arg("--matrix")
            .arg(&matrix)
            .arg("--catalogue")
            .arg(&catalogue),
    );
    fs::remove_file(&matrix).with_context(|| format!("remove {}", matrix.display()))?;
    match &compared {
        Ok(()) => println!("campaign: {name}: windows by SQL: equal but for ties"),
        Err(error) => println!("campaign: {name}: windows by SQL: FAILED: {error:#}"),
    }
    Ok(compared.is_ok())
}
