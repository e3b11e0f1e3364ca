//! The campaign on model files: mutants of ours and of every foreign format, more than a test has time for.

use crate::test::{cargo, cargo_count, counted};
use crate::workspace::Workspace;

/// Mutants of our format, and of each foreign file.
const MUTANTS: &str = "300000";

/// Damaged model files against both loaders. Whether none panicked or scored out of bounds.
pub fn mutants(workspace: &Workspace) -> bool {
    let mut command = cargo(workspace);
    command
        .args([
            "test",
            "--release",
            "--package",
            "sentinel-scoring",
            "--lib",
        ])
        .args(["--", "mutant", "damaged_files"])
        .env("SENTINEL_MUTATIONS", MUTANTS);
    let (count, _) = counted("mutants", &mut command, cargo_count);
    let passed = count.all_passed();
    println!(
        "campaign: {MUTANTS} damaged model files of each format: {}",
        if passed { "refused or read" } else { "FAILED" }
    );
    passed
}
