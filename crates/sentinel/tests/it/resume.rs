//! A run that is killed goes on where its log ends, and finishes with the same bytes.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::{json_lines, run, sentinel, stderr, text};

/// Waits until the run has appended more than `bytes` to its log, or has ended.
fn wait_for_log(child: &mut Child, data: &Path, bytes: u64) {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(60) {
        if log_bytes(data) > bytes || child.try_wait().unwrap().is_some() {
            return;
        }
        std::thread::yield_now();
    }
    panic!("the log did not grow beyond {bytes} bytes in a minute");
}

fn log_bytes(data: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(data.join("log")) else {
        return 0;
    };
    entries
        .filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len()))
        .sum()
}

#[test]
fn ten_kills_leave_the_same_output_dead_letters_and_alerts() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut bytes = json_lines(7, 30_000);
    // Refused rows in the middle must come out once, in their place.
    let middle = bytes
        .iter()
        .skip(bytes.len() / 2)
        .position(|b| *b == b'\n')
        .unwrap();
    let at = bytes.len() / 2 + middle + 1;
    bytes.splice(at..at, b"{\"event_id\": 5}\nnot json\n".iter().copied());
    std::fs::write(path("in.jsonl"), &bytes).unwrap();
    let arguments = |out: &str, data: &str| -> Vec<String> {
        [
            "run",
            "--reproducible",
            "--input",
            text(&path("in.jsonl")),
            "--output",
            text(&path(out)),
            "--data-dir",
            text(&path(data)),
        ]
        .map(str::to_owned)
        .to_vec()
    };
    let undisturbed = sentinel()
        .args(arguments("whole.jsonl", "whole"))
        .output()
        .unwrap();
    assert!(undisturbed.status.success(), "{}", stderr(&undisturbed));
    let full = log_bytes(&path("whole"));

    let mut kills = 0;
    for step in 0..10 {
        let mut child = sentinel()
            .args(arguments("killed.jsonl", "killed"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for_log(&mut child, &path("killed"), full * step / 11);
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            kills += 1;
        }
        child.wait().unwrap();
    }
    assert!(kills >= 5, "only {kills} runs were alive to be killed");
    let finished = sentinel()
        .args(arguments("killed.jsonl", "killed"))
        .output()
        .unwrap();
    assert!(finished.status.success(), "{}", stderr(&finished));
    let same = |one: &str, other: &str| {
        std::fs::read(path(one)).unwrap() == std::fs::read(path(other)).unwrap()
    };
    assert!(same("whole.jsonl", "killed.jsonl"), "decisions differ");
    assert!(
        same("whole/dead-letters.jsonl", "killed/dead-letters.jsonl"),
        "dead letters differ"
    );
    let alerts = |data: &str| {
        let text = std::fs::read_to_string(path(data).join("alerts.jsonl")).unwrap();
        // At least once under a stable id: a kill may repeat a line, never lose or change one.
        text.lines()
            .map(str::to_owned)
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert!(!alerts("whole").is_empty());
    assert!(alerts("whole") == alerts("killed"), "alerts differ");
}

#[test]
fn a_data_directory_belongs_to_one_input() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("one.jsonl"), json_lines(8, 200)).unwrap();
    std::fs::write(path("two.jsonl"), json_lines(9, 200)).unwrap();
    let data = path("data");
    let with = |input: &str| {
        run(&[
            "--input",
            text(&path(input)),
            "--output",
            text(&path("out")),
            "--data-dir",
            text(&data),
        ])
    };
    assert!(with("one.jsonl").status.success());
    let other = with("two.jsonl");
    assert_eq!(other.status.code(), Some(2));
    assert!(stderr(&other).contains("--data-dir"), "{}", stderr(&other));
    // The same name with other content is noticed too.
    std::fs::write(path("one.jsonl"), json_lines(9, 200)).unwrap();
    let changed = with("one.jsonl");
    assert!(!changed.status.success());
    assert!(
        stderr(&changed).contains("is not the one"),
        "{}",
        stderr(&changed)
    );
}
