//! Bad input: told with file, line and field, kept with its bytes, and nothing else disturbed.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{json_lines, lines_of, repository, run, stderr, text};

/// A good transaction with some keys replaced; null takes a key away.
fn transaction(id: i64, changes: &Value) -> String {
    let mut one = json!({
        "event_id": format!("e{id}"), "event_type": "card_auth",
        "event_time": 1_770_000_000_000_000_i64 + id * 1_000_000,
        "account_id": "a1", "amount_minor": 1250, "currency": "USD"
    });
    for (key, value) in changes.as_object().unwrap() {
        if value.is_null() {
            one.as_object_mut().unwrap().remove(key);
        } else {
            one[key] = value.clone();
        }
    }
    one.to_string()
}

struct Ended {
    code: i32,
    told: String,
    letters: Vec<Value>,
    decisions: Vec<Value>,
    summary: Value,
}

fn run_on(folder: &TempDir, name: &str, bytes: &[u8], more: &[&str]) -> Ended {
    let path = |name: &str| folder.path().join(name);
    let input = path(name);
    std::fs::write(&input, bytes).unwrap();
    let (output, summary) = (path("out.jsonl"), path("summary.json"));
    let letters = path("letters.jsonl");
    let mut arguments = vec![
        "--input",
        text(&input),
        "--output",
        text(&output),
        "--summary-json",
        text(&summary),
        "--dead-letters",
        text(&letters),
        "--now",
        "2026-02-03T00:00:00Z",
    ];
    arguments.extend(more);
    let ended = run(&arguments);
    Ended {
        code: ended.status.code().unwrap(),
        told: stderr(&ended),
        letters: lines_of(&letters),
        decisions: lines_of(&output),
        summary: serde_json::from_slice(&std::fs::read(&summary).unwrap_or_default())
            .unwrap_or(Value::Null),
    }
}

/// Every kind of bad line: its code, the field it names, its bytes.
fn bad_lines() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let changed = |changes: Value| transaction(2, &changes).into_bytes();
    vec![
        (
            "missing_field",
            "account_id",
            changed(json!({"account_id": null})),
        ),
        (
            "wrong_type",
            "amount_minor",
            changed(json!({"amount_minor": "12"})),
        ),
        (
            "negative_amount",
            "amount_minor",
            changed(json!({"amount_minor": -1})),
        ),
        (
            "unknown_currency",
            "currency",
            changed(json!({"currency": "ZZZ"})),
        ),
        (
            "future_event",
            "event_time",
            changed(json!({"event_time": "2026-02-03T00:05:01Z"})),
        ),
        ("bad_json", "", b"{\"event_id\": ".to_vec()),
        ("bad_utf8", "", b"{\"event_id\": \"\xff\xfe\"}".to_vec()),
        ("line_too_long", "", vec![b'x'; 10 * 1024 * 1024]),
        (
            "conflict",
            "event_id",
            transaction(1, &json!({"amount_minor": 9})).into(),
        ),
        (
            "unknown_field",
            "acount_id",
            changed(json!({"acount_id": "a"})),
        ),
    ]
}

#[test]
fn each_kind_of_bad_line_is_told_counted_and_kept() {
    for (code, field, line) in bad_lines() {
        let folder = TempDir::new().unwrap();
        let (before, after) = (transaction(1, &json!({})), transaction(3, &json!({})));
        let bytes = [before.as_bytes(), &line, after.as_bytes(), b""].join(&b'\n');
        let ended = run_on(&folder, "in.jsonl", &bytes, &[]);
        assert_eq!(
            ended.code, 0,
            "{code}: merely rejected rows are no failure\n{}",
            ended.told
        );
        let decided: Vec<&str> = ended
            .decisions
            .iter()
            .filter_map(|one| one["event_id"].as_str())
            .collect();
        assert_eq!(decided, ["e1", "e3"], "{code}: the neighbours are decided");
        assert_eq!(ended.summary["rejected"], 1, "{code}");
        assert_eq!(
            ended.summary["rejected_by_code"][code], 1,
            "{code}: {}",
            ended.summary
        );
        assert_eq!(ended.letters.len(), 1, "{code}");
        let letter = &ended.letters[0];
        assert_eq!(
            (&letter["code"], &letter["row"]),
            (&json!(code), &json!(2)),
            "{code}"
        );
        assert!(
            letter["source"].as_str().unwrap().ends_with("in.jsonl"),
            "{code}"
        );
        if !field.is_empty() {
            assert_eq!(letter["field"], field, "{code}: {letter}");
            assert!(ended.told.contains(field), "{code}: {}", ended.told);
        }
        let kept = base64_decode(letter["bytes_base64"].as_str().unwrap());
        assert!(kept == line, "{code}: the bytes are kept");
        assert!(
            ended.told.contains("in.jsonl:2"),
            "{code}: file and line are told: {}",
            ended.told
        );
        assert!(!ended.told.contains("panicked"), "{code}: {}", ended.told);
    }
}

#[test]
fn strict_makes_a_reject_a_failure() {
    let folder = TempDir::new().unwrap();
    let good = transaction(1, &json!({}));
    let bad = transaction(2, &json!({"currency": "ZZZ"}));
    let strict = |bytes: String| run_on(&folder, "in.jsonl", bytes.as_bytes(), &["--strict"]).code;
    assert_eq!(strict(good.clone()), 0);
    assert_eq!(strict(format!("{good}\n{bad}\n")), 1);
}

