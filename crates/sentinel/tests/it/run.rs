//! The main job: a table in, decisions and a summary out.

use std::collections::BTreeSet;

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{json_lines, lines_of, repository, run, sentinel, stderr, text};

#[test]
fn every_shipped_mapping_reads_its_sample_without_a_reject() {
    for set in ["handbook", "sparkov", "paysim", "ulb", "ieee-cis"] {
        let folder = TempDir::new().unwrap();
        let (output, summary) = (
            folder.path().join("out.jsonl"),
            folder.path().join("summary.json"),
        );
        let sample = repository(&format!("fixtures/samples/{set}.csv"));
        let mapping = repository(&format!("fixtures/mappings/{set}.toml"));
        let ended = run(&[
            "--input",
            text(&sample),
            "--mapping",
            text(&mapping),
            "--output",
            text(&output),
            "--summary-json",
            text(&summary),
        ]);
        assert!(ended.status.success(), "{set}: {}", stderr(&ended));
        let rows = std::fs::read_to_string(&sample).unwrap().lines().count() - 1;
        let decisions = lines_of(&output);
        assert_eq!(decisions.len(), rows, "{set}");
        let summary: Value = serde_json::from_slice(&std::fs::read(&summary).unwrap()).unwrap();
        assert_eq!(summary["transactions"], rows, "{set}");
        assert_eq!(summary["rejected"], 0, "{set}");
    }
}

/// Two thousand synthetic payments: the decisions, the summary file and what was told.
fn decided() -> (Vec<Value>, Value, String) {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("in.jsonl"), json_lines(3, 2_000)).unwrap();
    let (input, output, summary) = (path("in.jsonl"), path("out.jsonl"), path("summary.json"));
    let ended = run(&[
        "--input",
        text(&input),
        "--output",
        text(&output),
        "--summary-json",
        text(&summary),
    ]);
    assert!(ended.status.success(), "{}", stderr(&ended));
    let summary = serde_json::from_slice(&std::fs::read(&summary).unwrap()).unwrap();
    (lines_of(&output), summary, stderr(&ended))
}

#[test]
fn a_decision_has_the_promised_body() {
    let (decisions, ..) = decided();
    let keys = "decision_id event_id decision score probability risk confidence tier reasons rules models lists \
                actions degraded versions log_position latency_us";
    for key in keys.split_whitespace() {
        assert!(
            decisions[0].get(key).is_some(),
            "{key} is missing in {}",
            decisions[0]
        );
    }
    let verdicts: BTreeSet<&str> = decisions
        .iter()
        .filter_map(|one| one["decision"].as_str())
        .collect();
    assert!(
        verdicts.contains("approve") && verdicts.len() > 1,
        "{verdicts:?}"
    );
    let suspicious = decisions
        .iter()
        .find(|one| one["decision"] == "decline")
        .unwrap();
    assert!(
        !suspicious["reasons"].as_array().unwrap().is_empty(),
        "{suspicious}"
    );
}

#[test]
fn the_summary_tells_machines_and_people_how_it_went() {
    let (decisions, summary, told) = decided();
    let keys = "/transactions /decisions/approve /decisions/challenge /decisions/review \
                /decisions/decline /alerts /rejected /transactions_per_second /latency_us/p50 \
                /latency_us/p99 /latency_us/p999";
    for key in keys.split_whitespace() {
        assert!(
            summary.pointer(key).is_some_and(Value::is_number),
            "{key} in {summary}"
        );
    }
    assert_eq!(summary["transactions"], decisions.len());
    for word in ["transactions", "decisions", "alerts", "latency"] {
        assert!(told.contains(word), "{word} in {told}");
    }
}

#[test]
fn two_reproducible_runs_write_the_same_bytes() {
    let folder = TempDir::new().unwrap();
    let input = folder.path().join("in.jsonl");
    std::fs::write(&input, json_lines(4, 20_000)).unwrap();
    let outputs = ["one.jsonl", "two.jsonl"].map(|name| {
        let output = folder.path().join(name);
        let ended = run(&[
            "--input",
            text(&input),
            "--output",
            text(&output),
            "--reproducible",
        ]);
        assert!(ended.status.success(), "{}", stderr(&ended));
        std::fs::read(output).unwrap()
    });
    assert!(!outputs[0].is_empty());
    assert!(outputs[0] == outputs[1], "the outputs differ");
    assert!(!String::from_utf8_lossy(&outputs[0]).contains("latency_us"));
}

