//! `sentinel generate`: the same bytes every time, read back by `sentinel run`, into every sink.

mod logs_and_servers;

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::process::{Output, Stdio};

use sentinel_pipeline::intake::json;
use serde_json::Value;

use crate::process::{Folder, lines_of, run, sentinel, stderr, text};

fn generate(arguments: &[&str]) -> Output {
    sentinel().arg("generate").args(arguments).output().unwrap()
}

/// Its standard output, where it went well.
fn generated(arguments: &[&str]) -> Vec<u8> {
    let ended = generate(arguments);
    assert!(ended.status.success(), "{}", stderr(&ended));
    ended.stdout
}

/// Ends with this code and says this.
fn ends(arguments: &[&str], code: i32, words: &[&str]) {
    let ended = generate(arguments);
    let told = stderr(&ended);
    assert_eq!(ended.status.code(), Some(code), "{arguments:?}: {told}");
    for word in words {
        assert!(told.contains(word), "{arguments:?}: {told}");
    }
}

/// What a command writes into a file of this name.
fn made(folder: &Folder, name: &str, arguments: &[&str]) -> Vec<u8> {
    let path = folder.path(name);
    generated(&[arguments, &["--output", text(&path)]].concat());
    std::fs::read(path).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_bytes_at_any_rate_and_number_of_threads() {
    let folder = Folder::new();
    let base = ["--seed", "7", "--count", "5000"];
    fn with<'a>(base: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
        [base, more].concat()
    }
    let with = |more: &[&'static str]| with(&base, more);
    let once = generated(&with(&["--threads", "1"]));
    assert_eq!(once.iter().filter(|byte| **byte == b'\n').count(), 5_000);
    for more in [
        vec!["--threads", "1"],
        vec!["--threads", "2"],
        vec!["--threads", "5"],
        vec!["--rate", "200000"],
        vec!["--rate", "100000", "--pace", "poisson", "--threads", "1"],
        vec!["--rate", "100000", "--pace", "daily", "--day-length", "1s"],
        vec!["--rate", "50000", "--burst", "9:10ms:50ms"],
        vec!["--speed", "100000"],
    ] {
        assert!(generated(&with(&more)) == once, "{more:?}");
    }
    assert!(
        made(&folder, "a.jsonl", &with(&["--threads", "2"])) == once,
        "as a file"
    );
    assert!(generated(&["--seed", "8", "--count", "5000"]) != once);
    for name in ["a.csv", "a.parquet"] {
        let one = made(&folder, name, &with(&["--threads", "1"]));
        let two = made(
            &folder,
            name,
            &with(&["--threads", "2", "--rate", "100000"]),
        );
        assert!(one == two, "{name}");
    }
}

/// What `run` decides, without what names the input.
fn decisions(folder: &Folder, input: &str) -> Vec<Value> {
    let (input, output) = (folder.path(input), folder.path("decisions.jsonl"));
    let ended = run(&[
        "--input",
        text(&input),
        "--output",
        text(&output),
        "--reproducible",
        "--strict",
    ]);
    assert!(ended.status.success(), "{}", stderr(&ended));
    let mut decisions = lines_of(&output);
    for decision in &mut decisions {
        // Both follow from the log's name, which follows from the input's.
        let decision = decision.as_object_mut().unwrap();
        decision.remove("decision_id");
        decision.remove("log_position");
    }
    decisions
}

#[test]
fn every_format_reads_back_to_the_same_decisions_without_a_mapping() {
    let folder = Folder::new();
    for profile in ["default", "ieee-cis"] {
        let arguments = [
            "--count",
            "1500",
            "--repeat-share",
            "0.01",
            "--profile",
            profile,
        ];
        for name in ["x.jsonl", "x.csv", "x.parquet"] {
            made(&folder, name, &arguments);
        }
        let lines = decisions(&folder, "x.jsonl");
        assert!(
            (1_400..1_500).contains(&lines.len()),
            "repeats are decided once"
        );
        for name in ["x.csv", "x.parquet"] {
            assert!(lines == decisions(&folder, name), "{profile}, {name}");
        }
    }
}

#[test]
fn labels_are_read_by_the_label_intake_and_name_story_and_payment() {
    let folder = Folder::new();
    let (labels, table) = (folder.path("labels.jsonl"), folder.path("labels.csv"));
    let base = [
        "--seed",
        "3",
        "--count",
        "8000",
        "--fraud-rate",
        "0.1",
        "--repeat-share",
        "0.05",
    ];
    let with = |path: &Path| generated(&[&base, &["--labels", text(path)][..]].concat());
    let payments = with(&labels);
    assert!(payments == with(&table), "labels change no payment");
    let ids: BTreeSet<String> = payments
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| json::parse_transaction(line).unwrap().event_id.to_string())
        .collect();
    let written = std::fs::read_to_string(&labels).unwrap();
    let mut labelled = BTreeSet::new();
    for line in written.lines() {
        let read = json::parse_label(line.as_bytes()).unwrap();
        assert!(ids.contains(read.label.event_id.as_str()), "{line}");
        assert!(read.label.known_at > read.label.event_time, "{line}");
        assert!(read.story.is_some() && read.episode.is_some(), "{line}");
        assert!(
            labelled.insert(read.label.event_id.to_string()),
            "labelled once: {line}"
        );
    }
    assert!(
        (300..1_100).contains(&labelled.len()),
        "{} labels",
        labelled.len()
    );
    assert!(!String::from_utf8(payments).unwrap().contains("story"));
    let rows = std::fs::read_to_string(&table).unwrap();
    assert!(
        rows.starts_with("label_id,event_id,kind,source,known_at,"),
        "{rows:.80}"
    );
    assert_eq!(rows.lines().count(), labelled.len() + 1);
}

