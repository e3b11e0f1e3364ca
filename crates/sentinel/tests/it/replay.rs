//! `sentinel replay`: the log alone gives the decision again, and a difference is shown.

use sentinel_domain::{AlertId, DecisionId, LogId, LogPosition, Offset, Partition};
use sentinel_eventlog::{Durability, EmbeddedOptions, EventLog, Payloads, RecordBatch};
use sentinel_store::{AlertQuery, FollowerCommit, Store};
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{job, json_lines, lines_of, run, sentinel, stderr, text};

fn replay(id: &str, data: &std::path::Path) -> (i32, String) {
    let ended = sentinel()
        .args(["replay", id, "--data-dir", text(data)])
        .output()
        .unwrap();
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&ended.stdout),
        stderr(&ended)
    );
    (ended.status.code().unwrap(), told)
}

#[test]
fn a_decision_is_computed_again_byte_for_byte_and_a_difference_shows_both() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (input, output, data) = (path("in.jsonl"), path("out.jsonl"), path("data"));
    std::fs::write(&input, json_lines(10, 3_000)).unwrap();
    let arguments = job(&input, &output, &data);
    assert!(run(&arguments).status.success());
    let decisions = lines_of(&output);
    for one in [&decisions[0], &decisions[1_500], decisions.last().unwrap()] {
        let (code, told) = replay(one["decision_id"].as_str().unwrap(), &data);
        assert_eq!(code, 0, "{told}");
        assert!(told.starts_with("equal"), "{told}");
    }
    let declined = decisions
        .iter()
        .find(|one| one["decision"] == "decline")
        .unwrap();
    let offset = declined["log_position"]["offset"].as_u64().unwrap();
    alter(&data, offset);
    let (code, told) = replay(declined["decision_id"].as_str().unwrap(), &data);
    assert_eq!(code, 1, "{told}");
    assert!(
        told.contains("DIFFERENT") && told.contains("recorded") && told.contains("computed"),
        "{told}"
    );
    // A run over altered records stops and names the entry.
    let again = run(&arguments);
    assert_eq!(again.status.code(), Some(1));
    assert!(
        stderr(&again).contains(&format!("entry {offset}")),
        "{}",
        stderr(&again)
    );
}

/// Writes the decision log anew with one byte of one outcome changed, checksums right.
fn alter(data: &std::path::Path, offset: u64) {
    let (old, new) = (data.join("decisions"), data.join("altered"));
    let options = |id| EmbeddedOptions {
        durability: Durability::Never,
        ..EmbeddedOptions::new(id)
    };
    let (from, _) = EventLog::open(&old, options(LogId::default())).unwrap();
    let (to, _) = EventLog::open(&new, options(from.log_id())).unwrap();
    let mut batch = RecordBatch::default();
    while to.appended_end() < from.end() {
        from.read(to.appended_end(), 512, &mut batch).unwrap();
        for record in batch.iter() {
            let mut payloads = Payloads::default();
            let mut bytes = record.payload.to_vec();
            if record.offset.0 == offset {
                let last = bytes.len() - 1;
                bytes[last] ^= 1;
            }
            payloads.push(&bytes);
            to.append(record.log_time, None, &payloads).unwrap();
        }
    }
    from.close().unwrap();
    to.close().unwrap();
    drop((from, to));
    std::fs::remove_dir_all(&old).unwrap();
    std::fs::rename(&new, &old).unwrap();
}

#[test]
fn names_that_are_no_decision_of_this_log_are_refused() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("in.jsonl"), json_lines(11, 50)).unwrap();
    let data = path("data");
    let ended = run(&[
        "--input",
        text(&path("in.jsonl")),
        "--output",
        text(&path("out")),
        "--data-dir",
        text(&data),
    ]);
    assert!(ended.status.success());
    let foreign = "dec_00000000000000070123456789abcdef";
    for (id, word) in [
        ("nonsense", "decision id"),
        (foreign, "does not fit this log"),
    ] {
        let (code, told) = replay(id, &data);
        assert_eq!(code, 2, "{told}");
        assert!(told.contains(word), "{told}");
    }
    let (code, told) = replay(foreign, &path("nowhere"));
    assert_eq!(code, 2);
    assert!(told.contains("holds no log"), "{told}");
}

/// A finished run over made-up payments: its data directory and what it decided.
fn decided(folder: &TempDir, count: usize) -> (std::path::PathBuf, Vec<Value>) {
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("in.jsonl"), json_lines(12, count)).unwrap();
    let data = path("data");
    let ended = run(&[
        "--input",
        text(&path("in.jsonl")),
        "--output",
        text(&path("out.jsonl")),
        "--data-dir",
        text(&data),
    ]);
    assert!(ended.status.success(), "{}", stderr(&ended));
    (data, lines_of(&path("out.jsonl")))
}

