//! `sentinel backup` beside a running server, and `sentinel restore` into an empty place.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use serde_json::Value;

use crate::process::{Folder, sentinel, stderr, text};
use crate::serve::Server;

fn payment(number: u64) -> String {
    let now_micros = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_micros();
    // A few accounts, so that some of them pay fast enough to raise alerts.
    format!(
        r#"{{"event_id":"e-{number}","event_type":"card_auth","event_time":{now_micros},"account_id":"a{}","amount_minor":{},"currency":"USD"}}"#,
        number % 3,
        100 + number
    )
}

fn ended(arguments: &[&str]) -> (i32, String) {
    let ended = sentinel().args(arguments).output().unwrap();
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&ended.stdout),
        stderr(&ended)
    );
    (ended.status.code().unwrap(), told)
}

fn verified(data: &Path) -> Value {
    let ended = sentinel()
        .args(["verify", "--data-dir", text(data), "-o", "json"])
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", stderr(&ended));
    serde_json::from_slice(&ended.stdout).unwrap()
}

#[test]
fn a_backup_beside_a_running_server_is_restored_whole_and_goes_on() {
    let folder = Folder::new();
    let (data, copy, restored) = (
        folder.path("data"),
        folder.path("copy"),
        folder.path("restored"),
    );
    let arguments = [
        "serve",
        "--data-dir",
        text(&data),
        "--snapshot-every",
        "20",
        "--snapshot-interval",
        "1s",
    ];
    let mut server = Server::start(&arguments);
    let (stopping, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    let before = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stopping.load(Relaxed) {
                let number = sent.load(Relaxed);
                let (status, body) = server.ask("POST", "/api/v1/decisions", &payment(number));
                assert_eq!(status, 200, "{body}");
                sent.store(number + 1, Relaxed);
            }
        });
        while sent.load(Relaxed) < 60 {
            std::thread::yield_now();
        }
        let before = sent.load(Relaxed);
        let (code, told) = ended(&["backup", text(&copy), "--data-dir", text(&data)]);
        stopping.store(true, Relaxed);
        assert_eq!(code, 0, "{told}");
        before
    });
    server.child.kill().unwrap();
    server.child.wait().unwrap();

    let (code, told) = ended(&["restore", text(&copy), "--data-dir", text(&restored)]);
    assert_eq!(code, 0, "{told}");
    let found = verified(&restored);
    let entries = found["entries"].as_u64().unwrap();
    assert!(entries >= before, "{before} were answered before: {found}");
    assert!(found["alerts"].as_u64().unwrap() > 0, "{found}");

    // What was answered before the backup is answered alike; what came after it is new.
    let mut server = Server::start(&["serve", "--data-dir", text(&restored)]);
    for number in [0, before - 1] {
        let (status, body) = server.ask("GET", &format!("/api/v1/decisions/e-{number}"), "");
        assert_eq!(status, 200, "{body}");
    }
    let (status, body) = server.ask("POST", "/api/v1/decisions", &payment(1 << 40));
    assert_eq!(status, 200, "{body}");
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    assert_eq!(verified(&restored)["holds"], true);
}

#[test]
fn a_damaged_backup_and_a_folder_that_holds_something_are_refused() {
    let folder = Folder::new();
    let (data, copy, restored) = (
        folder.path("data"),
        folder.path("copy"),
        folder.path("restored"),
    );
    let mut server = Server::start(&["serve", "--data-dir", text(&data)]);
    assert_eq!(server.ask("POST", "/api/v1/decisions", &payment(1)).0, 200);
    let again = ["backup", text(&copy), "--data-dir", text(&data)];
    assert_eq!(ended(&again).0, 0);
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    let (code, told) = ended(&again);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("is there already"), "{told}");

    let restore = ["restore", text(&copy), "--data-dir", text(&data)];
    let (code, told) = ended(&restore);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("holds something"), "{told}");

    let segment = std::fs::read_dir(copy.join("log"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "log"))
        .unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, &bytes).unwrap();
    let (code, told) = ended(&["restore", text(&copy), "--data-dir", text(&restored)]);
    assert_eq!(code, 1, "{told}");
    assert!(
        told.contains("is damaged") && told.contains("nothing was restored"),
        "{told}"
    );
    assert!(!restored.exists());

    // A part that somebody else may have made is never removed.
    let part = folder.path("other.part");
    std::fs::create_dir(&part).unwrap();
    let other = folder.path("other");
    let (code, told) = ended(&["backup", text(&other), "--data-dir", text(&data)]);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("is there already") && part.exists(), "{told}");

    let manifest = copy.join("backup.json");
    let text_of = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text_of.replacen("log/", "../log/", 1)).unwrap();
    let (code, told) = ended(&["restore", text(&copy), "--data-dir", text(&restored)]);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("no file within the backup"), "{told}");
    let (code, told) = ended(&["restore", text(&data), "--data-dir", text(&restored)]);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("is no backup"), "{told}");
}
