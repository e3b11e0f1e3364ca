//! Starting the binary and making streams for it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sentinel_domain::Instant;
use sentinel_pipeline::intake::json;
use sentinel_synth::{Options, Stream};
use serde_json::Value;
use tempfile::TempDir;

/// The binary under test.
pub fn sentinel() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sentinel"));
    command.env_remove("RUST_LOG");
    command
}

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// The seed's stream as JSON lines.
pub fn json_lines(seed: u64, count: usize) -> Vec<u8> {
    let start = Instant::parse_rfc3339("2026-02-02T08:00:00Z").unwrap();
    let mut bytes = Vec::new();
    for generated in Stream::new(Options::new(seed, start)).take(count) {
        json::write_transaction(&generated.transaction, &mut bytes);
        bytes.push(b'\n');
    }
    bytes
}

/// Runs `sentinel run` with these arguments.
pub fn run(arguments: &[&str]) -> Output {
    sentinel().arg("run").args(arguments).output().unwrap()
}

/// The arguments of `sentinel run` over a file, with a data directory.
pub fn job<'p>(input: &'p Path, output: &'p Path, data: &'p Path) -> [&'p str; 6] {
    [
        "--input",
        text(input),
        "--output",
        text(output),
        "--data-dir",
        text(data),
    ]
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Standard error as text.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Every line of a file as JSON; none where there is no file.
pub fn lines_of(path: &Path) -> Vec<Value> {
    let Ok(text) = std::fs::read_to_string(path) else {
        return Vec::new();
    };
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A folder that goes with the test.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub fn root(&self) -> &Path {
        self.0.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Writes a file; its path as text.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        text(&path).to_owned()
    }

    /// What lies in it.
    pub fn names(&self) -> BTreeSet<String> {
        let entries = std::fs::read_dir(self.root()).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}
