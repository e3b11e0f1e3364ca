//! Talking to a running server: one request, one answer, no library.
//!
//! Knows plain HTTP/1.1 to a named address, as the server speaks it. Must never send anything but what the
//! command was asked to send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

use crate::commands::usage;

/// How long an answer may take; the server answers within its own deadline.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

/// How often a server that is still filling is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// Adds definitions and waits until they are live.
pub fn add(url: &str, file: &Path, definitions: &str, dry_run: bool) -> anyhow::Result<Value> {
    let body = json!({ "definitions": definitions, "dry_run": dry_run });
    let (status, mut answer) = ask(url, "POST", &body.to_string())?;
    match status {
        200 | 201 => Ok(answer),
        202 => {
            wait_until_live(url, &answer)?;
            if let Some(state) = answer.get_mut("state") {
                *state = json!("live");
            }
            Ok(answer)
        }
        400 | 422 => Err(usage(format!("{}: {}", file.display(), detail(&answer)))),
        other => anyhow::bail!("{url} answered {other}: {}", detail(&answer)),
    }
}

/// Asks for the catalogue until it has the version.
fn wait_until_live(url: &str, added: &Value) -> anyhow::Result<()> {
    let version = added.get("version").and_then(Value::as_u64);
    tracing::info!("the server is filling the features from its log");
    loop {
        std::thread::sleep(ASK_AGAIN);
        let (status, catalogue) = ask(url, "GET", "")?;
        anyhow::ensure!(
            status == 200,
            "{url} answered {status}: {}",
            detail(&catalogue)
        );
        if catalogue.get("version").and_then(Value::as_u64) >= version {
            return Ok(());
        }
    }
}

fn detail(problem: &Value) -> String {
    problem
        .get("detail")
        .and_then(Value::as_str)
        .map_or_else(|| problem.to_string(), str::to_owned)
}

/// One request to the catalogue.
fn ask(url: &str, method: &str, body: &str) -> anyhow::Result<(u16, Value)> {
    let address = address_of(url)?;
    let attempt = || format!("ask the server at {url}; is it running?");
    let mut stream = TcpStream::connect(address).with_context(attempt)?;
    stream
        .set_read_timeout(Some(ANSWER_WAIT))
        .with_context(attempt)?;
    write!(
        stream,
        "{method} /api/v1/features HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .with_context(attempt)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).with_context(attempt)?;
    read_answer(&answer).with_context(|| format!("{url} does not answer as a sentinel server does"))
}

/// `host:port` of a plain URL without a path.
fn address_of(url: &str) -> anyhow::Result<&str> {
    let address = url
        .strip_prefix("http://")
        .map(|rest| rest.trim_end_matches('/'))
        .filter(|rest| !rest.is_empty() && !rest.contains('/'))
        .ok_or_else(|| {
            usage(format!(
                "--server {url:?} is not an address such as http://127.0.0.1:8000"
            ))
        })?;
    if address.contains(':') {
        Ok(address)
    } else {
        Err(usage(format!(
            "--server {url:?} names no port, as http://127.0.0.1:8000 does"
        )))
    }
}

/// Status and JSON of an answer. The server gives the length of such a body, so it is not in chunks.
fn read_answer(answer: &[u8]) -> Option<(u16, Value)> {
    let text = std::str::from_utf8(answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some((status, serde_json::from_str(body).ok()?))
}
