//! A running server: one `POST /api/v1/decisions` a payment, over a bounded number of connections.
//!
//! A payment is sent as soon as it is handed in and a connection is free; while none is, the writer waits
//! and shows as lag. With several connections payments may overtake each other on the way; with one they do
//! not. A server that is overloaded is asked again, since the event id makes a repeat harmless; what it
//! refuses is counted and the first refusal is told. Must never send anything but the payment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::Context;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use super::Told;
use crate::commands::generate::chunk::Chunk;
use crate::commands::usage;

/// How often a payment is sent again to a server that is overloaded or went away, and how long is waited
/// before each time.
const ATTEMPTS: u32 = 40;
const ASK_AGAIN: Duration = Duration::from_millis(250);

/// How long one answer may take; the server answers within its own deadline.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

/// What became of the payments.
#[derive(Debug, Default)]
struct Counts {
    decided: AtomicU64,
    pending: AtomicU64,
    refused: AtomicU64,
    again: AtomicU64,
    first_refusal: std::sync::OnceLock<String>,
}

/// A server that payments are sent to.
pub struct Http {
    runtime: Runtime,
    payments: mpsc::Sender<Bytes>,
    connections: JoinSet<anyhow::Result<()>>,
    counts: Arc<Counts>,
}

impl Http {
    /// Connects; a server that is not there is told before the first payment.
    pub fn connect(address: &str, connections: usize) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("start the runtime")?;
        let first = runtime.block_on(connect(address)).map_err(|error| {
            anyhow::anyhow!(
                "cannot reach the server at http://{address}: {error:#}; is it running?"
            )
        })?;
        let (payments, waiting) = mpsc::channel(connections);
        let waiting = Arc::new(Mutex::new(waiting));
        let counts = Arc::new(Counts::default());
        let mut set = JoinSet::new();
        let mut first = Some(first);
        for _ in 0..connections {
            let connection = Connection {
                address: address.to_owned(),
                sender: first.take(),
                counts: Arc::clone(&counts),
            };
            set.spawn_on(connection.serve(Arc::clone(&waiting)), runtime.handle());
        }
        Ok(Self {
            runtime,
            payments,
            connections: set,
            counts,
        })
    }

    /// Sends rows of a chunk; waits while every connection is busy.
    pub fn write(&mut self, chunk: &Chunk, from: usize, to: usize) -> anyhow::Result<()> {
        for index in from..to {
            let body = Bytes::copy_from_slice(chunk.spelled(index, index + 1));
            if self.payments.blocking_send(body).is_err() {
                // Every connection has ended with an error.
                return self.joined();
            }
        }
        self.look_for_failure()
    }

    /// One connection that fails ends the sending: what it held is lost.
    fn look_for_failure(&mut self) -> anyhow::Result<()> {
        match self.connections.try_join_next() {
            Some(ended) => ended.context("send payments")?,
            None => Ok(()),
        }
    }

    fn joined(&mut self) -> anyhow::Result<()> {
        let connections = &mut self.connections;
        self.runtime.block_on(async {
            let mut result = Ok(());
            while let Some(ended) = connections.join_next().await {
                result = result.and(ended.context("send payments").flatten());
            }
            result
        })
    }

    /// Waits for the last answers. Refused payments are a failure.
    pub fn finish(mut self) -> anyhow::Result<Told> {
        let (closed, _) = mpsc::channel(1);
        drop(std::mem::replace(&mut self.payments, closed));
        self.joined()?;
        let counts = &self.counts;
        let count = |count: &AtomicU64| count.load(Relaxed);
        let told = format!(
            "{} decided, {} accepted and pending, {} refused, {} sent again",
            count(&counts.decided),
            count(&counts.pending),
            count(&counts.refused),
            count(&counts.again)
        );
        match counts.first_refusal.get() {
            None => Ok(Some(told)),
            Some(refusal) => anyhow::bail!("{told}; the first refusal: {refusal}"),
        }
    }
}

/// One connection to the server, made again where it breaks.
struct Connection {
    address: String,
    sender: Option<SendRequest<Full<Bytes>>>,
    counts: Arc<Counts>,
}

impl Connection {
    async fn serve(mut self, payments: Arc<Mutex<mpsc::Receiver<Bytes>>>) -> anyhow::Result<()> {
        loop {
            let next = payments.lock().await.recv().await;
            let Some(body) = next else {
                return Ok(());
            };
            self.deliver(body).await?;
        }
    }

    /// Sends a payment until the server has answered for it.
    async fn deliver(&mut self, body: Bytes) -> anyhow::Result<()> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let answer = tokio::time::timeout(ANSWER_WAIT, self.ask(body.clone())).await;
            let again = match answer {
                Ok(Ok((StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, said))) => {
                    format!("it is overloaded: {said}")
                }
                Ok(Ok((status, said))) => {
                    self.count(status, said);
                    return Ok(());
                }
                Ok(Err(error)) => format!("{error:#}"),
                Err(_) => "no answer within a minute".to_owned(),
            };
            if attempt == ATTEMPTS {
                // A text and no source: a broken connection is no broken pipe of ours.
                anyhow::bail!(
                    "the server at http://{} takes no more payments: {again}",
                    self.address
                );
            }
            self.counts.again.fetch_add(1, Relaxed);
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    /// One request, one answer; the connection is kept where the server keeps it.
    async fn ask(&mut self, body: Bytes) -> anyhow::Result<(StatusCode, String)> {
        let mut sender = match self.sender.take() {
            Some(sender) if !sender.is_closed() => sender,
            _ => connect(&self.address).await?,
        };
        sender.ready().await?;
        let request = Request::post("/api/v1/decisions")
            .header(HOST, &self.address)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))?;
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let said = answer.into_body().collect().await?.to_bytes();
        self.sender = Some(sender);
        let said = match status {
            StatusCode::OK | StatusCode::ACCEPTED => String::new(),
            _ => String::from_utf8_lossy(&said).into_owned(),
        };
        Ok((status, said))
    }

    fn count(&self, status: StatusCode, said: String) {
        let counter = match status {
            StatusCode::OK => &self.counts.decided,
            StatusCode::ACCEPTED => &self.counts.pending,
            _ => {
                let short: String = said.chars().take(400).collect();
                let hint = match status {
                    StatusCode::CONFLICT => {
                        ". The server knows other payments by these ids: name another --id-prefix"
                    }
                    _ => "",
                };
                let told = format!("{status}: {short}{hint}");
                let _ = self.counts.first_refusal.set(told);
                &self.counts.refused
            }
        };
        counter.fetch_add(1, Relaxed);
    }
}

async fn connect(address: &str) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await?;
    // A payment is one small write: waiting to fill a packet would be its whole latency.
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        // Its error is told by the request that meets it.
        let _ = connection.await;
    });
    Ok(sender)
}

/// `host:port` of a plain URL without a path.
pub fn address_of(url: &str) -> anyhow::Result<&str> {
    let unfit = |why: &str| {
        usage(format!(
            "--output {url}: {why}, as http://127.0.0.1:8000 does"
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
