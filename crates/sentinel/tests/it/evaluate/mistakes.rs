//! What cannot be evaluated or trained: the message says what is wrong and what to do.

use super::{TableRow, evaluate, mapping, table, table_rows};
use crate::process::{Folder, json_lines, repository, sentinel, stderr, text};

fn refuses(arguments: &[&str], said: &str) {
    let ended = evaluate(arguments);
    let told = stderr(&ended);
    assert_eq!(ended.status.code(), Some(2), "{arguments:?}: {told}");
    assert!(told.contains(said), "{arguments:?}: {told} lacks {said}");
    assert!(ended.stdout.is_empty(), "{arguments:?}");
}

#[test]
fn flags_that_make_no_sense_are_wrong_usage() {
    let folder = Folder::new();
    let mapping = mapping();
    let input = folder.file("t.csv", table(&table_rows(3, 30)));
    let on = |more: &[&str], said: &str| {
        refuses(
            &[&["--input", &input, "--mapping", &mapping], more].concat(),
            said,
        );
    };
    refuses(&[], "--input");
    on(&["--protocol", "handbook-c"], "handbook-a");
    on(&["--protocol", "time-split"], "--split-at");
    on(
        &["--protocol", "time-split", "--split-at", "soon"],
        "2020-06-21T12:13:37Z",
    );
    on(&["--split-at", "10"], "--protocol time-split");
    on(
        &[
            "--protocol",
            "time-split",
            "--split-at",
            "9",
            "--start",
            "3",
        ],
        "handbook",
    );
    on(
        &[
            "--protocol",
            "time-split",
            "--split-at",
            "9",
            "--train",
            "history",
        ],
        "handbook",
    );
    on(
        &["--protocol", "handbook-a", "--start", "someday"],
        "2018-07-25",
    );
    on(&["--protocol", "handbook-a", "--train", "8d"], "history");
    on(&["--protocol", "handbook-a", "--label-delay", "week"], "7d");
    on(&["--protocol", "handbook-a", "--weights", "0,0"], "0.7,0.3");
    on(
        &["--protocol", "handbook-a", "--validation-share", "0.99"],
        "--validation-share",
    );
    on(&["--protocol", "handbook-a", "--policy", &input], "--model");
    on(
        &["--protocol", "handbook-a", "--scores", &input],
        "which is read",
    );
    on(&["--synthetic"], "--synthetic");
    on(&["--model", "nowhere.model"], "nowhere.model");
    on(&["--model", &mapping], "model");
}

#[test]
fn a_split_without_rows_or_fraud_is_told() {
    let folder = Folder::new();
    let mapping = mapping();
    let rows = table_rows(3, 40);
    let a = ["--protocol", "handbook-a", "--start", "10"];
    let on = |name: &str, rows: &[TableRow], more: &[&str], said: &str| {
        let input = folder.file(name, table(rows));
        refuses(
            &[&["--input", &input, "--mapping", &mapping], more].concat(),
            said,
        );
    };
    on(
        "t.csv",
        &rows,
        &["--protocol", "handbook-a"],
        "training week",
    );
    on(
        "t.csv",
        &rows,
        &["--protocol", "handbook-b", "--start", "20"],
        "week",
    );
    on(
        "t.csv",
        &rows,
        &["--protocol", "time-split", "--split-at", "2030-01-01"],
        "lies outside",
    );
    on(
        "t.csv",
        &rows,
        &["--protocol", "time-split", "--split-at", "99999"],
        "lies outside",
    );
    on(
        "t.csv",
        &rows,
        &["--protocol", "time-split", "--split-at", "100"],
        "--label-delay",
    );
    let without = |from: u64, to: u64| -> Vec<TableRow> {
        let keep = |row: &TableRow| TableRow {
            fraud: row.fraud && !(from * super::DAY_S..to * super::DAY_S).contains(&row.time_s),
            ..*row
        };
        rows.iter().map(keep).collect()
    };
    on(
        "train.csv",
        &without(10, 17),
        &a,
        "hold no fraud that is known",
    );
    on("test.csv", &without(24, 31), &a, "nothing to measure");
}

#[test]
fn an_input_that_cannot_be_read_is_told() {
    let folder = Folder::new();
    let mapping = mapping();
    let whole = table(&table_rows(3, 30));
    let on = |name: &str, content: &str, said: &str| {
        let input = folder.file(name, content);
        refuses(
            &[
                "--input",
                &input,
                "--mapping",
                &mapping,
                "--protocol",
                "handbook-a",
                "--start",
                "3",
            ],
            said,
        );
    };
    on("empty.csv", "", "holds nothing");
    on(
        "header.csv",
        whole.lines().next().unwrap(),
        "holds no transaction",
    );
    on(
        "column.csv",
        &whole.replacen("terminal_id", "terminal", 1),
        "terminal_id",
    );
    on(
        "label.csv",
        &whole.replacen(",fraud,", ",is_fraud,", 1),
        "fraud",
    );
    refuses(&["--input", "-", "--mapping", &mapping], "name a file");
    refuses(
        &["--input", "nowhere.csv", "--mapping", &mapping],
        "nowhere.csv",
    );
    let payments = folder.file("p.jsonl", json_lines(3, 50));
    refuses(&["--input", &payments], "[label]");
    let labels = folder.file("l.jsonl", "no label\n");
    refuses(&["--input", &payments, "--labels", &labels], "l.jsonl:1");
    let unlabelled =
        std::fs::read_to_string(repository("fixtures/mappings/handbook.toml")).unwrap();
    let (unlabelled, _) = unlabelled.split_once("[label]").unwrap();
    let unlabelled = folder.file("unlabelled.toml", unlabelled);
    let input = folder.file("t.csv", &whole);
    refuses(&["--input", &input, "--mapping", &unlabelled], "[label]");
}

#[test]
fn training_says_what_it_lacks_and_writes_over_nothing() {
    let folder = Folder::new();
    let mapping = mapping();
    let input = folder.file("t.csv", table(&table_rows(3, 20)));
    let out = text(&folder.path("my.model")).to_owned();
    let refuses = |more: &[&str], said: &str| {
        let begin = ["train", "--input", &input, "--mapping", &mapping];
        let ended = sentinel().args(begin).args(more).output().unwrap();
        assert_eq!(ended.status.code(), Some(2), "{more:?}: {}", stderr(&ended));
        assert!(
            stderr(&ended).contains(said),
            "{more:?}: {}",
            stderr(&ended)
        );
        assert!(!folder.path("my.model").exists(), "{more:?}");
    };
    refuses(&["--out", &out, "--label-delay", "30d"], "--label-delay");
    refuses(
        &["--out", &out, "--validation-share", "0"],
        "--validation-share",
    );
    refuses(&["--out", &input], "--out");
    refuses(&["--out", &out, "--report", &input], "--report");
    refuses(&["--out", &out, "--report", &out], "one file");
    refuses(&["--out", &out, "--weights", "2"], "0.7,0.3");
}
