//! The embedded default through crashes: real processes, killed at random times and at every system call.
//!
//! Promises to hold everything that a client was told against what a restart says, and at the end against both logs
//! and the store. A slice runs with the suite; `make campaign` asks for all of it through the environment. Must
//! never forgive an answer: what was told once has to be told again, to the last byte.

mod client;
mod ledger;
mod kills;
mod syscalls;
mod one_hash;

use std::path::Path;
use std::process::Command;
use std::str::FromStr;

use sentinel_domain::Instant;
use sentinel_pipeline::intake::json;
use sentinel_synth::{Options, Stream};
use serde_json::Value;

use crate::process::{sentinel, stderr, text};

/// A number that a campaign asks for, or what the suite takes.
#[allow(clippy::disallowed_methods, reason = "a campaign says how much of it")]
fn asked<T: FromStr>(name: &str, otherwise: T) -> T {
    let asked = std::env::var(name).ok();
    asked.map_or(otherwise, |text| text.parse().ok().unwrap())
}

/// The seed's payments, each id once. Every sixteenth is of an amount that the shipped rules want reviewed.
fn payments(seed: u64) -> impl Iterator<Item = Value> + Send {
    let start = Instant::parse_rfc3339("2026-02-02T08:00:00Z").unwrap();
    let mut options = Options::new(seed, start);
    options.repeat_share = 0.0;
    Stream::new(options).enumerate().map(|(n, generated)| {
        let mut bytes = Vec::new();
        json::write_transaction(&generated.transaction, &mut bytes);
        let mut body: Value = serde_json::from_slice(&bytes).unwrap();
        if n % 16 == 0 {
            body["amount_minor"] = (700_000 + n).into();
        }
        body
    })
}

/// `sentinel` with these words on a data directory that no server holds: what it says as JSON. It has to succeed.
fn json_of(words: &[&str], data: &Path) -> Value {
    let mut command = sentinel();
    command.args(words);
    json_from(command, data)
}

/// The same of a command that is begun already.
fn json_from(mut command: Command, data: &Path) -> Value {
    let ended = command
        .args(["--data-dir", text(data), "-o", "json"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(
        ended.status.success(),
        "{command:?} ended with {}: {said}{}",
        ended.status,
        stderr(&ended)
    );
    serde_json::from_str(&said).unwrap()
}
