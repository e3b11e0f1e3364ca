//! The measuring commands: the promised keys, and the same figures where they are no matter of time.

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{sentinel, stderr, text};
use crate::serve::serve;

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
    // A population that is smaller than what is timed is filled anew, and ends with a whole round.
    let timed = number(&report, "/events_timed");
    assert!((2_000.0..5_000.0).contains(&timed), "{report}");

    std::fs::write(&earlier, report.to_string()).unwrap();
    let again = bench(&[&arguments[..], &["--compare", text(&earlier)]].concat());
    let ratio = again["ratios"]["entities"].as_f64().unwrap();
    assert!((ratio - 1.0).abs() < 1e-12, "{again}");
}

/// The keys that every bench of decisions has.
fn assert_promised(report: &Value) {
    for key in [
        "/decisions_per_second",
        "/cpu_ns_per_decision",
        "/resident_bytes",
    ] {
        assert!(number(report, key) > 0.0, "{key} in {report}");
    }
    let quantile = |name: &str| number(report, &format!("/latency_us/{name}"));
    let quantiles = ["p50", "p99", "p999", "p9999", "max"].map(quantile);
    assert!(quantiles[0] > 0.0 && quantiles.is_sorted(), "{report}");
    assert!(
        report["method"].is_string() && report["seed"].is_u64(),
        "{report}"
    );
    assert!(number(report, "/machine/cores") >= 1.0, "{report}");
}

#[test]
fn a_seed_gives_the_same_scores() {
    let run = |seed| {
        let small = "--warm-up 2000 --rows 500 --rounds 2 -o json --seed";
        let words: Vec<&str> = small.split(' ').chain([seed]).collect();
        bench(&[&["score"], &words[..]].concat())
    };
    let (one, again, other) = (run("3"), run("3"), run("4"));
    assert_promised(&one);
    let checksum = |report| number(report, "/checksum");
    assert!(checksum(&one) == checksum(&again), "{one}");
    assert!(checksum(&one) != checksum(&other), "{one}");
    assert!(number(&one, "/batches/cpu_ns_best") > 0.0, "{one}");
    assert!(number(&one, "/row_by_row/cpu_ns_best") > 0.0, "{one}");
    assert!(
        number(&one, "/explained/rows") > 0.0,
        "fraud is among the rows: {one}"
    );
}

#[test]
fn the_engine_answers_every_transaction_of_both_phases() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let arguments = "engine --warm-up 1500 --decisions 1000 --rate 2000 --concurrency 16 -o json";
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let report = bench(&arguments);
    assert_promised(&report);
    for phase in ["saturation", "open_loop"] {
        let key = |name: &str| format!("/{phase}/{name}");
        assert_eq!(
            number(&report, &key("answers/decided")),
            1_000.0,
            "{report}"
        );
        for other in ["replayed", "conflicts", "pending", "refused"] {
            assert_eq!(
                number(&report, &key(&format!("answers/{other}"))),
                0.0,
                "{report}"
            );
        }
    }
    // The last is due half a second after the first: nobody can be faster than the rate.
    assert!(number(&report, "/open_loop/seconds") >= 0.499, "{report}");
    assert!(
        number(&report, "/open_loop/rate_reached") <= 2_002.5,
        "{report}"
    );
    let explained = number(&report, "/share_explained");
    assert!(explained > 0.0 && explained < 1.0, "{report}");
    assert_eq!(report["log"], "memory");

    let synced = bench(&[&arguments[..], &["--data-dir", text(&data)]].concat());
    assert_eq!(synced["log"], "embedded, synced");
    assert_eq!(
        number(&synced, "/saturation/answers/decided"),
        1_000.0,
        "{synced}"
    );
    assert!(
        number(&synced, "/share_explained") == explained,
        "where the log lies changes no decision: {synced}"
    );
    let alerts = std::fs::read_to_string(data.join("alerts.jsonl")).unwrap();
    assert!(
        alerts.lines().count() > 0,
        "alerts are part of what is measured"
    );
    let again = refused(&["engine", "--data-dir", text(&data)]);
    assert!(again.contains("holds a log already"), "{again}");
}

