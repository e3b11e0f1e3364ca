//! The campaign on crashes: blows to the store, a thousand kills under load, a kill at every system call, and one
//! hash of a long replay.

use crate::test::{cargo, cargo_count, counted};
use crate::workspace::Workspace;

/// Lives of a server that is killed.
const KILL_CYCLES: &str = "1000";

/// Rows of the stream that twenty processes replay.
const REPLAY_ROWS: &str = "200000";

/// Blows to the file of the store.
const BLOWS: &str = "20000";

/// Damaged stores at length. Whether each blow was refused or found or changed nothing, and none had anything panic.
pub fn damaged_stores(workspace: &Workspace) -> bool {
    let mut command = cargo(workspace);
    command
        .args(["test", "--release", "--package", "sentinel-pipeline"])
        .args(["--test", "it", "--", "store_damage", "--nocapture"])
        .env("SENTINEL_MUTATIONS", BLOWS);
    let (count, _) = counted("damage", &mut command, cargo_count);
    let passed = count.all_passed();
    println!(
        "campaign: {BLOWS} blows to the store: {}",
        if passed { "none unseen" } else { "FAILED" }
    );
    passed
}

/// Crashes at length. Whether nothing was lost, doubled or contradicted; the tests print what they counted.
pub fn all(workspace: &Workspace) -> bool {
    let mut command = cargo(workspace);
    command
        .args(["test", "--release", "--package", "sentinel"])
        .args(["--test", "it", "--", "crash", "--nocapture"])
        .env("SENTINEL_KILL_CYCLES", KILL_CYCLES)
        .env("SENTINEL_SYSCALL_FIRST", "0")
        .env("SENTINEL_SYSCALL_STRIDE", "1")
        .env("SENTINEL_REPLAY_ROWS", REPLAY_ROWS);
    let (count, _) = counted("crashes", &mut command, cargo_count);
    let passed = count.all_passed();
    println!(
        "campaign: {KILL_CYCLES} kills, every system call, {REPLAY_ROWS} rows in twenty processes: {}",
        if passed { "nothing lost" } else { "FAILED" }
    );
    passed
}