#[test]
fn a_run_takes_the_labels_in_when_they_are_known() {
    let folder = Folder::new();
    let (payments, labels) = (folder.path("x.jsonl"), folder.path("labels.jsonl"));
    let (out, summary) = (folder.path("out.jsonl"), folder.path("summary.json"));
    let arguments = [
        "--count",
        "6000",
        "--duration",
        "20d",
        "--fraud-rate",
        "0.1",
    ];
    let files = ["--output", text(&payments), "--labels", text(&labels)];
    generated(&[&arguments[..], &files[..]].concat());
    let rules = folder.path("rules.toml");
    let rule = "name = \"known\"\nversion = 1\n[[rule]]\nid = \"known_fraud\"\nversion = 1\n\
        description = \"A fraud of the merchant is known.\"\nwhen = \"merchant_fraud_count_ever >= 1\"\n\
        verdict = \"review\"\nreason = \"a fraud of this merchant is known\"\n";
    std::fs::write(&rules, rule).unwrap();
    let decide = |more: &[&str]| {
        let base = [
            "--input",
            text(&payments),
            "--output",
            text(&out),
            "--rules",
            text(&rules),
        ];
        let ended = run(&[&base[..], &["--summary-json", text(&summary)], more].concat());
        assert!(ended.status.success(), "{}", stderr(&ended));
        let summary = std::fs::read(&summary).unwrap();
        let summary: Value = serde_json::from_slice(&summary).unwrap();
        let hits: BTreeSet<String> = lines_of(&out)
            .iter()
            .filter(|line| {
                line["rules"]
                    .as_array()
                    .is_some_and(|rules| !rules.is_empty())
            })
            .map(|line| line["event_id"].as_str().unwrap().to_owned())
            .collect();
        (summary["labels"].as_u64().unwrap(), hits)
    };
    assert_eq!(decide(&[]), (0, BTreeSet::new()));
    let (count, hits) = decide(&["--labels", text(&labels)]);
    let known: Vec<i64> = lines_of(&labels)
        .iter()
        .map(|line| line["known_at"].as_i64().unwrap())
        .collect();
    assert_eq!(count, known.len() as u64);
    let first_known = known.iter().min().unwrap();
    let before: BTreeSet<String> = lines_of(&payments)
        .iter()
        .filter(|line| line["event_time"].as_i64().unwrap() < *first_known)
        .map(|line| line["event_id"].as_str().unwrap().to_owned())
        .collect();
    assert!(before.len() > 100 && hits.len() > 100);
    assert!(
        hits.is_disjoint(&before),
        "nothing is known before it was learnt"
    );
    std::fs::write(&labels, "\n{\"label_id\": 5}\n").unwrap();
    let ended = run(&["--input", text(&payments), "--labels", text(&labels)]);
    assert_eq!(ended.status.code(), Some(2));
    assert!(
        stderr(&ended).contains("labels.jsonl:2"),
        "{}",
        stderr(&ended)
    );
}

