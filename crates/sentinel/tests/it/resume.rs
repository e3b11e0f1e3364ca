//! A run that is killed goes on where its log ends, and finishes with the same bytes.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use sentinel_domain::Offset;
use sentinel_eventlog::{EmbeddedOptions, EventLog};
use tempfile::TempDir;

use crate::process::{job, json_lines, run, sentinel, stderr, text};

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

#[test]
fn one_changed_row_among_those_already_decided_is_noticed() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let bytes = json_lines(13, 2_000);
    std::fs::write(path("in.jsonl"), &bytes).unwrap();
    let data = path("data");
    let go = || {
        run(&[
            "--input",
            text(&path("in.jsonl")),
            "--output",
            text(&path("out")),
            "--data-dir",
            text(&data),
        ])
    };
    assert!(go().status.success());
    let lines = String::from_utf8(bytes).unwrap();
    let changed: Vec<String> = lines
        .lines()
        .enumerate()
        .map(|(n, line)| {
            if n == 700 {
                line.replacen("acc_", "axx_", 1)
            } else {
                line.to_owned()
            }
        })
        .collect();
    std::fs::write(path("in.jsonl"), changed.join("\n") + "\n").unwrap();
    let ended = go();
    assert_eq!(ended.status.code(), Some(1));
    assert!(stderr(&ended).contains("differs"), "{}", stderr(&ended));
}

#[test]
fn a_restart_judges_the_future_by_the_first_start() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let at = |name: &str, micros: i64| {
        format!(
            "{{\"event_id\":\"{name}\",\"event_type\":\"login\",\"event_time\":{micros},\
             \"account_id\":\"a\",\"amount_minor\":0,\"currency\":\"USD\"}}\n"
        )
    };
    let now = 1_770_000_000_000_000_i64;
    let rows = at("past", now) + &at("ahead", now + 310_000_000) + &at("later", now + 1);
    std::fs::write(path("in.jsonl"), rows).unwrap();
    let data = path("data");
    let go = |more: &[&str]| {
        let input = path("in.jsonl");
        let output = path("out");
        let mut arguments = job(&input, &output, &data).to_vec();
        arguments.extend(more);
        run(&arguments)
    };
    let first = go(&["--now", "2026-02-02T02:40:00Z"]);
    assert!(
        first.status.success() && stderr(&first).contains("future_event"),
        "{}",
        stderr(&first)
    );
    let again = go(&[]);
    assert!(
        again.status.success() && stderr(&again).contains("future_event"),
        "{}",
        stderr(&again)
    );
    let other = go(&["--now", "2026-02-03T00:00:00Z"]);
    assert_eq!(other.status.code(), Some(2), "another clock is another run");
    assert!(stderr(&other).contains("--now"), "{}", stderr(&other));
}

#[test]
fn an_interrupted_run_finishes_what_it_read_and_goes_on_later() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("in.jsonl"), json_lines(14, 60_000)).unwrap();
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
    assert!(
        sentinel()
            .args(arguments("whole", "whole-data"))
            .output()
            .unwrap()
            .status
            .success()
    );
    let mut child = sentinel()
        .args(arguments("part", "part-data"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for_log(&mut child, &path("part-data"), 1_000);
    let pid = child.id().to_string();
    std::process::Command::new("kill")
        .args(["-s", "INT", &pid])
        .status()
        .unwrap();
    let code = child.wait().unwrap().code();
    assert!(code == Some(130) || code == Some(0), "{code:?}");
    let part = std::fs::read(path("part")).unwrap();
    assert!(part.is_empty() || part.ends_with(b"\n"), "whole lines");
    assert!(
        sentinel()
            .args(arguments("part", "part-data"))
            .output()
            .unwrap()
            .status
            .success()
    );
    assert!(std::fs::read(path("part")).unwrap() == std::fs::read(path("whole")).unwrap());
}

#[test]
fn a_row_at_which_every_run_panicked_is_named_and_left_in() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (input, output, data) = (path("in.jsonl"), path("out.jsonl"), path("data"));
    std::fs::write(&input, json_lines(11, 500)).unwrap();
    let arguments = job(&input, &output, &data);
    assert!(run(&arguments).status.success());
    let whole = std::fs::read(&output).unwrap();
    assert!(
        !data.join("attempts").exists(),
        "a clean end leaves no note"
    );
    // As a run leaves it that panicked three times at one entry: nothing is recorded from there on.
    let decisions = crate::process::lines_of(&output);
    let position = &decisions[300]["log_position"]["offset"];
    let at = position.as_u64().unwrap();
    let (log, _) = EventLog::open(&data.join("decisions"), EmbeddedOptions::default()).unwrap();
    log.cut(Offset(at)).unwrap();
    log.close().unwrap();
    drop(log);
    std::fs::remove_file(data.join("store.sqlite")).unwrap();
    std::fs::write(data.join("attempts"), format!("{at} 1 3\n")).unwrap();
    let refused = run(&arguments);
    let told = stderr(&refused);
    assert_eq!(refused.status.code(), Some(1), "{told}");
    let row = decisions[300]["event_id"].as_str().unwrap();
    let names_it = format!("3 times at entry {at}, the payment {row}");
    assert!(told.contains(&names_it), "{told}");
    // Twice is not often enough, and one that goes well is forgotten.
    std::fs::write(data.join("attempts"), format!("{at} 1 2\n")).unwrap();
    let finished = run(&arguments);
    assert!(finished.status.success(), "{}", stderr(&finished));
    let left_out = |bytes: &[u8]| -> Vec<serde_json::Value> {
        let lines = bytes.split(|byte| *byte == b'\n');
        let lines = lines.filter(|line| !line.is_empty());
        let mut lines: Vec<serde_json::Value> = lines
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        for line in &mut lines {
            line.as_object_mut().unwrap().remove("latency_us");
        }
        lines
    };
    assert_eq!(left_out(&std::fs::read(&output).unwrap()), left_out(&whole));
    assert!(!data.join("attempts").exists());
}