#[test]
fn a_server_is_asked_as_often_as_was_said_and_every_answer_is_counted() {
    let folder = TempDir::new().unwrap();
    let server = serve(&folder.path().join("data"));
    let url = format!("http://{}", server.address);
    let pid = server.child.id().to_string();
    let earlier = folder.path().join("earlier.json");
    let asked = [
        "http",
        &url,
        "--requests",
        "300",
        "--concurrency",
        "8",
        "--warm-up",
        "20",
    ];
    let closed = bench(&[&asked[..], &["-o", "json"]].concat());
    assert_promised(&closed);
    assert_eq!(number(&closed, "/status/200"), 300.0, "{closed}");
    assert_eq!(number(&closed, "/errors"), 0.0, "{closed}");
    assert_eq!(closed["cpu_and_memory_of"], "client");

    std::fs::write(&earlier, closed.to_string()).unwrap();
    let paced = ["--rate", "600", "--server-pid", &pid, "-o", "json"];
    let compared = ["--compare", text(&earlier)];
    let open = bench(&[&asked[..], &paced, &compared].concat());
    assert_promised(&open);
    assert_eq!(number(&open, "/answered"), 300.0, "{open}");
    assert!(
        number(&open, "/seconds") >= 0.498,
        "requests wait until they are due: {open}"
    );
    assert_eq!(open["cpu_and_memory_of"], "server");
    let ratio = number(&open, "/ratios/decisions_per_second");
    let expected =
        number(&open, "/decisions_per_second") / number(&closed, "/decisions_per_second");
    assert!((ratio / expected - 1.0).abs() < 1e-9, "{open}");
    // The same seed again: other names, so nothing was answered from memory.
    let (_, statistics) = server.ask("GET", "/api/v1/statistics", "");
    assert_eq!(number(&statistics, "/transactions"), 640.0, "{statistics}");
    assert_eq!(number(&statistics, "/repeated"), 0.0, "{statistics}");

    let elsewhere = format!("{url}/api/v1/nowhere");
    let words = "--requests 10 --warm-up 0 --concurrency 2 -o json";
    let words: Vec<&str> = words.split(' ').collect();
    let mut ask = sentinel();
    ask.args(["bench", "http", &elsewhere]).args(&words);
    let ended = ask.output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "no decision is no success");
    assert!(
        stderr(&ended).contains("0 of 10 requests"),
        "{}",
        stderr(&ended)
    );
    let lost: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(number(&lost, "/status/404"), 10.0, "{lost}");
    assert_eq!(number(&lost, "/decisions_per_second"), 0.0, "{lost}");
}

#[test]
fn a_table_names_the_figures_and_the_ratios_to_an_earlier_run() {
    let folder = TempDir::new().unwrap();
    let earlier = folder.path().join("earlier.json");
    let small = "score --warm-up 100 --rows 100 --rounds 1";
    let small: Vec<&str> = small.split(' ').collect();
    let report = bench(&[&small[..], &["-o", "json"]].concat());
    std::fs::write(&earlier, report.to_string()).unwrap();
    let ended = sentinel()
        .arg("bench")
        .args(&small)
        .args(["--compare", text(&earlier)])
        .output()
        .unwrap();
    assert!(ended.status.success(), "{}", stderr(&ended));
    let table = String::from_utf8(ended.stdout).unwrap();
    for line in ["decisions_per_second ", "latency_us.p9999 ", "against "] {
        assert!(table.contains(line), "{line} in {table}");
    }
    let ratio = table
        .lines()
        .find(|line| line.starts_with("checksum ") && line.contains("->"));
    assert!(ratio.unwrap().ends_with("x1.000"), "{table}");
}