#[test]
fn count_duration_and_start_time_bound_the_stream() {
    let times = |arguments: &[&str]| -> Vec<i64> {
        let bytes = generated(arguments);
        let lines = bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        lines
            .map(|line| json::parse_transaction(line).unwrap().event_time.micros())
            .collect()
    };
    let start = [
        "--start-time",
        "2026-03-01T00:00:00Z",
        "--late-share",
        "0",
        "--repeat-share",
        "0",
    ];
    let first = 1_772_323_200_000_000;
    // Five thousand people pay twice a day.
    let day = times(&[&start[..], &["--duration", "24h"]].concat());
    assert!((9_000..11_000).contains(&day.len()), "{}", day.len());
    assert!(
        day.iter()
            .all(|at| (first..first + 86_400_000_000).contains(at))
    );
    let spread = times(&[&start[..], &["--duration", "2d", "--count", "3000"]].concat());
    assert_eq!(spread.len(), 3_000);
    let reach = (spread[2_999] - first) as f64 / 172_800e6;
    assert!((0.8..1.2).contains(&reach), "{reach}");
    assert!(spread.is_sorted());
}

#[test]
fn the_naive_profile_has_its_one_story() {
    let folder = Folder::new();
    let labels = folder.path("labels.jsonl");
    let arguments = [
        "--profile",
        "every-50th",
        "--count",
        "1000",
        "--repeat-share",
        "0",
    ];
    generated(&[&arguments[..], &["--labels", text(&labels)]].concat());
    assert_eq!(lines_of(&labels).len(), 20);
    // A built-in profile that was written to a file is the same profile.
    let file = crate::process::repository("fixtures/profiles/every-50th.json");
    let by_file = [
        "--profile",
        text(&file),
        "--count",
        "1000",
        "--repeat-share",
        "0",
    ];
    assert!(generated(&arguments) == generated(&by_file));
}

/// Arguments, and what is said of them; `DIR` stands for the test's folder.
const WRONG: &[(&str, &[&str])] = &[
    ("--count 1 --rate 0", &["--rate", "above 0"]),
    ("--count 1 --rate fast", &["--rate"]),
    ("--count 1 --pace poisson", &["--rate"]),
    ("--count 1 --rate 5 --speed 5", &["--speed"]),
    ("--count 1 --speed 0", &["--speed", "above 0"]),
    ("--count 1 --rate 5 --burst 5:1m:10s", &["--burst"]),
    ("--duration 10", &["--duration", "90s"]),
    ("--count 1 --customers 5", &["--customers", "500"]),
    ("--count 1 --fraud-rate 0.7", &["--fraud-rate", "0.5"]),
    ("--count 1 --late-share 2", &["--late-share"]),
    ("--count 1 --threads 0", &["--threads"]),
    ("--count 1 --start-time soon", &["2026-01-05"]),
    ("--count 1 --profile nobody", &["--profile", "every-50th"]),
    ("--count 1 --profile DIR/p.json", &["p.json", "nme"]),
    (
        "--count 1 --profile DIR/d.json",
        &["d.json", "drift[0].stories.rumour", "card_testing"],
    ),
    ("--count 1 --output x.xlsx", &["x.xlsx", ".parquet"]),
    ("--count 1 --output log:", &["log:DIR"]),
    ("--count 1 --output https://127.0.0.1:1", &["http://"]),
    ("--count 1 --output http://127.0.0.1", &["port"]),
    ("--count 1 --output DIR/nowhere/x.csv", &["nowhere"]),
    ("--output DIR/x.jsonl", &["--count", "--duration"]),
    ("--count 1 --labels x.txt", &["--labels", ".jsonl"]),
    (
        "--count 1 --output DIR/x.jsonl --labels DIR/x.jsonl",
        &["--labels", "one file"],
    ),
    ("--count 1 --data-dir d --output -", &["--data-dir"]),
    ("--count 9000000 --duration 1s", &["payments a second"]),
];

