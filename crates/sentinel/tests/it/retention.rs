//! A data directory whose logs have lost their beginning, through every command that reads one.

use std::path::Path;
use std::time::Duration;

use sentinel_domain::{Instant, LogId, Offset};
use sentinel_eventlog::{Commits, EmbeddedOptions, EventLog, Payloads};
use sentinel_pipeline::SnapshotFolder;
use serde_json::Value;

use crate::process::{Folder, sentinel, stderr, text};
use crate::serve::{Server, payment};

/// Writes a log anew in short segments.
fn in_short_segments(path: &Path) {
    let (log, _) = EventLog::open(path, EmbeddedOptions::default()).unwrap();
    let mut payloads = Vec::new();
    log.walk(Offset(0), &mut |record| {
        let mut one = Payloads::default();
        one.push_at(record.log_time, |out| out.extend_from_slice(record.payload));
        payloads.push(one);
    })
    .unwrap();
    let id: LogId = log.log_id();
    log.close().unwrap();
    drop(log);
    std::fs::remove_dir_all(path).unwrap();
    let options = EmbeddedOptions {
        segment_bytes_max: 4_096,
        commit_interval: Duration::ZERO,
        commits: Commits::ByCaller,
        ..EmbeddedOptions::new(id)
    };
    let (log, _) = EventLog::open(path, options).unwrap();
    for one in &payloads {
        log.append(Instant::default(), None, one).unwrap();
        log.commit_queued().unwrap();
    }
    log.close().unwrap();
}

/// A stretch of payments, decided by a server that stops well; the ids of its decisions.
fn decided(data: &Path, stretch: std::ops::Range<i64>, more: &[&str]) -> Vec<String> {
    let mut arguments = vec!["serve", "--data-dir", text(data)];
    arguments.extend(more);
    let mut server = Server::start(&arguments);
    let ids = stretch
        .map(|number| {
            let (status, body) = server.decide(&payment(&format!("e-{number}"), 100 + number));
            assert_eq!(status, 200, "{body}");
            body["decision_id"].as_str().unwrap().to_owned()
        })
        .collect();
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
    ids
}

fn told(arguments: &[&str]) -> (i32, String) {
    let ended = sentinel().args(arguments).output().unwrap();
    let out = String::from_utf8_lossy(&ended.stdout).into_owned();
    (ended.status.code().unwrap(), out + &stderr(&ended))
}

fn json(arguments: &[&str]) -> Value {
    let ended = sentinel()
        .args(arguments)
        .args(["-o", "json"])
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", stderr(&ended));
    serde_json::from_slice(&ended.stdout).unwrap()
}

/// Snapshots by number.
const SNAPSHOTS: [&str; 4] = ["--snapshot-every", "40", "--snapshot-interval", "1s"];

/// And no more of the logs than they need.
const MORE: [&str; 6] = [
    "--snapshot-every",
    "40",
    "--snapshot-interval",
    "1s",
    "--retain-bytes",
    "1",
];

fn first_kept(data: &Path) -> u64 {
    let found = json(&["log", "inspect", text(data)]);
    found[0]["start_offset"].as_u64().unwrap()
}

/// Decides until the logs have lost their beginning; the ids of all decisions.
fn shortened(data: &Path) -> Vec<String> {
    let mut ids = Vec::new();
    // Until two snapshots are there, however fast they are made.
    while SnapshotFolder::new(&data.join("snapshots"))
        .list()
        .unwrap()
        .len()
        < 2
    {
        let next = i64::try_from(ids.len()).unwrap();
        ids.extend(decided(data, next..next + 100, &SNAPSHOTS));
    }
    for log in ["log", "decisions"] {
        in_short_segments(&data.join(log));
    }
    while first_kept(data) == 0 {
        let next = i64::try_from(ids.len()).unwrap();
        ids.extend(decided(data, next..next + 50, &MORE));
    }
    ids
}

fn replays_tell_what_they_can(data: &Path, ids: &[String], found: &Value) {
    let first = found["first_computed"].as_u64().unwrap();
    let last = ids.last().unwrap();
    let replayed = json(&["replay", last, "--data-dir", text(data)]);
    assert_eq!(replayed["equal"], true, "{replayed}");
    assert!(
        replayed["began_at"].as_u64().unwrap() >= first,
        "{replayed}"
    );
    let (code, out) = told(&["replay", &ids[0], "--data-dir", text(data)]);
    let names_it = format!("the first entry that can be is {first}");
    assert!(code == 1 && out.contains(&names_it), "{out}");
    let (code, out) = told(&["replay", "--from", "1", "--data-dir", text(data)]);
    assert!(code == 1 && out.contains(&names_it), "{out}");
    let stretch = json(&[
        "replay",
        "--to",
        &found["decided"].to_string(),
        "--data-dir",
        text(data),
    ]);
    assert_eq!(stretch["from"].as_u64(), Some(first), "{stretch}");
}