fn json_of(arguments: &[&str], data: &std::path::Path) -> (i32, Value) {
    let ended = sentinel()
        .args(arguments)
        .args(["--data-dir", text(data), "-o", "json"])
        .output()
        .unwrap();
    let body = serde_json::from_slice(&ended.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", stderr(&ended)));
    (ended.status.code().unwrap(), body)
}

#[test]
fn a_stretch_is_compared_whole_and_names_each_entry_that_differs() {
    let folder = TempDir::new().unwrap();
    let (data, _) = decided(&folder, 2_000);
    let (code, all) = json_of(&["replay", "--from", "0"], &data);
    assert_eq!((code, &all["equal"]), (0, &Value::Bool(true)), "{all}");
    let end = all["to"].as_u64().unwrap();
    assert!(end > 2_000, "payments and activations: {end}");
    assert_eq!(all["compared"], all["to"]);
    let (_, again) = json_of(&["replay", "--to", &end.to_string()], &data);
    assert_eq!(all["hash"], again["hash"]);
    let (_, part) = json_of(&["replay", "--from", "100", "--to", "200"], &data);
    assert_eq!(
        (&part["compared"], &part["entries"]),
        (&100.into(), &200.into())
    );
    assert_ne!(all["hash"], part["hash"]);

    alter(&data, 150);
    let (code, part) = json_of(&["replay", "--from", "100", "--to", "200"], &data);
    assert_eq!((code, &part["different"]), (1, &1.into()), "{part}");
    assert_eq!(part["differences"][0]["offset"], 150);
    let (code, other) = json_of(&["replay", "--from", "151"], &data);
    assert_eq!((code, &other["different"]), (0, &0.into()), "{other}");
    let ended = sentinel()
        .args([
            "replay",
            "--from",
            "5",
            "--to",
            "5",
            "--data-dir",
            text(&data),
        ])
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(2));
    assert!(
        stderr(&ended).contains("is no stretch"),
        "{}",
        stderr(&ended)
    );
}

#[test]
fn an_explanation_names_every_feature_of_any_decision_and_sums_to_its_log_odds() {
    let folder = TempDir::new().unwrap();
    let (data, decisions) = decided(&folder, 1_500);
    for verdict in ["approve", "decline"] {
        let one = decisions
            .iter()
            .rev()
            .find(|one| one["decision"] == verdict)
            .unwrap();
        let id = one["decision_id"].as_str().unwrap();
        let (code, told) = json_of(&["replay", id, "--explain"], &data);
        assert_eq!(code, 0);
        let explanation = &told["explanation"];
        let features = explanation["features"].as_array().unwrap();
        assert!(features.len() > 150, "{}", features.len());
        let log_odds = |value: &Value| value.as_f64().unwrap();
        let sum: f64 = features.iter().map(|one| log_odds(&one["log_odds"])).sum();
        let probability = 1.0 / (1.0 + (-(sum + log_odds(&explanation["base"]))).exp());
        let names_it = |one: &Value| one["feature"] == "account_count_1m";
        assert!(features.iter().any(names_it));
        // The calibrated probability rises with the log-odds: what was declined lies far above.
        assert_eq!(probability > 0.5, verdict == "decline", "{probability}");
    }
}

#[test]
fn verify_holds_a_whole_data_directory_against_its_log() {
    let folder = TempDir::new().unwrap();
    let (data, _) = decided(&folder, 1_500);
    let (code, found) = json_of(&["verify"], &data);
    assert_eq!((code, &found["holds"]), (0, &Value::Bool(true)), "{found}");
    assert_eq!(found["outcomes_compared"], found["entries"]);
    assert_eq!(found["followed"], found["entries"]);
    assert!(found["alerts"].as_u64().unwrap() > 0);

    add_an_alert_of_no_decision(&data);
    let (code, found) = json_of(&["verify"], &data);
    // Nor has it a message.
    assert_eq!((code, &found["store_wrong"]), (1, &2.into()), "{found}");
    let told = found["store_findings"][0].as_str().unwrap();
    assert!(told.contains("follow from no decision"), "{told}");

    alter(&data, 700);
    let (code, found) = json_of(&["verify"], &data);
    assert_eq!(
        (code, &found["outcomes_different"]),
        (1, &1.into()),
        "{found}"
    );

    describe_a_column_otherwise(&data);
    let (code, found) = json_of(&["verify"], &data);
    let told = found["store_findings"][0].as_str().unwrap();
    assert!(told.contains("table \"alerts\" is another one"), "{told}");
    assert_eq!(
        (code, &found["store_wrong"], &found["outcomes_different"]),
        (1, &1.into(), &1.into()),
        "{found}"
    );
}

/// The store's file says that a column is of a type that is no text: whoever asked for it waited for half a minute.
fn describe_a_column_otherwise(data: &std::path::Path) {
    let path = data.join("store.sqlite");
    let mut bytes = std::fs::read(&path).unwrap();
    let column = b"score_points      BIGINT";
    let places = 0..bytes.len() - column.len();
    let places: Vec<usize> = places
        .filter(|at| bytes[*at..].starts_with(column))
        .collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at + column.len() - 1] |= 0x80;
    }
    std::fs::write(&path, bytes).unwrap();
}

fn add_an_alert_of_no_decision(data: &std::path::Path) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (log, _) = EventLog::open(&data.join("log"), EmbeddedOptions::default()).unwrap();
        let store = Store::open(&data.join("store.sqlite")).await.unwrap();
        let progress = store
            .take_over("alerts", log.log_id(), Partition(0))
            .await
            .unwrap();
        let page = store.alerts(&AlertQuery::default()).await.unwrap();
        let mut alert = page.items[0].clone();
        let nowhere = LogPosition {
            log: log.log_id(),
            partition: Partition(0),
            offset: Offset(1 << 40),
        };
        alert.alert_id = AlertId::at(nowhere);
        alert.decision_id = DecisionId::at(nowhere);
        let commit = FollowerCommit {
            follower: "alerts".to_owned(),
            log: log.log_id(),
            partition: Partition(0),
            epoch: progress.epoch,
            from: progress.next,
            to: progress.next,
            alerts: vec![alert],
            cases: Vec::new(),
            overrides: Vec::new(),
            outbox: Vec::new(),
        };
        store.commit(&commit).await.unwrap();
        store.close().await;
    });
}
