//! `sentinel features` as a person meets it, and what becomes of added features over restarts.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{json_lines, lines_of, repository, run, sentinel, stderr, text};
use crate::serve::{Server, payment, serve};

const DEFINITIONS: &str = r#"
[[feature]]
name = "card_large_count_1h"
entity = "card"
aggregate = "count"
window = "1h"
filter = "amount >= 10"
"#;

const RULES: &str = r#"
name = "mine"
version = 1

[[rule]]
id = "tell"
version = 1
description = "Tells the added feature."
when = "card_large_count_1h >= 1"
verdict = "review"
reason = "{card_large_count_1h} large payments"
"#;

fn features(arguments: &[&str]) -> (i32, String, String) {
    let ended = sentinel().arg("features").args(arguments).output().unwrap();
    (
        ended.status.code().unwrap(),
        String::from_utf8_lossy(&ended.stdout).into_owned(),
        stderr(&ended),
    )
}

fn written(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    text(&path).to_owned()
}

#[test]
fn the_list_tells_type_entity_window_and_definition() {
    let (code, out, _) = features(&["list", "-o", "json"]);
    assert_eq!(code, 0);
    let all: Vec<Value> = serde_json::from_str(&out).unwrap();
    let one = all
        .iter()
        .find(|one| one["name"] == "account_count_1h")
        .unwrap();
    for (key, value) in [
        ("entity", json!("account")),
        ("window", json!("1h")),
        ("type", json!("integer")),
        ("source", json!("window")),
        ("user_defined", json!(false)),
    ] {
        assert_eq!(one[key], value, "{key} of {one}");
    }
    assert!(one["definition"].is_string(), "{one}");
    let (_, out, _) = features(&["list", "--family", "geography"]);
    assert!(out.lines().count() > 1 && out.lines().all(|line| line.contains("geography")));
    let (code, _, told) = features(&["list", "--family", "weather"]);
    assert_eq!(code, 2);
    assert!(told.contains("velocity, device"), "{told}");
    let (_, out, _) = features(&["show", "account_count_1h"]);
    assert!(out.contains("window      1h"), "{out}");
    assert_eq!(features(&["show", "nothing"]).0, 2);
}

#[test]
fn a_check_says_what_definitions_mean_and_names_every_fault_by_its_line() {
    let folder = TempDir::new().unwrap();
    let file = written(folder.path(), "mine.toml", DEFINITIONS);
    let (code, out, told) = features(&["check", &file]);
    assert_eq!(code, 0, "{told}");
    for word in [
        "1 feature, no faults",
        "card_large_count_1h",
        "means",
        "in words",
    ] {
        assert!(out.contains(word), "{word}: {out}");
    }
    let twin = DEFINITIONS
        .replace("card", "account")
        .replace("filter = \"amount >= 10\"\n", "");
    let twin = written(folder.path(), "twin.toml", &twin);
    let (_, out, _) = features(&["check", &twin, "-o", "json"]);
    let checked: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(checked[0]["equals"], "account_count_1h", "{checked}");

    let wrong = DEFINITIONS
        .replace("\"1h\"", "\"3 weeks\"")
        .replace("= \"card\"", "= \"planet\"");
    let file = written(folder.path(), "wrong.toml", &wrong);
    let (code, _, told) = features(&["check", &file]);
    assert_eq!(code, 2);
    for word in [
        "2 faults",
        "wrong.toml:4: card_large_count_1h: entity: ",
        "wrong.toml:6: card_large_count_1h: window: ",
        "planet",
        "3 weeks",
    ] {
        assert!(told.contains(word), "{word}: {told}");
    }
    assert_eq!(features(&["check", "nowhere.toml"]).0, 2);
}

#[test]
fn the_definitions_of_the_book_have_no_fault() {
    let folder = TempDir::new().unwrap();
    let mut checked = 0;
    for page in ["guides/define-a-feature.md", "reference/features.md"] {
        let book = repository("docs/book/src").join(page);
        let book = std::fs::read_to_string(book).unwrap();
        let blocks = book.split("```toml\n").skip(1);
        for block in blocks.filter_map(|rest| rest.split("```").next()) {
            if block.contains("[[feature]]") {
                let file = written(folder.path(), "mine.toml", block);
                let (code, out, told) = features(&["check", &file]);
                assert_eq!(code, 0, "{page}: {told}");
                assert!(
                    !out.contains("equals"),
                    "{page}: a twin of one that ships: {out}"
                );
                checked += 1;
            }
        }
    }
    assert!(checked >= 2, "{checked} blocks of TOML");
}