fn a_server_tells_what_is_gone(data: &Path, copy: &Path, ids: &[String]) {
    let last = ids.last().unwrap();
    let mut server = Server::start(&["serve", "--data-dir", text(data)]);
    let (status, body) = server.ask("GET", &format!("/api/v1/decisions/{}", ids[0]), "");
    assert_eq!(
        (status, &body["code"]),
        (410, &Value::from("not_kept")),
        "{body}"
    );
    let (status, body) = server.ask("GET", &format!("/api/v1/decisions/{}/replay", ids[0]), "");
    assert_eq!(
        (status, &body["code"]),
        (410, &Value::from("not_kept")),
        "{body}"
    );
    let (status, body) = server.decide(&payment("e-0", 100));
    assert_eq!(status, 410, "{body}");
    assert!(body["detail"].as_str().unwrap().contains(&ids[0]), "{body}");
    let (status, body) = server.ask("GET", &format!("/api/v1/decisions/{last}"), "");
    assert_eq!(status, 200, "{body}");
    assert_eq!(told(&["backup", text(copy), "--data-dir", text(data)]).0, 0);
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
}

/// The oldest snapshot is damaged behind its head, which alone says that a replay could begin there.
fn damage_is_told_where_it_lies(data: &Path, ids: &[String]) {
    let listed = SnapshotFolder::new(&data.join("snapshots")).list().unwrap();
    let [.., (next, _), (oldest, file)] = &listed[..] else {
        panic!("{listed:?}");
    };
    let whole = std::fs::read(file).unwrap();
    let mut hit = whole.clone();
    hit[whole.len() / 2] ^= 1;
    std::fs::write(file, &hit).unwrap();
    let (code, out) = told(&["verify", "--data-dir", text(data), "-o", "json"]);
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &found["holds"]), (1, &Value::from(false)), "{found}");
    assert_eq!(found["snapshots"].as_u64(), Some(listed.len() as u64));
    assert_eq!(found["snapshots_damaged"], 1, "{found}");
    assert_eq!(found["first_computed"].as_u64(), Some(next.0), "{found}");
    assert_eq!(found["outcomes_different"], 0, "{found}");
    assert_eq!(found["store_wrong"], 0, "{found}");
    let finding = found["snapshot_findings"][0].as_str().unwrap();
    for words in [
        format!("snapshot {} is damaged at byte ", file.display()),
        format!("entries before {next}"),
        "restore this file from a backup".to_owned(),
    ] {
        assert!(finding.contains(&words), "{finding}");
    }
    // A decision between the two, and one before both; activations stand before the first.
    let between = usize::try_from(oldest.0).unwrap();
    for id in [&ids[0], &ids[between]] {
        let (code, out) = told(&["replay", id, "--data-dir", text(data)]);
        let names_it = format!("the first entry that can be is {next}");
        assert!(code == 1 && out.contains(&names_it), "{out}");
    }
    std::fs::write(file, &whole).unwrap();
    let found = json(&["verify", "--data-dir", text(data)]);
    assert_eq!(found["first_computed"].as_u64(), Some(oldest.0), "{found}");
}

#[test]
fn what_is_kept_is_read_verified_replayed_copied_and_served() {
    let folder = Folder::new();
    let (data, copy, restored) = (
        folder.path("data"),
        folder.path("copy"),
        folder.path("restored"),
    );
    let ids = shortened(&data);
    let found = json(&["verify", "--data-dir", text(&data)]);
    assert_eq!(found["holds"], true, "{found}");
    assert_eq!(found["first_kept"].as_u64(), Some(first_kept(&data)));
    let first = found["first_computed"].as_u64().unwrap();
    assert!(first > first_kept(&data) && found["outcomes_compared"].as_u64().unwrap() > 0);
    assert!(found["alerts"].as_u64().is_some(), "{found}");
    let (code, out) = told(&["log", "inspect", text(&data)]);
    assert!(
        code == 0 && out.contains("what came before was dropped"),
        "{out}"
    );
    assert_eq!(told(&["log", "verify", text(&data)]).0, 0);
    let dumped = told(&["log", "dump", text(&data), "--decisions"]);
    assert_eq!(dumped.0, 0, "{}", dumped.1);

    replays_tell_what_they_can(&data, &ids, &found);
    a_server_tells_what_is_gone(&data, &copy, &ids);
    assert_eq!(
        told(&["restore", text(&copy), "--data-dir", text(&restored)]).0,
        0
    );
    let found = json(&["verify", "--data-dir", text(&restored)]);
    assert_eq!(found["holds"], true, "{found}");
    damage_is_told_where_it_lies(&restored, &ids);
    decided(&restored, 1_000_000..1_000_010, &MORE);
    // Without snapshots nothing stands for what is gone, and that is said before anything else is done.
    std::fs::remove_dir_all(restored.join("snapshots")).unwrap();
    for command in ["serve", "verify"] {
        let (code, out) = told(&[command, "--data-dir", text(&restored)]);
        assert!(
            code == 1 && out.to_lowercase().contains("restore the folder"),
            "{out}"
        );
    }
}

