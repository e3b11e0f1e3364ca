//! What can go wrong, by what the caller can do about it.
//!
//! Promises that damage names the file and the byte. Must never carry payload bytes: they may be secret.

use std::io;
use std::path::{Path, PathBuf};

use sentinel_domain::Offset;

/// Why a log refused.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Too much is waiting already; try again later.
    #[error("append to the log: as much is waiting as the bound allows")]
    Full,
    /// The disk is nearly full. Nothing was written and nothing is broken: appends go on by themselves as
    /// soon as there is room.
    #[error(
        "append to the log: the disk has {free_bytes} bytes free and {needed_bytes} are needed so that it \
         never fills up; free some, and the log goes on by itself"
    )]
    DiskFull {
        /// What is free now.
        free_bytes: u64,
        /// What has to be free for this append: the reserve, what is queued, and the append itself.
        needed_bytes: u64,
    },
    /// The log was closed; nothing more can be appended.
    #[error("use the log: it is closed")]
    Closed,
    /// A write or sync failed before, so what is on disk is unknown. Restart the process.
    #[error("use the log: an earlier write failed and the log must be opened anew: {reason}")]
    Poisoned {
        /// The failure that came first.
        reason: String,
    },
    /// Another process, or another part of this one, holds the directory.
    #[error("open the log in {}: another process has it open", directory.display())]
    Locked {
        /// The directory of the log.
        directory: PathBuf,
    },
    /// The offset was truncated away.
    #[error("read the log at offset {offset}: it starts at {start}")]
    BeforeStart {
        /// What was asked for.
        offset: Offset,
        /// The first offset that is there.
        start: Offset,
    },
    /// The offset is not there yet.
    #[error("read the log at offset {offset}: it ends at {end}")]
    PastEnd {
        /// What was asked for.
        offset: Offset,
        /// The offset after the last committed record.
        end: Offset,
    },
    /// A single record is larger than any log takes.
    #[error("append a record of {bytes} bytes: at most {bytes_max} are allowed")]
    RecordTooLarge {
        /// Its length.
        bytes: usize,
        /// The bound.
        bytes_max: usize,
    },
    /// Source 0 stands for "no source".
    #[error("append with source progress: 0 is not the name of a source")]
    SourceZero,
    /// Bytes on disk are not what was written. Nothing was changed.
    #[error("read {} at byte {offset_bytes}: {detail}", file.display())]
    Corrupt {
        /// The damaged file.
        file: PathBuf,
        /// Where the damage begins.
        offset_bytes: u64,
        /// What was found.
        detail: String,
    },
    /// The files are whole, but of another log, partition or format.
    #[error("open {}: {detail}", file.display())]
    Mismatch {
        /// The file or directory.
        file: PathBuf,
        /// What was found and what was expected.
        detail: String,
    },
    /// The operating system refused.
    #[error("{attempt}")]
    Io {
        /// What was being attempted.
        attempt: String,
        /// Its answer.
        #[source]
        source: io::Error,
    },
}

impl LogError {
    /// Wraps an answer of the operating system with what was attempted on which path.
    pub(crate) fn io<'a>(attempt: &'a str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        // Words are put together only where something failed: this stands on the path of every write.
        move |source| Self::Io {
            attempt: format!("{attempt} {}", path.display()),
            source,
        }
    }

    /// The whole chain in one line, for the reason of a poisoned log.
    pub(crate) fn one_line(&self) -> String {
        match self {
            Self::Io { attempt, source } => format!("{attempt}: {source}"),
            other => other.to_string(),
        }
    }
}

/// Why a payload could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The payload ends in the middle.
    #[error("decode {field}: the payload ends too early")]
    Truncated {
        /// The field being read.
        field: &'static str,
    },
    /// Bytes are left after the last field.
    #[error("decode a payload: {bytes} bytes follow the last field")]
    TrailingBytes {
        /// How many.
        bytes: usize,
    },
    /// The first byte names no known kind.
    #[error("decode a payload: kind {kind} is unknown")]
    UnknownKind {
        /// The byte.
        kind: u8,
    },
    /// Written by a newer program.
    #[error("decode a payload: codec version {version} is unknown")]
    UnknownVersion {
        /// The byte.
        version: u8,
    },
    /// A byte stands for no word of a closed list.
    #[error("decode {field}: code {code} is unknown")]
    UnknownCode {
        /// The field being read.
        field: &'static str,
        /// The byte.
        code: u8,
    },
    /// A text is not UTF-8.
    #[error("decode {field}: the text is not UTF-8")]
    BadUtf8 {
        /// The field being read.
        field: &'static str,
    },
    /// A value breaks the law of its field.
    #[error("decode {field}: {law}")]
    Invalid {
        /// The field being read.
        field: &'static str,
        /// The law it breaks.
        law: &'static str,
    },
    /// A decision names versions that the table does not hold.
    #[error("decode a decision: no versions with the hash {short_hash:016x} are known")]
    UnknownVersions {
        /// The first eight bytes of the hash, big end first as people read it.
        short_hash: u64,
    },
}