#[test]
fn wrong_usage_is_told_with_the_flag_and_ends_with_two() {
    let folder = Folder::new();
    std::fs::write(folder.path("p.json"), "{\"format\": 1, \"nme\": \"x\"}").unwrap();
    let mut drifting = sentinel_synth::Profile::shipped("default").unwrap();
    drifting.drift[0].stories.insert("rumour".to_owned(), 2.0);
    std::fs::write(folder.path("d.json"), drifting.to_json()).unwrap();
    for (arguments, words) in WRONG {
        let arguments = arguments.replace("DIR", text(folder.root()));
        let arguments: Vec<&str> = arguments.split(' ').collect();
        ends(&arguments, 2, words);
    }
    assert_eq!(
        folder.names(),
        BTreeSet::from(["d.json".to_owned(), "p.json".to_owned()]),
        "nothing is left"
    );
}

#[test]
fn habits_stay_as_they_are_where_drift_is_not_wanted() {
    let of = |span, more: &[&str]| {
        let base = ["--count", "30000", "--duration", span];
        generated(&[&base, more].concat())
    };
    assert!(of("60d", &[]) != of("60d", &["--no-drift"]));
    let week = "3d";
    assert!(
        of(week, &[]) == of(week, &["--no-drift"]),
        "drift begins later"
    );
}

#[test]
fn a_full_disk_is_told_and_leaves_no_file() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let ended = sentinel()
        .args(["generate", "--count", "5000"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        stderr(&ended).contains("No space left"),
        "{}",
        stderr(&ended)
    );
    let folder = Folder::new();
    for name in ["x.jsonl", "x.csv", "x.parquet"] {
        std::os::unix::fs::symlink("/dev/full", folder.path(name)).unwrap();
        let path = folder.path(name);
        ends(
            &["--count", "5000", "--output", text(&path)],
            1,
            &[name, "No space left"],
        );
    }
    // A disk that is full for the labels only leaves neither file.
    let (out, labels) = (folder.path("out.jsonl"), folder.path("x.jsonl"));
    let arguments = [
        "--count",
        "50000",
        "--output",
        text(&out),
        "--labels",
        text(&labels),
    ];
    ends(&arguments, 1, &["No space left"]);
    assert!(!out.exists() && !folder.names().contains("out.jsonl.part"));
}

#[test]
fn a_reader_that_has_enough_ends_it_quietly() {
    let mut child = sentinel()
        .arg("generate")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut start = [0_u8; 1_000];
    child.stdout.take().unwrap().read_exact(&mut start).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(
        (ended.status.code(), stderr(&ended)),
        (Some(0), String::new())
    );
}

#[test]
fn an_interrupt_leaves_no_part_of_a_file_and_ends_a_pipe_cleanly() {
    let folder = Folder::new();
    let out = folder.path("x.jsonl");
    for (output, signal, code) in [
        (text(&out), "INT", 130),
        (text(&out), "TERM", 143),
        ("-", "INT", 130),
    ] {
        let mut child = sentinel()
            .args([
                "generate",
                "--duration",
                "99d",
                "--rate",
                "200",
                "--output",
                output,
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        if output == "-" {
            let mut start = [0_u8; 100];
            let pipe = child.stdout.as_mut().unwrap();
            pipe.read_exact(&mut start).unwrap();
        } else {
            while !folder.names().contains("x.jsonl.part") {
                std::thread::yield_now();
            }
        }
        let pid = child.id().to_string();
        let killed = std::process::Command::new("kill")
            .args(["-s", signal, &pid])
            .status();
        assert!(killed.unwrap().success());
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(code), "{}", stderr(&ended));
        assert!(stderr(&ended).contains("interrupted"), "{}", stderr(&ended));
        assert!(
            ended.stdout.is_empty() || ended.stdout.ends_with(b"\n"),
            "whole lines"
        );
        assert_eq!(folder.names(), BTreeSet::new());
    }
}
