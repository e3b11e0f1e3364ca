//! A running server: one `POST /api/v1/decisions` a payment and one `POST /api/v1/labels` a label, over a
//! bounded number of connections.
//!
//! A payment is sent as soon as it is handed in and a connection is free; while none is, the writer waits
//! and shows as lag. A label is sent before the first payment that is not older than its `known_at`, the rest
//! at the end, but for those that nobody can know yet by this machine's clock. With several connections they
//! may overtake each other on the way; with one they do not. A server that is overloaded is asked again,
//! since the event id makes a repeat harmless; what it refuses is counted and the first refusal is told. Must
//! never put a label into a payment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::Context;
use sentinel_domain::Label;
use sentinel_pipeline::intake::json;
use sentinel_pipeline::intake::labels::PendingLabels;
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use super::Told;
use crate::clock;
use crate::commands::generate::chunk::Chunk;
use crate::connection::{Connection as Wire, DECISIONS, Target};

/// The path of labels.
const LABELS: &str = "/api/v1/labels";

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
    labelled: AtomicU64,
    refused: AtomicU64,
    again: AtomicU64,
    first_refusal: std::sync::OnceLock<String>,
}

/// What is sent: a body to a path.
type Request = (&'static str, Vec<u8>);

/// A server that payments are sent to.
pub struct Http {
    runtime: Runtime,
    requests: mpsc::Sender<Request>,
    labels: PendingLabels,
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
        let target = Target {
            address: address.to_owned(),
            host: address.to_owned(),
            path: DECISIONS.to_owned(),
        };
        let first = runtime.block_on(Wire::open(&target)).map_err(|error| {
            anyhow::anyhow!(
                "cannot reach the server at http://{address}: {error:#}; is it running?"
            )
        })?;
        let (requests, waiting) = mpsc::channel(connections);
        let waiting = Arc::new(Mutex::new(waiting));
        let counts = Arc::new(Counts::default());
        let mut set = JoinSet::new();
        let mut first = Some(first);
        for _ in 0..connections {
            let connection = Connection {
                target: target.clone(),
                wire: first.take(),
                counts: Arc::clone(&counts),
            };
            set.spawn_on(connection.serve(Arc::clone(&waiting)), runtime.handle());
        }
        Ok(Self {
            runtime,
            requests,
            labels: PendingLabels::given(),
            connections: set,
            counts,
        })
    }

    /// Sends rows of a chunk, and the labels that are known by then; waits while every connection is busy.
    pub fn write(&mut self, chunk: &Chunk, from: usize, to: usize) -> anyhow::Result<()> {
        for index in from..to {
            let (Some(row), Some(generated)) = (chunk.rows.get(index), chunk.made.get(index))
            else {
                break;
            };
            while let Some(label) = self.labels.take_due(row.event_time) {
                self.send_label(&label)?;
            }
            self.send(DECISIONS, chunk.spelled(index, index + 1).to_vec())?;
            if let Some(label) = generated.label.as_ref().filter(|_| !generated.repeated) {
                self.labels.push(Box::new(label.clone()));
            }
        }
        self.look_for_failure()
    }

    fn send_label(&mut self, label: &Label) -> anyhow::Result<()> {
        let mut body = Vec::new();
        json::write_label(label, None, None, &mut body);
        self.send(LABELS, body)
    }

    fn send(&mut self, path: &'static str, body: Vec<u8>) -> anyhow::Result<()> {
        if self.requests.blocking_send((path, body)).is_err() {
            // Every connection has ended with an error.
            return self.joined();
        }
        Ok(())
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

    /// Sends the labels that are left, where anybody can know them, and waits for the last answers. What was
    /// refused is a failure. After an interrupt no label is sent that would not have been due.
    pub fn finish(mut self, whole: bool) -> anyhow::Result<Told> {
        let now = clock::now();
        let mut ahead = 0_u64;
        while whole && let Some(label) = self.labels.take_any() {
            if label.known_at > now {
                ahead += 1;
            } else {
                self.send_label(&label)?;
            }
        }
        let (closed, _) = mpsc::channel(1);
        drop(std::mem::replace(&mut self.requests, closed));
        self.joined()?;
        let counts = &self.counts;
        let count = |count: &AtomicU64| count.load(Relaxed);
        let mut told = format!(
            "{} decided, {} accepted and pending, {} labels taken, {} refused, {} sent again",
            count(&counts.decided),
            count(&counts.pending),
            count(&counts.labelled),
            count(&counts.refused),
            count(&counts.again)
        );
        if ahead > 0 {
            told.push_str(&format!(
                "; {ahead} labels stay here: they become known ahead of the clock"
            ));
        }
        match counts.first_refusal.get() {
            None => Ok(Some(told)),
            Some(refusal) => anyhow::bail!("{told}; the first refusal: {refusal}"),
        }
    }
}

/// One connection to the server, made again where it breaks.
struct Connection {
    target: Target,
    wire: Option<Wire>,
    counts: Arc<Counts>,
}

impl Connection {
    async fn serve(mut self, requests: Arc<Mutex<mpsc::Receiver<Request>>>) -> anyhow::Result<()> {
        loop {
            let next = requests.lock().await.recv().await;
            let Some((path, body)) = next else {
                return Ok(());
            };
            self.deliver(path, &body).await?;
        }
    }

    /// Sends a payment or a label until the server has answered for it.
    async fn deliver(&mut self, path: &'static str, body: &[u8]) -> anyhow::Result<()> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let answer = tokio::time::timeout(ANSWER_WAIT, self.ask(path, body)).await;
            let again = match answer {
                Ok(Ok((429 | 503, said))) => format!("it is overloaded: {said}"),
                Ok(Ok((status, said))) => {
                    self.count(path, status, &said);
                    return Ok(());
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer within a minute".to_owned(),
            };
            if attempt == ATTEMPTS {
                // A text and no source: a broken connection is no broken pipe of ours.
                anyhow::bail!(
                    "the server at http://{} takes nothing more: {again}",
                    self.target.address
                );
            }
            self.counts.again.fetch_add(1, Relaxed);
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    /// One request, one answer; the connection is kept where the server keeps it.
    async fn ask(&mut self, path: &str, body: &[u8]) -> std::io::Result<(u16, String)> {
        let wire = match self.wire.take() {
            Some(wire) => wire,
            None => Wire::open(&self.target).await?,
        };
        let answer = wire.post(&self.target, path, body).await?;
        let status = answer.status;
        let said = match status {
            200..=202 => String::new(),
            _ => String::from_utf8_lossy(answer.body()).into_owned(),
        };
        self.wire = answer.connection();
        Ok((status, said))
    }

    fn count(&self, path: &str, status: u16, said: &str) {
        let counts = &self.counts;
        let counter = match (status, path) {
            (200..=202, LABELS) => &counts.labelled,
            (200, _) => &counts.decided,
            (202, _) => &counts.pending,
            _ => {
                let short: String = said.chars().take(400).collect();
                let hint = match status {
                    409 => {
                        ". The server knows other payments by these ids: name another --id-prefix"
                    }
                    _ => "",
                };
                let told = format!("{path}: {status}: {short}{hint}");
                let _ = counts.first_refusal.set(told);
                &counts.refused
            }
        };
        counter.fetch_add(1, Relaxed);
    }
}
