//! No run writes over what it reads, or two things into one file.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::process::{json_lines, lines_of, run, stderr, text};

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        std::fs::write(folder.path("in.jsonl"), json_lines(12, 20)).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Ends with 2, names the flag, and leaves the input as it was.
    fn refuses(&self, flags: &[(&str, &str)], word: &str) {
        let before = std::fs::read(self.path("in.jsonl")).unwrap();
        let paths: Vec<(String, PathBuf)> = flags
            .iter()
            .map(|(flag, name)| ((*flag).to_owned(), self.path(name)))
            .collect();
        let mut arguments = Vec::new();
        for (flag, path) in &paths {
            arguments.extend([flag.as_str(), text(path)]);
        }
        let ended = run(&arguments);
        assert_eq!(
            ended.status.code(),
            Some(2),
            "{flags:?}: {}",
            stderr(&ended)
        );
        assert!(
            stderr(&ended).contains(word),
            "{flags:?}: {}",
            stderr(&ended)
        );
        assert!(
            std::fs::read(self.path("in.jsonl")).unwrap() == before,
            "{flags:?}"
        );
    }
}

#[test]
fn a_file_is_never_read_and_written_or_written_twice() {
    let folder = Folder::new();
    let input = ("--input", "in.jsonl");
    for flag in ["--output", "--dead-letters", "--summary-json"] {
        folder.refuses(&[input, (flag, "in.jsonl")], flag);
    }
    folder.refuses(
        &[input, ("--output", "out"), ("--dead-letters", "out")],
        "--dead-letters",
    );
    folder.refuses(
        &[input, ("--output", "out"), ("--summary-json", "out")],
        "--summary-json",
    );
    std::os::unix::fs::symlink(folder.path("in.jsonl"), folder.path("link")).unwrap();
    folder.refuses(&[input, ("--output", "link")], "--output");
    folder.refuses(&[input, ("--output", "nowhere/out")], "no such folder");
}

#[test]
fn what_is_no_plain_file_is_not_removed_for_dead_letters() {
    let folder = Folder::new();
    let target = folder.path("target");
    std::fs::write(&target, "old letters").unwrap();
    std::os::unix::fs::symlink(&target, folder.path("letters")).unwrap();
    let ended = run(&[
        "--input",
        text(&folder.path("in.jsonl")),
        "--output",
        text(&folder.path("out")),
        "--dead-letters",
        text(&folder.path("letters")),
    ]);
    assert!(ended.status.success(), "{}", stderr(&ended));
    assert!(folder.path("letters").is_symlink(), "the link stays");
    assert_eq!(
        std::fs::read_to_string(&target).unwrap(),
        "",
        "emptied in place"
    );
}

#[test]
fn an_input_that_is_not_what_its_name_says_is_wrong_usage() {
    let folder = Folder::new();
    for name in ["plain.jsonl.gz", "plain.jsonl.zst"] {
        std::fs::copy(folder.path("in.jsonl"), folder.path(name)).unwrap();
        folder.refuses(&[("--input", name)], name);
    }
    std::fs::create_dir(folder.path("directory")).unwrap();
    folder.refuses(&[("--input", "directory")], "is a directory");
}

#[test]
fn a_terminal_that_is_gone_stops_no_run() {
    let folder = Folder::new();
    std::fs::write(folder.path("bad.jsonl"), "no json\n".repeat(50)).unwrap();
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let letters = folder.path("letters.jsonl");
    let ended = crate::process::sentinel()
        .args(["run", "--input", text(&folder.path("bad.jsonl"))])
        .args([
            "--output",
            text(&folder.path("out")),
            "--dead-letters",
            text(&letters),
        ])
        .stderr(full)
        .status()
        .unwrap();
    assert_eq!(ended.code(), Some(0));
    assert_eq!(lines_of(&letters).len(), 50);
}
