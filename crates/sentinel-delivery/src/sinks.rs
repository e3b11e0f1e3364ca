//! Sinks for machines: where messages go.
//!
//! A closed set behind one type. A new one is a file under `sinks/` and a variant here.

pub(crate) mod file;
pub(crate) mod writer;
pub(crate) mod memory;

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use crate::error::DeliveryError;

use self::file::{FileSink, TornLine};
use self::memory::Inbox;
use self::writer::WriterSink;

/// Somewhere to send messages to. Cheap to clone; clones share the same end.
#[derive(Debug, Clone)]
pub struct Sink {
    backend: Backend,
}

#[derive(Debug, Clone)]
enum Backend {
    File(Arc<FileSink>),
    Writer(Arc<WriterSink>),
    Memory(Inbox),
}

impl Sink {
    /// A file that is appended to, made where there is none; its folder must exist. A line that a crash
    /// tore off is cut and reported by [`Sink::torn_line`]. One sink at a time holds a file.
    pub fn file(path: &Path) -> Result<Self, DeliveryError> {
        let backend = Backend::File(Arc::new(FileSink::open(path)?));
        Ok(Self { backend })
    }

    /// A writer that was handed in: standard output, as a rule.
    pub fn stdout(writer: impl Write + Send + 'static) -> Self {
        let backend = Backend::Writer(Arc::new(WriterSink::new(Box::new(writer))));
        Self { backend }
    }

    /// A sink in memory and the end at which its lines arrive, for tests.
    pub fn memory() -> (Self, Inbox) {
        let inbox = Inbox::default();
        let backend = Backend::Memory(inbox.clone());
        (Self { backend }, inbox)
    }

    /// The torn line that was cut when the file was opened, where there was one.
    pub fn torn_line(&self) -> Option<TornLine> {
        match &self.backend {
            Backend::File(sink) => sink.torn_line(),
            Backend::Writer(_) | Backend::Memory(_) => None,
        }
    }

    /// Takes whole lines, all or (as far as the caller may rely on it) none.
    pub(crate) async fn write(&self, lines: String) -> Result<(), DeliveryError> {
        match &self.backend {
            Backend::File(sink) => {
                let sink = sink.clone();
                off_thread(move || sink.append(&lines)).await
            }
            Backend::Writer(sink) => {
                let sink = sink.clone();
                off_thread(move || sink.write(&lines)).await
            }
            Backend::Memory(inbox) => inbox.take(&lines),
        }
    }
}

/// Runs work that may block where blocking is allowed.
async fn off_thread(
    work: impl FnOnce() -> Result<(), DeliveryError> + Send + 'static,
) -> Result<(), DeliveryError> {
    let done = tokio::task::spawn_blocking(work).await;
    // Only a shutdown of the runtime, or a panic of a writer that was handed in, ends a task early.
    done.unwrap_or_else(|ended| Err(DeliveryError::writing("task")(io::Error::other(ended))))
}