fn names(server: &Server) -> Vec<String> {
    let (status, catalogue) = server.ask("GET", "/api/v1/features", "");
    assert_eq!(status, 200);
    let items = catalogue["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn features_added_to_a_running_server_outlive_a_kill_and_serve_rules_of_the_next_start() {
    let folder = TempDir::new().unwrap();
    let (data, files) = (folder.path().join("data"), folder.path());
    let file = written(files, "mine.toml", DEFINITIONS);
    let rules = written(files, "rules.toml", RULES);
    let mut server = serve(&data);
    assert_eq!(server.decide(&payment("one", 2_000)).0, 200);
    // The directory is the server's: the other door is named.
    let (code, _, told) = features(&["add", &file, "--data-dir", text(&data)]);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("--server"), "{told}");
    let url = format!("http://{}", server.address);
    let (code, out, told) = features(&["add", &file, "--server", &url, "--dry-run"]);
    assert_eq!(code, 0, "{told}");
    assert!(out.contains("would add card_large_count_1h"), "{out}");
    assert!(!names(&server).contains(&"card_large_count_1h".to_owned()));
    let (code, out, told) = features(&["add", &file, "--server", &url]);
    assert_eq!(code, 0, "{told}");
    assert!(
        out.contains("live from offset 6 on") && out.contains("1 transactions"),
        "{out}"
    );
    let (_, made) = server.decide(&payment("two", 100));
    server.child.kill().unwrap();
    server.child.wait().unwrap();

    let mut server = Server::start(&["serve", "--data-dir", text(&data), "--rules", &rules]);
    assert_eq!(names(&server).last().unwrap(), "card_large_count_1h");
    let (status, decided) = server.decide(&payment("three", 3_000));
    assert_eq!(status, 200, "{decided}");
    assert_eq!(
        decided["versions"]["feature_set"],
        made["versions"]["feature_set"]
    );
    assert_eq!(
        decided["reasons"][0]["text"], "2 large payments",
        "the first of them came before the feature: {decided}"
    );
    server.signal("TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));

    // The default rules again: the features stay, and a replay finds the same bytes.
    let id = decided["decision_id"].as_str().unwrap();
    let replayed = sentinel()
        .args(["replay", id, "--data-dir", text(&data)])
        .output()
        .unwrap();
    assert!(replayed.status.success(), "{}", stderr(&replayed));
    let server = serve(&data);
    assert!(names(&server).contains(&"card_large_count_1h".to_owned()));
}

#[test]
fn features_are_added_to_a_stopped_server_and_by_a_file_at_a_start() {
    let folder = TempDir::new().unwrap();
    let (data, files) = (folder.path().join("data"), folder.path());
    let file = written(files, "mine.toml", DEFINITIONS);
    let (code, _, told) = features(&["add", &file, "--data-dir", text(&data)]);
    assert_eq!(code, 2);
    assert!(told.contains("holds no log"), "{told}");
    let mut server = serve(&data);
    for id in ["one", "two", "three"] {
        assert_eq!(server.decide(&payment(id, 2_000)).0, 200);
    }
    server.signal("TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    let dry = ["add", &file, "--data-dir", text(&data), "--dry-run"];
    let (code, out, told) = features(&dry);
    assert_eq!(code, 0, "{told}");
    assert!(out.contains("nothing was changed"), "{out}");
    let (code, out, told) = features(&["add", &file, "--data-dir", text(&data)]);
    assert_eq!(code, 0, "{told}");
    assert!(
        out.contains("live from offset 8 on") && out.contains("3 transactions"),
        "{out}"
    );
    let again = ["add", &file, "--data-dir", text(&data), "-o", "json"];
    let (_, out, _) = features(&again);
    let again: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&again["added"], &again["version"]),
        (&json!([]), &json!(2))
    );

    let more = DEFINITIONS.replace("card_large", "card_larger");
    let more = written(files, "more.toml", &more);
    let start = ["serve", "--data-dir", text(&data), "--features", &more];
    let server = Server::start(&start);
    let names = names(&server);
    assert_eq!(
        names[names.len() - 2..],
        ["card_large_count_1h", "card_larger_count_1h"]
    );
    drop(server);
    // A name keeps its meaning.
    let other = written(files, "other.toml", &DEFINITIONS.replace(">= 10", ">= 5"));
    let refused = sentinel()
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(["--data-dir", text(&data), "--features", &other])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("card_large_count_1h"));
}

#[test]
fn a_run_decides_with_features_of_a_file() {
    let folder = TempDir::new().unwrap();
    let files = folder.path();
    let features = written(files, "mine.toml", DEFINITIONS);
    let rules = written(files, "rules.toml", RULES);
    let input = files.join("in.jsonl");
    std::fs::write(&input, json_lines(12, 300)).unwrap();
    let output = files.join("out.jsonl");
    let arguments = [
        "--input",
        text(&input),
        "--output",
        text(&output),
        "--rules",
        &rules,
    ];
    let ended = run(&arguments);
    assert_eq!(
        ended.status.code(),
        Some(2),
        "the rules name what is not there"
    );
    let ended = run(&[&arguments[..], &["--features", &features]].concat());
    assert!(ended.status.success(), "{}", stderr(&ended));
    let told = lines_of(&output);
    assert!(told.iter().any(|one| {
        one["reasons"][0]["text"]
            .as_str()
            .is_some_and(|text| text.ends_with("large payments"))
    }));
    let ended = run(&[&arguments[..], &["--features", "nowhere.toml"]].concat());
    assert_eq!(ended.status.code(), Some(2));
}
