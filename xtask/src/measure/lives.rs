//! The campaign on simulated lives: of the log alone, and of a whole data directory with its worker, store and snapshots.

use crate::test::{cargo, cargo_count, counted};
use crate::workspace::Workspace;

/// Lives of each kind.
const LIVES: &str = "200000";

/// Lives at length, and every planted mistake. Whether nothing was lost, doubled or contradicted; the tests print what
/// they counted.
pub fn all(workspace: &Workspace) -> bool {
    let mut command = cargo(workspace);
    command
        .args(["test", "--release"])
        .args(["--package", "sentinel-eventlog"])
        .args(["--package", "sentinel-pipeline"])
        .args(["--lib", "--", "simulation::", "--nocapture"])
        .env("SENTINEL_SIMULATION_SEEDS", LIVES);
    let (count, _) = counted("lives", &mut command, cargo_count);
    let passed = count.all_passed();
    println!(
        "campaign: {LIVES} lives of the log, {LIVES} of a data directory: {}",
        if passed { "nothing lost" } else { "FAILED" }
    );
    passed
}
