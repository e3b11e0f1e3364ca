//! Talking to a running server: one request, one answer, no library.
//!
//! Knows plain HTTP/1.1 to a named address, as the server speaks it. Must never send anything but what the
//! command was asked to send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use crate::commands::usage;

/// How long an answer may take; the server answers within its own deadline.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

/// What a problem says in words.
pub fn detail(problem: &Value) -> String {
    problem
        .get("detail")
        .and_then(Value::as_str)
        .map_or_else(|| problem.to_string(), str::to_owned)
}

/// One request to a path: the status and the JSON of the answer.
pub fn ask(url: &str, method: &str, path: &str, body: &str) -> anyhow::Result<(u16, Value)> {
    let address = address_of(url)?;
    let attempt = || format!("ask the server at {url}; is it running?");
    let mut stream = TcpStream::connect(address).with_context(attempt)?;
    stream
        .set_read_timeout(Some(ANSWER_WAIT))
        .with_context(attempt)?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
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
