//! Room: whether the disk has any, asked before it has none.
//!
//! A write that meets a full disk poisons the log, so appends are refused while there is still a reserve:
//! it holds what is queued already, and what others on the disk need to finish. A file kept as ballast
//! would do the same, worse: it would have to be removed in time and made again.
//!
//! Promises to ask the disk seldom: after so much was let in as the last answer allowed, or after a while,
//! since others fill the disk too. While it is full each append asks, so that the log resumes by itself.

use std::time::{Duration, Instant};

use super::directory::LogDirectory;
use crate::error::LogError;
use crate::event_log::{Durability, EmbeddedOptions};

/// The reserve of a large disk, in bytes.
const RESERVE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// The reserve of a small one, as a share of its size.
const RESERVE_PERCENT: u64 = 5;
/// A log that follows from another one has a smaller reserve: it shall still take what that one took.
const DERIVED_DIVISOR: u64 = 4;
/// An answer of the disk is believed for so long: others cannot fill a reserve in that time, and five
/// hundred questions a second cost nothing.
const BELIEVED_FOR: Duration = Duration::from_millis(2);

/// What is known of the room on the disk.
#[derive(Debug)]
pub(super) struct RoomGauge {
    /// As the options say: zero never asks.
    free_bytes_min: Option<u64>,
    /// The usual reserve is divided by this.
    divisor: u64,
    /// This much may be let in before the disk is asked again.
    allowed_bytes: u64,
    asked: Option<Instant>,
    full: bool,
}

impl RoomGauge {
    pub(super) fn new(options: &EmbeddedOptions) -> Self {
        Self {
            free_bytes_min: options.free_bytes_min,
            divisor: match options.durability {
                Durability::Always => 1,
                Durability::Never => DERIVED_DIVISOR,
            },
            allowed_bytes: 0,
            asked: None,
            full: false,
        }
    }

    /// Whether so many bytes may be queued, where `waiting_bytes` are queued and not written yet, the first
    /// of them since `queued_since` (now, where there are none).
    pub(super) fn admit(
        &mut self,
        directory: &LogDirectory,
        queued_since: Instant,
        waiting_bytes: u64,
        bytes: u64,
    ) -> Result<(), LogError> {
        if self.free_bytes_min == Some(0) {
            return Ok(());
        }
        // A simulation has no time: there, each append asks.
        let believed = self.allowed_bytes >= bytes
            && directory.disk.has_time()
            && self
                .asked
                .is_some_and(|at| queued_since.saturating_duration_since(at) < BELIEVED_FOR);
        if !believed {
            self.ask(directory, waiting_bytes, bytes)?;
        }
        self.allowed_bytes = self.allowed_bytes.saturating_sub(bytes);
        Ok(())
    }

    fn ask(
        &mut self,
        directory: &LogDirectory,
        waiting_bytes: u64,
        bytes: u64,
    ) -> Result<(), LogError> {
        self.asked = Some(Instant::now());
        let room = match directory.disk.room(&directory.path) {
            Ok(room) => room,
            Err(error) => {
                // A disk that does not say is written to as before: the write itself will tell.
                tracing::debug!(%error, "the disk does not say how much is free");
                self.allowed_bytes = u64::MAX;
                return Ok(());
            }
        };
        let usual = RESERVE_BYTES_MAX.min(room.total_bytes / 100 * RESERVE_PERCENT);
        let reserve = self.free_bytes_min.unwrap_or(usual / self.divisor);
        let needed_bytes = reserve.saturating_add(waiting_bytes).saturating_add(bytes);
        let full = room.free_bytes < needed_bytes;
        if full != self.full {
            self.full = full;
            let (free_bytes, directory) = (room.free_bytes, directory.path.display());
            if full {
                tracing::error!(
                    %directory, free_bytes, needed_bytes,
                    "the disk is nearly full: the log takes nothing until some of it is freed"
                );
            } else {
                tracing::info!(%directory, free_bytes, "there is room again: the log goes on");
            }
        }
        self.allowed_bytes = room
            .free_bytes
            .saturating_sub(reserve.saturating_add(waiting_bytes));
        if full {
            self.allowed_bytes = 0;
            let free_bytes = room.free_bytes;
            return Err(LogError::DiskFull {
                free_bytes,
                needed_bytes,
            });
        }
        Ok(())
    }
}
