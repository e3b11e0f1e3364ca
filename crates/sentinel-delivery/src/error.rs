//! What can go wrong with a delivery, by what the caller can do about it.
//!
//! Promises to name the attempt and the sink. Causes are shared: one failed write fails many messages.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// What became of one message.
pub type DeliveryResult = Result<(), DeliveryError>;

/// A failed delivery, or a sink that cannot be opened.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DeliveryError {
    /// The file cannot be opened: look at the path and its permissions.
    #[error("open the sink {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<io::Error>,
    },
    /// Another process writes to the file, or another sink of this one.
    #[error("open the sink {path}: somebody else writes to it")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file does not end like a file of lines: it is probably another one.
    #[error(
        "open the sink {path}: it ends in {bytes} bytes without a line break, no file of messages does"
    )]
    NotLines {
        /// The file.
        path: PathBuf,
        /// How many bytes follow the last line break.
        bytes: u64,
    },
    /// The sink did not take the batch: send it again later.
    #[error("write to the sink {sink}")]
    Write {
        /// Which sink.
        sink: String,
        /// Why.
        #[source]
        source: Arc<io::Error>,
    },
    /// The message can never be sent: its payload is not JSON.
    #[error("send message {id}: its payload is not JSON ({what})")]
    Unsendable {
        /// The message.
        id: String,
        /// What is wrong with it.
        what: String,
    },
}

impl DeliveryError {
    /// Whether trying again is of no use, so that the message is a dead letter at once.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Unsendable { .. })
    }

    /// For `map_err`: a sink did not take a batch.
    pub(crate) fn writing(sink: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Write {
            sink: sink.into(),
            source: Arc::new(source),
        }
    }
}
