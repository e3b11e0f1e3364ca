//! `sentinel log`: what the files of a log hold is told, damage is named, entries come out as JSON.

use std::path::Path;
use std::process::Output;

use sentinel_domain::LogId;
use sentinel_eventlog::{EmbeddedOptions, EventLog};
use serde_json::Value;

use crate::process::{Folder, json_lines, run, sentinel, stderr, text};

fn log(arguments: &[&str]) -> Output {
    sentinel().arg("log").args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn lines_of(output: &Output) -> Vec<Value> {
    let told = stdout(output);
    told.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A data directory of a run over so many rows.
fn data_of(folder: &Folder, rows: usize) -> String {
    let input = folder.file("in.jsonl", json_lines(10, rows));
    let (output, data) = (folder.path("out.jsonl"), folder.path("data"));
    let arguments = [
        "--input",
        &input,
        "--output",
        text(&output),
        "--data-dir",
        text(&data),
    ];
    let ended = run(&arguments);
    assert!(ended.status.success(), "{}", stderr(&ended));
    text(&data).to_owned()
}

#[test]
fn a_sound_log_is_told_verified_and_dumped_even_while_somebody_has_it_open() {
    let folder = Folder::new();
    let data = data_of(&folder, 400);
    let path = Path::new(&data).join("log");
    let (open, _) = EventLog::open(&path, EmbeddedOptions::new(LogId::default())).unwrap();
    let end = open.end().0;

    let inspected = log(&["inspect", &data, "-o", "json"]);
    assert!(inspected.status.success(), "{}", stderr(&inspected));
    let logs = json_of(&inspected);
    assert_eq!(logs[0]["log"], "transactions");
    assert_eq!(logs[1]["log"], "decisions");
    assert_eq!(logs[0]["log_id"], open.log_id().to_string());
    for one in [&logs[0], &logs[1]] {
        assert_eq!(
            (one["start_offset"].as_u64(), one["end_offset"].as_u64()),
            (Some(0), Some(end))
        );
        assert_eq!(one["segments"][0]["file"], "00000000000000000000.log");
        assert!(one["segments"][0]["last_log_time"].as_str().unwrap() > "2026");
        assert!(one["damage"].as_array().unwrap().is_empty());
    }
    assert_eq!(
        logs[0]["segments"][0]["sources"].as_array().unwrap().len(),
        1,
        "the file that was read"
    );
    let told = stdout(&log(&["inspect", &data]));
    assert!(told.contains(&format!("0 to {end}")), "{told}");

    let verified = log(&["verify", &data, "-o", "json"]);
    assert!(verified.status.success(), "{}", stdout(&verified));
    let verified = json_of(&verified);
    for one in [&verified[0], &verified[1]] {
        assert_eq!(
            (&one["sound"], one["records"].as_u64()),
            (&true.into(), Some(end))
        );
    }

    let all = lines_of(&log(&["dump", &data]));
    assert_eq!(all.len() as u64, end);
    assert_eq!(all[0]["activation"]["version"], 1);
    let (from, to) = ((end - 5).to_string(), (end - 2).to_string());
    let range = ["--from", &from, "--to", &to];
    let entries = lines_of(&log(&[&["dump", data.as_str()], &range[..]].concat()));
    assert_eq!(entries, all[all.len() - 5..all.len() - 2]);
    let outcomes = lines_of(&log(
        &[&["dump", data.as_str(), "--decisions"], &range[..]].concat()
    ));
    assert_eq!(outcomes.len(), 3);
    for (entry, outcome) in entries.iter().zip(&outcomes) {
        assert_eq!(entry["offset"], outcome["offset"]);
        assert_eq!(
            entry["transaction"]["event_id"],
            outcome["decided"]["event_id"]
        );
        assert_eq!(entry["log_time"], outcome["log_time"]);
    }
    // The folder of one log does as well, and knows itself by its name.
    let alone = lines_of(&log(&["dump", &format!("{data}/decisions"), "--to", "1"]));
    assert!(
        alone[0]["activated"]["config_hash"].is_string(),
        "{alone:?}"
    );
}

#[test]
fn damage_is_named_with_file_and_byte_and_an_exit_code() {
    let folder = Folder::new();
    let data = data_of(&folder, 300);
    let segment = Path::new(&data).join("log/00000000000000000000.log");
    let mut bytes = std::fs::read(&segment).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let verified = log(&["verify", &data]);
    assert_eq!(verified.status.code(), Some(1));
    let told = stdout(&verified);
    assert!(told.contains("DAMAGED: transactions") && told.contains("sound: decisions"));
    assert!(
        told.contains(text(&segment)) && told.contains("at byte "),
        "{told}"
    );
    let dumped = log(&["dump", &data]);
    assert_eq!(dumped.status.code(), Some(1));
    assert!(
        stderr(&dumped).contains("checksum does not hold"),
        "{}",
        stderr(&dumped)
    );
    assert!(stdout(&log(&["inspect", &data])).contains("DAMAGE"));

    std::fs::remove_file(&segment).unwrap();
    let verified = json_of(&log(&["verify", &data, "-o", "json"]));
    assert_eq!(verified[0]["sound"], false);
    assert_eq!(verified[0]["damage"][0]["file"], text(&segment));
}

#[test]
fn a_folder_without_a_log_is_wrong_usage() {
    let folder = Folder::new();
    for verb in ["inspect", "verify", "dump"] {
        let ended = log(&[verb, text(folder.root())]);
        assert_eq!(ended.status.code(), Some(2), "{verb}");
        assert!(
            stderr(&ended).contains("holds no log"),
            "{}",
            stderr(&ended)
        );
    }
}