/// What a bench that is refused as wrong usage says.
fn refused(arguments: &[&str]) -> String {
    let ended = sentinel().arg("bench").args(arguments).output().unwrap();
    assert_eq!(ended.status.code(), Some(2), "{}", stderr(&ended));
    assert!(ended.stdout.is_empty());
    stderr(&ended)
}

#[test]
fn bad_input_is_refused_with_what_is_wrong() {
    for (arguments, what) in [
        ("engine --rate 0", "--rate 0"),
        ("engine --rate=-5", "--rate -5"),
        ("engine --rate nan", "--rate NaN"),
        ("engine --decisions 0", "--decisions"),
        ("engine --concurrency 0", "--concurrency"),
        ("engine --event-rate 0", "--event-rate"),
        ("engine --model nowhere.model", "nowhere.model"),
        ("score --rows 0", "--rows"),
        ("score --rounds 0", "--rounds"),
        ("score --event-rate inf", "--event-rate"),
        (
            "score --compare nowhere.json --rows 1 --warm-up 0",
            "nowhere.json",
        ),
        ("http http://127.0.0.1:1 --requests 0", "--requests"),
        ("http http://127.0.0.1:1 --concurrency 0", "--concurrency"),
        ("http http://127.0.0.1:1 --rate 0", "--rate 0"),
        ("http 127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http https://127.0.0.1:8000", "encryption"),
        (
            "http http://127.0.0.1:1 --server-pid 4294967295",
            "--server-pid",
        ),
        ("http", "URL"),
        ("recovery --tail-seconds 0", "--tail-seconds"),
        ("recovery --starts 1", "--data-dir"),
        ("recovery --data-dir nowhere --starts 0", "--starts"),
        (
            "recovery --data-dir nowhere --starts 1",
            "fill it without --starts",
        ),
    ] {
        let words: Vec<&str> = arguments.split(' ').collect();
        let told = refused(&words);
        assert!(told.contains(what), "{arguments}: {told}");
    }
}

#[test]
fn a_server_that_nobody_reaches_fails_the_run() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let ended = sentinel().args(["bench", "http", &url]).output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let told = stderr(&ended);
    assert!(told.contains(&format!("reach {url}")), "{told}");
    assert!(ended.stdout.is_empty());
}

#[test]
fn a_recovery_goes_on_from_its_snapshot_and_compares_the_tail() {
    let folder = TempDir::new().unwrap();
    let data = ["--entities", "2000", "--data-dir", text(folder.path())];
    let more = "--tail-seconds 1 --latency-seconds 1 --rate 100 -o json";
    let more: Vec<&str> = more.split(' ').collect();
    let report = bench(&[&["recovery"], &data[..], &more].concat());
    // Behind the five activations and every payment that filled the state.
    let filled = number(&report, "/fill/entries");
    assert!((filled - 666.0 * 4.5).abs() < 1.0, "{report}");
    assert!(
        number(&report, "/snapshot/offset") == filled + 5.0,
        "{report}"
    );
    assert!(number(&report, "/tail/entries") > 0.0, "{report}");
    assert!(number(&report, "/snapshot/entities") > 2_000.0, "{report}");
    for key in [
        "/seconds_to_first_decision",
        "/snapshot/bytes",
        "/latency_us/alone/p999",
    ] {
        assert!(number(&report, key) > 0.0, "{key} of {report}");
    }
    for key in ["replayed", "conflicts", "pending", "refused"] {
        assert!(
            number(&report, &format!("/latency_us/answers/{key}")) == 0.0,
            "{report}"
        );
    }
    // What it has filled is there to be started on again, and not to be filled twice.
    let told = refused(&[&["recovery"], &data[..], &more].concat());
    assert!(told.contains("holds a log already"), "{told}");
    let more = ["--starts", "2", "-o", "json"];
    let again = bench(&[&["recovery"], &data[..], &more].concat());
    assert_eq!(again["starts"].as_array().unwrap().len(), 2, "{again}");
    for place in ["/starts/0/entries", "/starts/1/seconds_to_first_decision"] {
        assert!(number(&again, place) > 0.0, "{place} of {again}");
    }
}
