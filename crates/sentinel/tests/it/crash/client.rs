//! A client of a server that may be gone at any moment: what is not answered whole is no answer.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// How long an answer is waited for before a server counts as hung. A loaded machine takes its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// One connection, kept.
pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub fn connect(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Asks for a decision; an error where the connection broke before the last byte of the answer.
    pub fn decide(&mut self, body: &Value) -> io::Result<(u16, Value)> {
        self.ask("POST", "/api/v1/decisions", &body.to_string())
    }

    pub fn ask(&mut self, method: &str, path: &str, body: &str) -> io::Result<(u16, Value)> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        self.line(&mut line)?;
        let status = line.split(' ').nth(1).unwrap().parse().unwrap();
        let mut length = 0;
        loop {
            self.line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes)?;
        Ok((status, serde_json::from_slice(&bytes).unwrap()))
    }

    /// A whole line of the head.
    fn line(&mut self, line: &mut String) -> io::Result<()> {
        line.clear();
        self.stream.read_line(line)?;
        if !line.ends_with('\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}
