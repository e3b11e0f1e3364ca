//! Talking to a running server: one request, one answer, no library.
//!
//! Knows plain HTTP/1.1 to a named address, as the server speaks it. Must never send anything but what the
//! command was asked to send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use crate::commands::usage;

/// How long an answer may take; the server answers within its own deadline.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

/// What a problem says in words.
fn detail(problem: &Value) -> String {
    problem
        .get("detail")
        .and_then(Value::as_str)
        .map_or_else(|| problem.to_string(), str::to_owned)
}

/// Sends an order and gives the answer of a server that took it, with its status. What is wrong with the order is
/// the caller's to mend, in the file that it was read from where there is one.
pub fn order(
    url: &str,
    path: &str,
    body: &Value,
    file: Option<&Path>,
) -> anyhow::Result<(u16, Value)> {
    let (status, answer) = ask(url, "POST", path, &body.to_string())?;
    match (status, file) {
        (200..=202, _) => Ok((status, answer)),
        (400 | 413 | 422, Some(file)) => {
            Err(usage(format!("{}: {}", file.display(), detail(&answer))))
        }
        (400 | 413 | 422, None) => Err(usage(detail(&answer))),
        (other, _) => Err(anyhow::anyhow!(
            "{url} answered {other}: {}",
            detail(&answer)
        )),
    }
}

/// What stands at a path.
pub fn look_up(url: &str, path: &str) -> anyhow::Result<Value> {
    match ask(url, "GET", path, "")? {
        (200, answer) => Ok(answer),
        (other, answer) => Err(anyhow::anyhow!(
            "{url} answered {other}: {}",
            detail(&answer)
        )),
    }
}

/// One request to a path: the status and the JSON of the answer.
fn ask(url: &str, method: &str, path: &str, body: &str) -> anyhow::Result<(u16, Value)> {
    let address = address_of("--server", url)?;
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

/// `host:port` of a plain URL without a path, which stands behind a flag.
pub fn address_of<'u>(flag: &str, url: &'u str) -> anyhow::Result<&'u str> {
    let unfit = |why: &str| {
        usage(format!(
            "{flag} {url}: {why}, as http://127.0.0.1:8000 does"
        ))
    };
    let Some(rest) = url.strip_prefix("http://") else {
        return Err(unfit("an address of a server must begin with http://"));
    };
    let address = rest.trim_end_matches('/');
    if address.is_empty() || address.contains(['/', '?', '@']) {
        return Err(unfit(
            "the address must name a host and a port and nothing else",
        ));
    }
    let port = address
        .rsplit_once(':')
        .map(|(_, port)| port.parse::<u16>());
    if !matches!(port, Some(Ok(1..))) {
        return Err(unfit("the address must name a port"));
    }
    Ok(address)
}

/// Status and JSON of an answer. The server gives the length of such a body, so it is not in chunks.
fn read_answer(answer: &[u8]) -> Option<(u16, Value)> {
    let text = std::str::from_utf8(answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some((status, serde_json::from_str(body).ok()?))
}
