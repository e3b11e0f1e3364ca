//! Lists and erasures through the binary: what a server decides behind them, and after a kill.

use serde_json::{Value, json};

use crate::process::{Folder, sentinel, stderr, text};
use crate::serve::{Server, payment};

const RULES: &str = r#"name = "watching"
version = 1

[[rule]]
id = "blocked"
version = 1
description = "Cards that the desk has blocked."
when = "inList('blocked_cards', card_token)"
verdict = "decline"
reason = "the card is blocked"
"#;

const DESK: &str = "name = \"desk\"\nversion = 1\n\n[[list]]\nname = \"blocked_cards\"\n\
                    entries = [{ value = \"c1\", reason = \"stolen\" }]\n";

fn told(arguments: &[&str]) -> (i32, String) {
    let ended = sentinel().args(arguments).output().unwrap();
    let out = String::from_utf8_lossy(&ended.stdout).into_owned();
    (ended.status.code().unwrap(), out + &stderr(&ended))
}

fn decided(server: &Server, id: &str) -> Value {
    let (status, body) = server.decide(&payment(id, 1_000));
    assert_eq!(status, 200, "{body}");
    body
}

/// Activates lists, well and badly; a decision that was made with them.
fn lists_are_activated(server: &Server, url: &str, folder: &Folder, desk: &str) -> Value {
    let activate = ["lists", "activate", desk, "--server", url];
    let (code, out) = told(&[&activate[..], &["--dry-run"]].concat());
    assert!(code == 0 && out.contains("would activate desk@1"), "{out}");
    assert!(
        told(&["lists", "show", "--server", url])
            .1
            .contains("no lists")
    );
    let (code, out) = told(&activate);
    assert!(
        code == 0 && out.contains("desk@1 is live from offset"),
        "{out}"
    );
    let (code, out) = told(&activate);
    assert!(code == 0 && out.contains("nothing to do"), "{out}");
    let blocked = decided(server, "e-2");
    assert_eq!(blocked["decision"], "decline", "{blocked}");
    assert_eq!(blocked["rules"][0]["rule_id"], "blocked");
    let named = blocked["versions"]["lists"].as_str().unwrap();
    assert!(named.starts_with("desk@1:"), "{named}");
    let (code, out) = told(&["lists", "show", "--server", url]);
    assert!(
        code == 0 && out.contains("blocked_cards") && out.contains("c1"),
        "{out}"
    );
    let broken = folder.file("broken.toml", DESK.replace("value", "valeu"));
    let (code, out) = told(&["lists", "activate", &broken, "--server", url]);
    assert!(code == 2 && out.contains("broken.toml"), "{out}");
    let draft = json!({ "lists": DESK.replace("value", "valeu") }).to_string();
    let (status, body) = server.ask("POST", "/api/v1/lists", &draft);
    assert_eq!(
        (status, &body["code"]),
        (422, &json!("bad_lists")),
        "{body}"
    );
    blocked
}

#[test]
fn lists_decide_and_the_erased_are_new_before_and_after_a_kill() {
    let folder = Folder::new();
    let data = folder.path("data");
    let rules = folder.file("rules.toml", RULES);
    let desk = folder.file("desk.toml", DESK);
    let arguments = ["serve", "--data-dir", text(&data), "--rules", &rules];
    let mut server = Server::start(&arguments);
    let url = format!("http://{}", server.address);
    let before = decided(&server, "e-1");
    assert_eq!(before["versions"].get("lists"), None, "{before}");
    assert_eq!(before["rules"], json!([]));

    let blocked = lists_are_activated(&server, &url, &folder, &desk);
    for number in 3..9 {
        decided(&server, &format!("e-{number}"));
    }
    let erase = [
        "erase", "account", "a1", "--server", &url, "--reason", "asked",
    ];
    let (code, out) = told(&erase);
    assert!(code == 0 && out.contains("forgotten from offset"), "{out}");
    assert_eq!(told(&["erase", "card", "c1", "--server", &url]).0, 0);
    let (code, out) = told(&["erase", "planet", "x", "--server", &url]);
    assert!(code == 2 && out.contains("account"), "{out}");
    let draft = json!({ "kind": "planet", "value": "x" }).to_string();
    let (status, body) = server.ask("POST", "/api/v1/erasures", &draft);
    assert_eq!(
        (status, &body["errors"][0]["pointer"]),
        (422, &json!("/kind")),
        "{body}"
    );
    let new = decided(&server, "e-9");
    let overriding = |id: &str, verdict: &str| {
        let by = ["--by", "j.doe", "--override-id", "o-1", "--server", &url];
        told(&[&["override", id, verdict][..], &by].concat())
    };
    let (code, out) = overriding("e-9", "approve");
    assert!(
        code == 0 && out.contains("is overridden at offset"),
        "{out}"
    );
    let (code, out) = overriding("e-9", "approve");
    assert!(code == 0 && out.contains("nothing changed"), "{out}");
    let (code, out) = overriding("e-9", "decline");
    assert!(code == 1 && out.contains("another body"), "{out}");
    assert_eq!(overriding("e-9", "perhaps").0, 2);
    let (code, out) = overriding("no such/event", "approve");
    assert!(code == 1 && out.contains("no such/event"), "{out}");
    server.child.kill().unwrap();
    server.child.wait().unwrap();

    let mut server = Server::start(&arguments);
    assert_eq!(decided(&server, "e-9")["risk"], new["risk"]);
    let last = decided(&server, "e-10");
    assert_eq!(last["versions"], blocked["versions"]);
    assert_eq!(last["decision"], "decline");
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
    let (code, out) = told(&["verify", "--data-dir", text(&data)]);
    assert!(code == 0 && out.starts_with("holds"), "{out}");
    assert!(out.contains("1 overrides looked up, 0 wrong"), "{out}");
    let (code, out) = told(&["log", "dump", text(&data)]);
    assert!(
        code == 0 && out.contains("\"erase\":{\"kind\":\"account\""),
        "{out}"
    );
    assert!(out.contains("\"kind\":\"lists\""), "{out}");
    assert!(out.contains("\"override\":{"), "{out}");
}
