//! `sentinel generate` into a log and into a running server: payments, and labels when they are known.

use std::time::SystemTime;

use sentinel_domain::Instant;
use serde_json::Value;

use super::{ends, generate, generated};
use crate::process::{Folder, lines_of, sentinel, stderr, text};
use crate::serve::serve;

#[test]
fn a_log_is_what_a_server_opens_and_decides_on() {
    let folder = Folder::new();
    let data = folder.path("data");
    let output = format!("log:{}", text(&data));
    let arguments = ["--count", "3000", "--seed", "4", "--repeat-share", "0"];
    let ended = generate(&[&arguments[..], &["--output", &output]].concat());
    assert!(ended.status.success(), "{}", stderr(&ended));
    assert!(
        stderr(&ended).contains("ends at entry"),
        "{}",
        stderr(&ended)
    );
    let server = serve(&data);
    let (_, statistics) = server.ask("GET", "/api/v1/statistics", "");
    assert_eq!(statistics["transactions"], 3_000, "{statistics}");
    let (status, decided) = server.ask("GET", "/api/v1/decisions/syn-7", "");
    assert_eq!(
        (status, &decided["event_id"]),
        (200, &Value::from("syn-7")),
        "{decided}"
    );
    // While the server has it, nobody else does.
    ends(&["--count", "1", "--data-dir", text(&data)], 2, &["in use"]);
    drop(server);
    // A second stream goes behind the first one.
    generated(&[
        "--count",
        "10",
        "--data-dir",
        text(&data),
        "--start-time",
        "2026-02-01T00:00:00Z",
    ]);
}

#[test]
fn a_log_takes_no_payment_from_the_future() {
    let folder = Folder::new();
    let data = folder.path("data");
    let arguments = ["--count", "10", "--start-time", "2100-01-01T00:00:00Z"];
    let all = [&arguments[..], &["--data-dir", text(&data)]].concat();
    ends(&all, 2, &["2100", "--start-time"]);
}

#[test]
fn a_server_decides_on_every_payment_it_is_sent() {
    let folder = Folder::new();
    let server = serve(&folder.path("data"));
    let url = format!("http://{}", server.address);
    let arguments = [
        "--count",
        "400",
        "--repeat-share",
        "0.05",
        "--rate",
        "20000",
    ];
    let ended = generate(&[&arguments[..], &["--output", &url, "--connections", "4"]].concat());
    assert!(ended.status.success(), "{}", stderr(&ended));
    assert!(stderr(&ended).contains("400 decided"), "{}", stderr(&ended));
    let (_, statistics) = server.ask("GET", "/api/v1/statistics", "");
    let decided = statistics["transactions"].as_u64().unwrap();
    assert!(
        (350..400).contains(&decided),
        "repeats are decided once: {statistics}"
    );
    // The same names with other bodies are refused, and that is told.
    let other = ["--count", "20", "--seed", "2", "--output", &url];
    ends(&other, 1, &["refused", "409"]);
    let renamed = generate(&[&other[..], &["--id-prefix", "b-"]].concat());
    assert!(
        stderr(&renamed).contains("20 decided"),
        "{}",
        stderr(&renamed)
    );
}

/// What a line of `log dump` names, where it is a payment or a label.
fn entry_name(line: &Value) -> Option<String> {
    let name = line["transaction"]["event_id"].as_str();
    let name = name.or(line["label"]["label_id"].as_str());
    name.map(str::to_owned)
}

#[test]
fn a_server_and_a_log_learn_the_labels_when_they_are_known() {
    let folder = Folder::new();
    let labels = folder.path("labels.jsonl");
    let server = serve(&folder.path("data"));
    let url = format!("http://{}", server.address);
    let base = [
        "--count",
        "1500",
        "--duration",
        "10d",
        "--fraud-rate",
        "0.1",
    ];
    let files = [
        "--labels",
        text(&labels),
        "--output",
        &url,
        "--connections",
        "1",
    ];
    let ended = generate(&[&base[..], &files[..]].concat());
    assert!(ended.status.success(), "{}", stderr(&ended));
    let known: Vec<Value> = lines_of(&labels);
    assert!(known.len() > 80, "{}", known.len());
    let told = format!(
        "1500 decided, 0 accepted and pending, {} labels taken, 0 refused",
        known.len()
    );
    assert!(stderr(&ended).contains(&told), "{}", stderr(&ended));
    let (_, statistics) = server.ask("GET", "/api/v1/statistics", "");
    assert_eq!(statistics["labels"], known.len(), "{statistics}");
    drop(server);
    // In the log each stands before the first payment that is not older, as in a log written directly.
    let order = |data: &str| -> Vec<String> {
        let ended = sentinel().args(["log", "dump", data]).output().unwrap();
        assert!(ended.status.success(), "{}", stderr(&ended));
        String::from_utf8(ended.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter_map(|line| entry_name(&line))
            .collect()
    };
    let direct = folder.path("direct");
    generated(&[&base[..], &["--data-dir", text(&direct)]].concat());
    let (sent, written) = (order(text(&folder.path("data"))), order(text(&direct)));
    assert_eq!(sent.len(), 1_500 + known.len());
    assert!(sent == written);
}

#[test]
fn labels_that_nobody_can_know_yet_stay_here() {
    let folder = Folder::new();
    let server = serve(&folder.path("data"));
    let url = format!("http://{}", server.address);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let yesterday = i64::try_from(now.unwrap().as_secs()).unwrap() - 86_400;
    let start = Instant::from_seconds(yesterday).to_string();
    let base = ["--count", "400", "--duration", "12h", "--fraud-rate", "0.3"];
    let more = ["--start-time", &start, "--output", &url];
    let ended = generate(&[&base[..], &more[..]].concat());
    assert!(ended.status.success(), "{}", stderr(&ended));
    assert!(
        stderr(&ended).contains("ahead of the clock"),
        "{}",
        stderr(&ended)
    );
}

#[test]
fn a_server_that_is_not_there_is_told_at_once() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    ends(
        &["--count", "1", "--output", &url],
        1,
        &[&url, "is it running?"],
    );
}