/// What became of each payment, in the order of the log.
fn decisions_of(data: &Path) -> Vec<(String, String, u64)> {
    let (code, out) = told(&["log", "dump", text(data), "--decisions"]);
    assert_eq!(code, 0, "{out}");
    let lines = out.lines().map(|line| serde_json::from_str(line).unwrap());
    let decided = lines.filter_map(|mut line: Value| {
        let decided = line["decided"].take();
        let word = |name: &str| Some(decided[name].as_str()?.to_owned());
        Some((
            word("event_id")?,
            word("decision")?,
            decided["score"].as_u64()?,
        ))
    });
    decided.collect()
}

/// A start over a copy decides all of it; then everything holds.
fn decided_anew(copy: &Path) -> Value {
    let mut server = Server::start(&["serve", "--data-dir", text(copy)]);
    let (status, _) = server.decide(&payment("behind-the-copy", 500));
    assert_eq!(status, 200);
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
    let found = json(&["verify", "--data-dir", text(copy)]);
    assert_eq!(found["holds"], true, "{found}");
    found
}

#[test]
fn a_copied_log_is_decided_anew_whole_or_without_its_beginning() {
    let folder = Folder::new();
    let (data, whole, rest) = (
        folder.path("data"),
        folder.path("whole"),
        folder.path("rest"),
    );
    let ids = decided(&data, 0..60, &SNAPSHOTS);
    overridden(&data, &ids[50]);
    let copied = told(&["log", "copy", text(&data), "--data-dir", text(&whole)]);
    assert!(
        copied.0 == 0 && copied.1.contains("0 of them speak"),
        "{copied:?}"
    );
    let found = decided_anew(&whole);
    assert_eq!(found["overrides"], 1, "{found}");
    let (before, anew) = (decisions_of(&data), decisions_of(&whole));
    assert_eq!(before.len(), 60);
    assert_eq!(anew[..60], before);
    assert_eq!(anew.len(), 61);
    // Nothing is written where something is.
    let again = told(&["log", "copy", text(&data), "--data-dir", text(&whole)]);
    assert!(
        again.0 == 2 && again.1.contains("holds something"),
        "{again:?}"
    );

    std::fs::remove_dir_all(&data).unwrap();
    let ids = shortened(&data);
    overridden(&data, ids.last().unwrap());
    let start = first_kept(&data);
    let copied = told(&["log", "copy", text(&data), "--data-dir", text(&rest)]);
    let from = format!("from {start} on");
    assert!(copied.0 == 0 && copied.1.contains(&from), "{copied:?}");
    assert_eq!(first_kept(&data), start, "the old one stays as it is");
    let found = decided_anew(&rest);
    assert_eq!(
        (&found["first_kept"], &found["overrides"]),
        (&0.into(), &1.into())
    );
    let anew = decisions_of(&rest);
    // Windows were filled by more than the log keeps: verdicts may differ, payments may not.
    let (code, out) = told(&["log", "dump", text(&data)]);
    assert_eq!(code, 0, "{out}");
    let lines = out.lines().map(|line| serde_json::from_str(line).unwrap());
    let payment = |line: Value| Some(line["transaction"]["event_id"].as_str()?.to_owned());
    let kept: Vec<String> = lines.filter_map(payment).collect();
    assert!(kept.len() > 40);
    let (last, anew) = anew.split_last().unwrap();
    assert_eq!(last.0, "behind-the-copy");
    assert!(anew.iter().map(|one| &one.0).eq(&kept));
}

/// Puts a person's verdict beside a decision.
fn overridden(data: &Path, id: &str) {
    let mut server = Server::start(&["serve", "--data-dir", text(data)]);
    let path = format!("/api/v1/decisions/{id}/override");
    let body = r#"{"override_id":"o","verdict":"decline","by":"j.doe","reason":"called back"}"#;
    let (status, told) = server.ask("POST", &path, body);
    assert!(status < 300, "{status} {told}");
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
}

#[test]
fn retention_without_snapshots_is_refused() {
    let folder = Folder::new();
    let data = folder.path("data");
    let (code, out) = told(&[
        "serve",
        "--data-dir",
        text(&data),
        "--listen",
        "127.0.0.1:0",
        "--retain",
        "40d",
        "--snapshot-every",
        "0",
        "--snapshot-interval",
        "0",
    ]);
    assert!(code == 2 && out.contains("--snapshot-every"), "{out}");
}