#[test]
fn compressed_input_and_standard_streams_give_the_same_decisions() {
    use std::io::Write;
    let folder = TempDir::new().unwrap();
    let plain = json_lines(5, 3_000);
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("in.jsonl"), &plain).unwrap();
    std::fs::write(
        path("in.jsonl.zst"),
        zstd::encode_all(plain.as_slice(), 1).unwrap(),
    )
    .unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    std::fs::write(path("in.jsonl.gz"), gzip.finish().unwrap()).unwrap();
    let decided = |bytes: &[u8]| -> Vec<(String, String, String)> {
        String::from_utf8_lossy(bytes)
            .lines()
            .map(|line| {
                let one: Value = serde_json::from_str(line).unwrap();
                ["event_id", "decision", "score"]
                    .map(|key| one[key].to_string())
                    .into()
            })
            .collect()
    };
    let expected = decided(&run(&["--input", text(&path("in.jsonl"))]).stdout);
    assert_eq!(
        expected.len(),
        2_998.max(expected.len()),
        "almost every line is a first sighting"
    );
    for name in ["in.jsonl.zst", "in.jsonl.gz"] {
        assert_eq!(
            decided(&run(&["--input", text(&path(name))]).stdout),
            expected,
            "{name}"
        );
    }
    let ended = sentinel()
        .args(["run", "--input", "-"])
        .current_dir(folder.path())
        .stdin(std::fs::File::open(path("in.jsonl")).unwrap())
        .output()
        .unwrap();
    assert_eq!(decided(&ended.stdout), expected);
}

#[test]
fn labels_that_are_not_known_yet_change_no_decision() {
    let folder = TempDir::new().unwrap();
    let sample = repository("fixtures/samples/handbook.csv");
    let mapping = std::fs::read_to_string(repository("fixtures/mappings/handbook.toml")).unwrap();
    // Known after the last row of the sample.
    let mapping = mapping.replace("delay = \"7d\"", "delay = \"365d\"");
    assert!(mapping.contains("365d"));
    let flipped = folder.path().join("flipped.csv");
    let text_of = std::fs::read_to_string(&sample).unwrap();
    let without: Vec<String> = text_of
        .lines()
        .enumerate()
        .map(|(n, line)| {
            let mut cells: Vec<&str> = line.split(',').collect();
            let label = cells.len() - 2;
            if n > 0 {
                cells[label] = "0";
            }
            cells.join(",")
        })
        .collect();
    std::fs::write(&flipped, without.join("\n") + "\n").unwrap();
    let mapping_path = folder.path().join("mapping.toml");
    std::fs::write(&mapping_path, mapping).unwrap();
    let scores = |input: &std::path::Path| -> Vec<Value> {
        let ended = run(&["--input", text(input), "--mapping", text(&mapping_path)]);
        assert!(ended.status.success(), "{}", stderr(&ended));
        String::from_utf8_lossy(&ended.stdout)
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["risk"].clone())
            .collect()
    };
    assert!(
        text_of != without.join("\n") + "\n",
        "the sample has frauds to take away"
    );
    assert_eq!(scores(&sample), scores(&flipped));
}

#[test]
fn a_labelled_row_that_comes_twice_labels_once() {
    let folder = TempDir::new().unwrap();
    let sample = repository("fixtures/samples/handbook.csv");
    let mapping = repository("fixtures/mappings/handbook.toml");
    let table = std::fs::read_to_string(&sample).unwrap();
    let doubled: String = table
        .lines()
        .enumerate()
        .map(|(n, line)| {
            if n == 0 {
                format!("{line}\n")
            } else {
                format!("{line}\n{line}\n")
            }
        })
        .collect();
    let labels = |bytes: &str| {
        let (input, summary) = (
            folder.path().join("in.csv"),
            folder.path().join("summary.json"),
        );
        std::fs::write(&input, bytes).unwrap();
        let output = folder.path().join("out.jsonl");
        let ended = run(&[
            "--input",
            text(&input),
            "--mapping",
            text(&mapping),
            "--output",
            text(&output),
            "--summary-json",
            text(&summary),
        ]);
        assert!(ended.status.success(), "{}", stderr(&ended));
        let summary: Value = serde_json::from_slice(&std::fs::read(&summary).unwrap()).unwrap();
        summary["labels"].as_u64().unwrap()
    };
    assert!(labels(&table) > 0);
    assert_eq!(labels(&doubled), labels(&table));
}
