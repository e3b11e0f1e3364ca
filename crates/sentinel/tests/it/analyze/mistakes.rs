//! What cannot be analysed: the message names the file and what is wrong, the exit code whose fault it is.

use super::{Folder, analyze};
use crate::process::{json_lines, repository, stderr, text};

/// Ends with a code and says something.
fn refuses(arguments: &[&str], code: i32, said: &str) {
    let ended = analyze(arguments);
    let told = stderr(&ended);
    assert_eq!(ended.status.code(), Some(code), "{arguments:?}: {told}");
    assert!(told.contains(said), "{arguments:?}: {told} lacks {said}");
    assert!(ended.stdout.is_empty(), "{arguments:?}");
}

#[test]
fn wrong_usage_ends_with_two() {
    let folder = Folder::new();
    let payments = folder.file("p.jsonl", json_lines(3, 50));
    let here = text(folder.root()).to_owned();
    refuses(&["nowhere.csv"], 2, "nowhere.csv");
    refuses(&[&here], 2, "is a directory");
    refuses(
        &[&folder.file("empty.csv", "")],
        2,
        "the input holds nothing",
    );
    refuses(
        &[&folder.file("empty.jsonl", "")],
        2,
        "holds no transaction",
    );
    refuses(
        &[&folder.file("bad.jsonl", "no\nno\n")],
        2,
        "2 rows were refused",
    );
    refuses(&[&folder.file("t.parquet", "PAR?")], 2, "as Parquet");
    refuses(
        &[&folder.file("t.csv.gz", "plain")],
        2,
        "is not a gzip file",
    );
    refuses(&[&payments, "--mapping", "nowhere.toml"], 2, "nowhere.toml");
    refuses(
        &[&payments, "--labels", "nowhere.jsonl"],
        2,
        "nowhere.jsonl",
    );
    refuses(&[&payments, "--identity", &payments], 2, "IEEE-CIS");
    refuses(
        &[&payments, "--out", &payments],
        2,
        "another file of this command",
    );
    refuses(&[&payments, "--out", "nowhere/p.json"], 2, "no such folder");
    refuses(&[&payments, "--report", &here], 2, "is a directory");
    refuses(&[&payments, "--report", "-"], 2, "are files");
    let both = text(&folder.path("x")).to_owned();
    refuses(
        &[&payments, "--out", &both, "--report", &both],
        2,
        "another file",
    );
}

#[test]
fn a_table_without_a_mapped_column_names_it() {
    let folder = Folder::new();
    let sparkov = repository("fixtures/mappings/sparkov.toml");
    let table = folder.file(
        "t.csv",
        "time_s,card,merchant,category,merch_lat,merch_lon,fraud\n1,c,m,x,0,0,0\n",
    );
    refuses(&[&table, "--mapping", text(&sparkov)], 2, "amount_cents");
    let unlabelled = folder.file(
        "u.csv",
        "time_s,card,merchant,category,amount_cents,merch_lat,merch_lon\n1,c,m,x,100,0,0\n",
    );
    refuses(
        &[&unlabelled, "--mapping", text(&sparkov)],
        2,
        "label column \"fraud\"",
    );
    let labels = folder.file("l.csv", "name\nx\n");
    refuses(
        &[
            &folder.file("p.jsonl", json_lines(3, 5)),
            "--labels",
            &labels,
        ],
        2,
        "has no column event_id",
    );
}

#[test]
fn a_full_disk_ends_with_one() {
    let folder = Folder::new();
    let payments = folder.file("p.jsonl", json_lines(3, 50));
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let ended = crate::process::sentinel()
        .args(["analyze", &payments, "-o", "json"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(1), "{}", stderr(&ended));
}

#[test]
fn a_device_stays_a_device_and_a_link_a_link() {
    let folder = Folder::new();
    let payments = folder.file("p.jsonl", json_lines(3, 50));
    let (device, link) = (folder.path("full.json"), folder.path("link.json"));
    let target = folder.file("target.json", "old");
    std::os::unix::fs::symlink("/dev/full", &device).unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let out = |path: &std::path::Path| {
        crate::process::sentinel()
            .args(["analyze", &payments, "--out"])
            .arg(path)
            .output()
            .unwrap()
    };
    let ended = out(&device);
    assert_eq!(ended.status.code(), Some(1), "{}", stderr(&ended));
    assert!(
        stderr(&ended).contains("No space left"),
        "{}",
        stderr(&ended)
    );
    assert!(out(&link).status.success());
    assert!(device.is_symlink() && link.is_symlink());
    assert!(std::fs::read_to_string(&target).unwrap().starts_with('{'));
}
