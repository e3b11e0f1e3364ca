//! Replay gives one hash: in twenty processes, under shifted clocks, time zones, languages and numbers of processors.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::{asked, json_from, json_of};
use crate::process::{json_lines, run, sentinel, stderr, text};

/// What surrounds a process: words in front of it, and variables.
type Surrounding = (
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);

/// Clocks, time zones, languages, processors. `faketime` comes with `cargo xtask setup --test`.
const SURROUNDINGS: &[Surrounding] = &[
    (&[], &[]),
    (&["faketime", "-f", "+1h"], &[]),
    (&["faketime", "-f", "-1h"], &[("TZ", "Asia/Kathmandu")]),
    (&["faketime", "-f", "+365d"], &[("LANG", "tr_TR.UTF-8")]),
    (&["faketime", "-f", "-365d"], &[("TZ", "Pacific/Apia")]),
    (&["faketime", "1999-12-31 23:59:59"], &[("LC_ALL", "de_DE")]),
    (&["faketime", "-f", "+0 x10"], &[]),
    (&["taskset", "-c", "0"], &[("LANG", "C")]),
    (&["taskset", "-c", "0", "faketime", "-f", "-3d"], &[]),
    (&[], &[("TZ", "America/St_Johns"), ("RUST_LOG", "trace")]),
];

/// Processes that replay.
const PROCESSES: usize = 20;

fn surrounded(which: usize) -> Command {
    let (words, variables) = SURROUNDINGS[which % SURROUNDINGS.len()];
    let mut command = match words {
        [] => sentinel(),
        [program, rest @ ..] => {
            let mut command = Command::new(program);
            command.args(rest).arg(env!("CARGO_BIN_EXE_sentinel"));
            command
        }
    };
    command.envs(variables.iter().copied());
    command.args(["replay", "--from", "0"]);
    command
}

fn decide(folder: &Path, rows: usize) -> std::path::PathBuf {
    let path = |name: &str| folder.join(name);
    std::fs::write(path("in.jsonl"), json_lines(71, rows)).unwrap();
    let ended = run(&[
        "--input",
        text(&path("in.jsonl")),
        "--output",
        text(&path("out.jsonl")),
        "--data-dir",
        text(&path("data")),
    ]);
    assert!(ended.status.success(), "{}", stderr(&ended));
    path("data")
}

#[test]
fn a_shifted_clock_is_seen_by_the_process() {
    // Without this the hashes below would prove nothing about clocks.
    let ended = Command::new("faketime")
        .args(["1999-12-31 12:00:00", "date", "+%Y"])
        .output()
        .expect("faketime is installed: cargo xtask setup --test");
    assert_eq!(ended.stdout, b"1999\n");
}

#[test]
fn twenty_processes_in_all_surroundings_replay_to_one_hash() {
    let rows = asked("SENTINEL_REPLAY_ROWS", 5_000_usize);
    let folder = TempDir::new().unwrap();
    let data = decide(folder.path(), rows);
    let mut hashes = BTreeSet::new();
    for which in 0..PROCESSES {
        let replayed = json_from(surrounded(which), &data);
        assert_eq!(replayed["different"], 0, "{which}: {replayed}");
        assert!(replayed["compared"].as_u64().unwrap() >= rows as u64);
        hashes.insert(replayed["hash"].as_str().unwrap().to_owned());
    }
    assert_eq!(hashes.len(), 1, "{hashes:?}");
    assert_eq!(
        json_of(&["verify"], &data)["outcomes_hash"].as_str(),
        hashes.first().map(String::as_str)
    );
    println!("replay: {rows} rows, {PROCESSES} processes: {hashes:?}");
}
