//! An independent check of the windows: DuckDB computes them again by SQL over 200,000 rows with ties.
//!
//! `cargo xtask setup --test` brings DuckDB in; without it the test fails and says so.

use std::path::{Path, PathBuf};
use std::process::Command;

use sentinel_domain::{Currency, Instant, Transaction};
use sentinel_pipeline::intake::json;
use sentinel_synth::{Options, Stream};
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{repository, sentinel, stderr, text};

const ROWS: usize = 200_000;

/// The Python that has DuckDB: named by `make test`, else where set-up puts it beside this binary.
fn python() -> PathBuf {
    let named = std::env::var_os("SENTINEL_DUCKDB_PYTHON").map(PathBuf::from);
    let binary = Path::new(env!("CARGO_BIN_EXE_sentinel"));
    let built = binary.ancestors().nth(2).unwrap();
    let python = named.unwrap_or_else(|| built.join("duckdb-wheel/bin/python"));
    assert!(
        python.is_file(),
        "no DuckDB at {}: run `cargo xtask setup --test` once, or `make test`",
        python.display()
    );
    python
}

/// A month of payments in order of time. Half of the times are cut to ten minutes, half to the second, so
/// that many rows tie; amounts are in the reference currency, so that SQL needs no rates.
fn rows() -> Vec<Transaction> {
    let start = Instant::parse_rfc3339("2026-02-02T08:00:00Z").unwrap();
    let options = Options {
        payments_per_second: 0.07,
        late_share: 0.0,
        repeat_share: 0.0,
        ..Options::new(21, start)
    };
    let transactions = Stream::new(options).take(ROWS).map(|one| one.transaction);
    let mut rows: Vec<Transaction> = transactions
        .zip([600, 1].into_iter().cycle())
        .map(|(mut one, seconds)| {
            let unit = seconds * 1_000_000;
            let micros = one.event_time.micros().div_euclid(unit) * unit;
            one.event_time = Instant::from_micros(micros);
            one.currency = Currency::USD;
            (one.billing_amount_minor, one.billing_currency) = (None, None);
            one
        })
        .collect();
    rows.sort_by_key(|one| one.event_time);
    rows
}

#[test]
fn sql_gives_the_same_windows_but_for_ties() {
    let python = python();
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (table, matrix) = (path("table.jsonl"), path("matrix.parquet"));
    let catalogue = path("catalogue.json");
    let mut bytes = Vec::new();
    for one in rows() {
        json::write_transaction(&one, &mut bytes);
        bytes.push(b'\n');
    }
    std::fs::write(&table, bytes).unwrap();
    let features = repository("crates/sentinel/tests/sql/features.toml");
    let said = |words: &[&str]| {
        let mut command = sentinel();
        command.arg("features").args(words);
        let ended = command.args(["--features", text(&features)]).output();
        let ended = ended.unwrap();
        assert!(ended.status.success(), "{}", stderr(&ended));
        ended.stdout
    };
    said(&["export", "--input", text(&table), "--output", text(&matrix)]);
    std::fs::write(&catalogue, said(&["list", "-o", "json"])).unwrap();

    let ended = Command::new(python)
        .arg(repository("crates/sentinel/tests/sql/windows.py"))
        .args(["--table", "json", "--input", text(&table)])
        .args(["--matrix", text(&matrix), "--catalogue", text(&catalogue)])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{said}{}", stderr(&ended));
    let totals: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(totals["rows"], ROWS, "{said}");
    assert_eq!(totals["different"], 0, "{said}");
    assert_eq!(totals["unexplained"], 0, "{said}");
    assert!(totals["features"].as_u64().unwrap() >= 50, "{said}");
    // All but rank, over all windows.
    let many = |key: &str| totals[key].as_array().map(Vec::len);
    assert_eq!((many("aggregates"), many("windows")), (Some(15), Some(8)));
    // Rows that tie are there, and plain RANGE takes them for earlier ones.
    assert!(
        totals["plain_range_different"].as_u64().unwrap() > 1_000,
        "{said}"
    );
}
