//! A sink over a writer that was handed in: lines that scroll by.
//!
//! Promises that a line is never glued to a torn one. Must never be asked to take anything back: what was
//! written is gone.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use crate::error::DeliveryError;

pub(crate) struct WriterSink {
    state: Mutex<State>,
}

struct State {
    writer: Box<dyn Write + Send>,
    /// Whether the last byte that left belongs to a line that was not finished.
    torn: bool,
}

impl fmt::Debug for WriterSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriterSink").finish_non_exhaustive()
    }
}

impl WriterSink {
    pub(crate) fn new(writer: Box<dyn Write + Send>) -> Self {
        let state = Mutex::new(State {
            writer,
            torn: false,
        });
        Self { state }
    }

    /// Writes whole lines and flushes.
    pub(crate) fn write(&self, lines: &str) -> Result<(), DeliveryError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state
            .write(lines)
            .map_err(DeliveryError::writing("standard output"))
    }
}

impl State {
    fn write(&mut self, lines: &str) -> io::Result<()> {
        if self.torn {
            // A fragment of its own is a line that no reader can take for a message.
            self.write_bytes(b"\n")?;
        }
        self.write_bytes(lines.as_bytes())?;
        self.writer.flush()
    }

    /// `write_all`, but knowing after a failure whether a line was torn.
    fn write_bytes(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.writer.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    let (written, rest) = bytes.split_at(count.min(bytes.len()));
                    self.torn = written.last() != Some(&b'\n');
                    bytes = rest;
                }
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(cause),
            }
        }
        Ok(())
    }
}
