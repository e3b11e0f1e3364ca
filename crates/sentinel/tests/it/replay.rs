//! `sentinel replay`: the log alone gives the decision again, and a difference is shown.

use sentinel_domain::LogId;
use sentinel_eventlog::{Durability, EmbeddedOptions, EventLog, Payloads, RecordBatch};
use tempfile::TempDir;

use crate::process::{json_lines, lines_of, run, sentinel, stderr, text};

fn replay(id: &str, data: &std::path::Path) -> (i32, String) {
    let ended = sentinel()
        .args(["replay", id, "--data-dir", text(data)])
        .output()
        .unwrap();
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&ended.stdout),
        stderr(&ended)
    );
    (ended.status.code().unwrap(), told)
}

#[test]
fn a_decision_is_computed_again_byte_for_byte_and_a_difference_shows_both() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (input, output, data) = (path("in.jsonl"), path("out.jsonl"), path("data"));
    std::fs::write(&input, json_lines(10, 3_000)).unwrap();
    let arguments = [
        "--input",
        text(&input),
        "--output",
        text(&output),
        "--data-dir",
        text(&data),
    ];
    assert!(run(&arguments).status.success());
    let decisions = lines_of(&output);
    for one in [&decisions[0], &decisions[1_500], decisions.last().unwrap()] {
        let (code, told) = replay(one["decision_id"].as_str().unwrap(), &data);
        assert_eq!(code, 0, "{told}");
        assert!(told.starts_with("equal"), "{told}");
    }
    let declined = decisions
        .iter()
        .find(|one| one["decision"] == "decline")
        .unwrap();
    let offset = declined["log_position"]["offset"].as_u64().unwrap();
    alter(&data, offset);
    let (code, told) = replay(declined["decision_id"].as_str().unwrap(), &data);
    assert_eq!(code, 1, "{told}");
    assert!(
        told.contains("DIFFERENT") && told.contains("recorded") && told.contains("computed"),
        "{told}"
    );
    // A run over altered records stops and names the entry.
    let again = run(&arguments);
    assert_eq!(again.status.code(), Some(1));
    assert!(
        stderr(&again).contains(&format!("entry {offset}")),
        "{}",
        stderr(&again)
    );
}

/// Writes the decision log anew with one byte of one outcome changed, checksums right.
fn alter(data: &std::path::Path, offset: u64) {
    let (old, new) = (data.join("decisions"), data.join("altered"));
    let options = |id| EmbeddedOptions {
        durability: Durability::Never,
        ..EmbeddedOptions::new(id)
    };
    let (from, _) = EventLog::open(&old, options(LogId::default())).unwrap();
    let (to, _) = EventLog::open(&new, options(from.log_id())).unwrap();
    let mut batch = RecordBatch::default();
    while to.appended_end() < from.end() {
        from.read(to.appended_end(), 512, &mut batch).unwrap();
        for record in batch.iter() {
            let mut payloads = Payloads::default();
            let mut bytes = record.payload.to_vec();
            if record.offset.0 == offset {
                let last = bytes.len() - 1;
                bytes[last] ^= 1;
            }
            payloads.push(&bytes);
            to.append(record.log_time, None, &payloads).unwrap();
        }
    }
    from.close().unwrap();
    to.close().unwrap();
    drop((from, to));
    std::fs::remove_dir_all(&old).unwrap();
    std::fs::rename(&new, &old).unwrap();
}

#[test]
fn names_that_are_no_decision_of_this_log_are_refused() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("in.jsonl"), json_lines(11, 50)).unwrap();
    let data = path("data");
    let ended = run(&[
        "--input",
        text(&path("in.jsonl")),
        "--output",
        text(&path("out")),
        "--data-dir",
        text(&data),
    ]);
    assert!(ended.status.success());
    let foreign = "dec_00000000000000070123456789abcdef";
    for (id, word) in [
        ("nonsense", "decision id"),
        (foreign, "does not fit this log"),
    ] {
        let (code, told) = replay(id, &data);
        assert_eq!(code, 2, "{told}");
        assert!(told.contains(word), "{told}");
    }
    let (code, told) = replay(foreign, &path("nowhere"));
    assert_eq!(code, 2);
    assert!(told.contains("holds no log"), "{told}");
}
