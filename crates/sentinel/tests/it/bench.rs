//! The measuring commands: the promised keys, and the same figures where they are no matter of time.

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{sentinel, stderr, text};

fn bench(arguments: &[&str]) -> Value {
    let ended = sentinel().arg("bench").args(arguments).output().unwrap();
    assert!(ended.status.success(), "{}", stderr(&ended));
    serde_json::from_slice(&ended.stdout).unwrap()
}

fn number(report: &Value, key: &str) -> f64 {
    let value = report.pointer(key).and_then(Value::as_f64);
    value.unwrap_or_else(|| panic!("{key} in {report}"))
}

#[test]
fn a_seed_gives_the_same_kernel_workload() {
    let small = [
        "--transactions",
        "6000",
        "--cards",
        "300",
        "--rounds",
        "2",
        "-o",
        "json",
    ];
    let run = |seed| bench(&[&["kernel", "--seed", seed], &small[..]].concat());
    let (one, again, other) = (run("3"), run("3"), run("4"));
    assert!(number(&one, "/events_per_cpu_second") > 0.0);
    for (workload, zipf) in [("0", "zipf_0.8"), ("1", "zipf_0.99")] {
        let key = |name: &str| format!("/workloads/{workload}/{name}");
        assert_eq!(one.pointer(&key("name")).unwrap(), zipf);
        let checksum = |report| number(report, &key("checksum"));
        assert!(checksum(&one) == checksum(&again), "{one}");
        assert!(checksum(&one) != checksum(&other), "{one}");
        // Every row is in its own windows.
        assert!(number(&one, &key("sums/card_count_1m")) >= 6_000.0, "{one}");
    }
}

#[test]
fn a_population_is_measured_with_all_that_was_asked_for() {
    let folder = TempDir::new().unwrap();
    let earlier = folder.path().join("earlier.json");
    let arguments = [
        "features",
        "--entities",
        "3000",
        "--events",
        "2000",
        "-o",
        "json",
    ];
    let report = bench(&[&arguments[..], &["--all-kinds", "--hot"]].concat());
    let keys = "/cpu_ns_per_event /entities /bytes_per_entity/p50 /bytes_per_entity/mean \
                /bytes_per_entity/p99 /features /all_kinds/cpu_ns_per_event \
                /cpu_ns_per_further_entity /hot_key_loss /machine/cores /seed";
    for key in keys.split_whitespace() {
        number(&report, key);
    }
    assert!(number(&report, "/entities") >= 3_000.0, "{report}");
    assert_eq!(number(&report, "/events_timed"), 2_000.0);

    std::fs::write(&earlier, report.to_string()).unwrap();
    let again = bench(&[&arguments[..], &["--compare", text(&earlier)]].concat());
    let ratio = again["ratios"]["entities"].as_f64().unwrap();
    assert!((ratio - 1.0).abs() < 1e-12, "{again}");
}