#[test]
fn a_repeat_with_the_same_body_is_counted_and_written_once() {
    let folder = TempDir::new().unwrap();
    let line = transaction(1, &json!({}));
    // The same instant in another spelling is the same body.
    let again = transaction(1, &json!({"event_time": "2026-02-02T02:40:01Z"}));
    let ended = run_on(
        &folder,
        "in.jsonl",
        format!("{line}\n{again}\n").as_bytes(),
        &[],
    );
    assert_eq!(ended.code, 0);
    assert_eq!(ended.decisions.len(), 1);
    assert_eq!(ended.summary["repeated"], 1);
    assert_eq!(ended.summary["rejected"], 0);
}

#[test]
fn a_truncated_zstd_file_gives_what_it_holds_and_says_where_it_ends() {
    let folder = TempDir::new().unwrap();
    let whole = zstd::encode_all(json_lines(6, 5_000).as_slice(), 1).unwrap();
    let cut = &whole[..whole.len() * 2 / 3];
    let ended = run_on(&folder, "in.jsonl.zst", cut, &[]);
    assert_eq!(ended.code, 0, "{}", ended.told);
    assert!(
        ended.decisions.len() > 100,
        "{} rows came before the cut",
        ended.decisions.len()
    );
    assert_eq!(
        ended.summary["rejected_by_code"]["bad_compression"], 1,
        "{}",
        ended.summary
    );
    let letter = ended.letters.last().unwrap();
    assert_eq!(letter["code"], "bad_compression");
    assert!(letter["row"].as_u64().unwrap() > 100);
    assert!(ended.told.contains("in.jsonl.zst:"), "{}", ended.told);
}

#[test]
fn a_mapping_that_names_an_absent_column_is_wrong_usage() {
    let folder = TempDir::new().unwrap();
    let table = folder.path().join("table.csv");
    let whole = std::fs::read_to_string(repository("fixtures/samples/handbook.csv")).unwrap();
    std::fs::write(&table, whole.replacen("terminal_id", "terminal", 1)).unwrap();
    let mapping = repository("fixtures/mappings/handbook.toml");
    let ended = run(&[
        "--input",
        text(&table),
        "--mapping",
        text(&mapping),
        "--output",
        "-",
    ]);
    assert_eq!(ended.status.code(), Some(2), "{}", stderr(&ended));
    let told = stderr(&ended);
    assert!(
        told.contains("terminal_id") && told.contains("table.csv"),
        "{told}"
    );
}

#[test]
fn wrong_usage_ends_with_two_and_says_what_to_do() {
    let folder = TempDir::new().unwrap();
    let missing: PathBuf = folder.path().join("nowhere.jsonl");
    let model = folder.path().join("broken.model");
    std::fs::write(&model, "not a model").unwrap();
    let input = folder.path().join("in.jsonl");
    std::fs::write(&input, "").unwrap();
    let cases: Vec<(Vec<&str>, &str)> = vec![
        (vec![], "--input"),
        (vec!["--input", text(&missing)], "nowhere.jsonl"),
        (
            vec!["--input", text(&input), "--now", "yesterday"],
            "yesterday",
        ),
        (
            vec!["--input", text(&input), "--model", text(&model)],
            "model",
        ),
        (
            vec!["--input", text(&input), "--output", "/nowhere/out.jsonl"],
            "/nowhere/out.jsonl",
        ),
    ];
    for (arguments, word) in cases {
        let ended = run(&arguments);
        assert_eq!(
            ended.status.code(),
            Some(2),
            "{arguments:?}: {}",
            stderr(&ended)
        );
        assert!(
            stderr(&ended).contains(word),
            "{arguments:?}: {}",
            stderr(&ended)
        );
    }
}

/// Plain base64 for the test, independent of the product's.
fn base64_decode(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut out) = (0_u32, 0, Vec::new());
    for byte in text.bytes().take_while(|byte| *byte != b'=') {
        let value = ALPHABET.iter().position(|have| *have == byte).unwrap();
        bits = bits << 6 | u32::try_from(value).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    out
}

#[test]
fn dead_letters_of_earlier_runs_do_not_pile_up() {
    let folder = TempDir::new().unwrap();
    let bad = transaction(2, &json!({"currency": "ZZZ"}));
    for _ in 0..2 {
        let ended = run_on(&folder, "in.jsonl", bad.as_bytes(), &[]);
        assert_eq!(ended.letters.len(), 1);
    }
    let good = transaction(1, &json!({}));
    assert!(
        run_on(&folder, "in.jsonl", good.as_bytes(), &[])
            .letters
            .is_empty()
    );
    assert!(!Path::new(&folder.path().join("letters.jsonl")).exists());
}

#[test]
fn a_long_stretch_of_bad_rows_holds_nothing_up() {
    let good = |id| transaction(id, &json!({})) + "\n";
    let bad = "not json\n".repeat(40_000);
    for (place, bytes) in [
        ("only", bad.clone()),
        ("first", bad.clone() + &good(1)),
        ("middle", good(1) + &bad + &good(2)),
        ("last", good(1) + &bad),
    ] {
        let folder = TempDir::new().unwrap();
        let ended = run_on(&folder, "in.jsonl", bytes.as_bytes(), &[]);
        assert_eq!(ended.code, 0, "{place}");
        assert_eq!(ended.letters.len(), 40_000, "{place}");
        let rows: Vec<u64> = ended
            .letters
            .iter()
            .filter_map(|one| one["row"].as_u64())
            .collect();
        assert!(
            rows.is_sorted_by(|one, other| one < other),
            "{place}: in the order of rows"
        );
    }
}
