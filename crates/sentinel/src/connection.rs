//! One connection to a server that is kept: a request goes out in one piece, its answer is read to the last
//! byte. For whoever sends many; a command that asks once asks through [`crate::server`].
//!
//! Heads are read by the parser that the server uses too. Promises to refuse what it cannot read to its
//! end (an answer without a length): a connection is kept only where the next answer begins where this
//! one ended.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

mod target;

pub use self::target::{DECISIONS, Target};

/// The longest head or body of an answer.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Header lines an answer may have.
const HEADERS_MAX: usize = 64;

/// An open connection without an answer outstanding.
pub struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

/// The head of an answer.
struct Head {
    status: u16,
    /// Bytes of the head.
    head_bytes: usize,
    /// Bytes of head and body.
    bytes: usize,
    /// Whether the server keeps the connection.
    kept: bool,
}

/// A whole answer, with the connection that it came by.
pub struct Answer {
    /// Such as 200.
    pub status: u16,
    head: Head,
    connection: Connection,
}

impl Answer {
    /// What the server said.
    pub fn body(&self) -> &[u8] {
        let bytes = &self.connection.answer;
        bytes.get(self.head.head_bytes..).unwrap_or_default()
    }

    /// The connection, where the server keeps it.
    pub fn connection(self) -> Option<Connection> {
        self.head.kept.then_some(self.connection)
    }
}

impl Connection {
    /// Opens one.
    pub async fn open(target: &Target) -> Result<Self> {
        let stream = TcpStream::connect(&target.address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            request: Vec::new(),
            answer: Vec::new(),
        })
    }

    /// Sends a body to the target's path and reads the answer.
    pub async fn ask(self, target: &Target, body: &[u8]) -> Result<Answer> {
        self.post(target, &target.path, body).await
    }

    /// Sends a body to a path and reads the answer.
    pub async fn post(mut self, target: &Target, path: &str, body: &[u8]) -> Result<Answer> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            target.host,
            body.len()
        );
        self.request.clear();
        self.request.extend_from_slice(head.as_bytes());
        self.request.extend_from_slice(body);
        self.stream.write_all(&self.request).await?;
        self.answer.clear();
        loop {
            if let Some(head) = head_of(&self.answer)? {
                if self.answer.len() > head.bytes {
                    return Err(unreadable("more than one answer to one request"));
                }
                if self.answer.len() == head.bytes {
                    return Ok(Answer {
                        status: head.status,
                        head,
                        connection: self,
                    });
                }
            }
            if self.answer.len() > ANSWER_BYTES_MAX {
                return Err(unreadable("an answer of more than a megabyte"));
            }
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                let what = "the server closed the connection before its answer was complete";
                return Err(Error::new(ErrorKind::UnexpectedEof, what));
            }
        }
    }
}

/// The head that bytes begin with; `None` while it is not complete.
fn head_of(bytes: &[u8]) -> Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(bytes);
    let httparse::Status::Complete(head_bytes) = parsed.map_err(|_| unreadable("no HTTP/1.1"))?
    else {
        return Ok(None);
    };
    let header = |name: &str| {
        let found = response.headers.iter();
        let mut found = found.filter(|header| header.name.eq_ignore_ascii_case(name));
        found.next().map(|header| header.value)
    };
    let length =
        header("content-length").and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
    let body_bytes: usize = length.ok_or_else(|| unreadable("an answer without a length"))?;
    if body_bytes > ANSWER_BYTES_MAX {
        return Err(unreadable("an answer of more than a megabyte"));
    }
    let closes = header("connection").is_some_and(|value| value.eq_ignore_ascii_case(b"close"));
    Ok(Some(Head {
        status: response.code.unwrap_or(0),
        head_bytes,
        bytes: head_bytes + body_bytes,
        kept: !closes && response.version == Some(1),
    }))
}

fn unreadable(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("the server sent {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_complete() {
        let answer = b"HTTP/1.1 429 Busy\r\nContent-Length: 5\r\nX: y\r\n\r\nhello";
        assert!(head_of(&answer[..30]).unwrap().is_none());
        let head = head_of(answer).unwrap().unwrap();
        assert_eq!(
            (head.status, head.bytes, head.kept),
            (429, answer.len(), true)
        );
        let last = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: Close\r\n\r\n";
        assert!(!head_of(last).unwrap().unwrap().kept);
    }

    #[test]
    fn an_answer_that_has_no_end_is_refused() {
        for (answer, what) in [
            (&b"HTTP/1.1 200 OK\r\n\r\n"[..], "without a length"),
            (
                b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
                "without a length",
            ),
            (
                b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n",
                "megabyte",
            ),
            (b"SSH-2.0-x\r\n", "no HTTP"),
        ] {
            let told = head_of(answer).err().unwrap().to_string();
            assert!(told.contains(what), "{told}");
        }
    }
}
