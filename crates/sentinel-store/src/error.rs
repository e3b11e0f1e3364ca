//! What can go wrong with the store, by what the caller can do about it.
//!
//! Promises to name the attempt and the thing. Must never let a backend's error type into the
//! signature: the cause is boxed, for printing only.

use std::error::Error;
use std::path::{Path, PathBuf};

use sentinel_domain::{LogId, Offset, Partition};

use crate::follower::Progress;

/// A failed use of the store. Unless said otherwise nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened or created: look at the path and its permissions.
    #[error("open the store at {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The path holds something else: choose another path.
    #[error("open the store at {path}: the file is not a SQLite database")]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The tables cannot be brought to this version: a newer version wrote them, or they were changed.
    #[error("bring the tables of the store at {path} to this version")]
    Migrate {
        /// The file, or `:memory:`.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The file describes other tables than this version makes: it is damaged, or a newer version changed it.
    #[error(
        "open the store at {path}: {object} {what}, so the file is damaged, or of a newer version. Restore it from a \
         backup; or move it away, with its -wal and -shm: a start makes alerts, cases and overrides again from the log, \
         without what people have set on them since, and sends the messages again under their ids"
    )]
    Layout {
        /// The file.
        path: PathBuf,
        /// Which table, index or view.
        object: String,
        /// What it is.
        what: &'static str,
    },
    /// The backend refused or could not be reached: try again later. After [`Store::commit`] the outcome
    /// may be unknown; read [`Store::progress`].
    ///
    /// [`Store::commit`]: crate::Store::commit
    /// [`Store::progress`]: crate::Store::progress
    #[error("{attempt}")]
    Backend {
        /// What was tried.
        attempt: &'static str,
        /// Why it failed.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Another owner took over, or progress stands elsewhere: drop the state and stop.
    #[error(
        "commit of follower {follower} on partition {}, epoch {epoch}, from offset {from}: fenced, the store stands at {}",
        partition.0,
        found.map_or_else(|| "nothing".to_owned(), |p| format!("epoch {}, offset {}", p.epoch, p.next))
    )]
    Fenced {
        /// Who tried to commit.
        follower: String,
        /// On which partition.
        partition: Partition,
        /// Under which epoch.
        epoch: u64,
        /// From which offset.
        from: Offset,
        /// Where the store stands; `None` where the follower never took over.
        found: Option<Progress>,
    },
    /// The store belongs to another log generation: the log was re-created, or the wrong file was opened.
    #[error(
        "follower {follower}: the store holds progress of log {stored}, the log at hand is {asked}"
    )]
    OtherLog {
        /// Whose progress it is.
        follower: String,
        /// The log that the store knows.
        stored: LogId,
        /// The log that was asked for.
        asked: LogId,
    },
    /// A stored row is not what was written: restore the store, or rebuild it from the log.
    #[error("read {table} {id}: the stored row is damaged ({what})")]
    Damaged {
        /// The table.
        table: &'static str,
        /// The row's identifier, as far as it can be read.
        id: String,
        /// What does not hold.
        what: String,
    },
    /// The caller's commit contradicts itself: a fault of the caller.
    #[error("commit of follower {follower}: {what}")]
    Contradiction {
        /// Who tried to commit.
        follower: String,
        /// What contradicts what.
        what: String,
    },
    /// The cursor was not made by this store for this list.
    #[error("read a page: {cursor:?} is not a cursor of this list")]
    BadCursor {
        /// The text that was given.
        cursor: String,
    },
    /// The number of rows asked for is out of bounds.
    #[error("read a page: limit {limit} is not within 1 to {}", crate::LIMIT_MAX)]
    BadLimit {
        /// What was asked for.
        limit: u32,
    },
}

/// SQLite's primary result code for a file that is something else.
const SQLITE_NOTADB: i32 = 26;

impl StoreError {
    /// For `map_err`: a backend's error under the name of what was tried.
    pub(crate) fn backend(attempt: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Backend {
            attempt,
            source: Box::new(source),
        }
    }

    /// For `map_err`: opening failed.
    pub(crate) fn opening(path: &Path) -> impl FnOnce(sqlx::Error) -> Self + '_ {
        move |source| {
            let path = path.to_owned();
            if is_not_a_database(&source) {
                return Self::NotADatabase { path };
            }
            let source = Box::new(source);
            Self::Open { path, source }
        }
    }

    /// A row that does not hold.
    pub(crate) fn damaged(table: &'static str, id: &str, what: impl Into<String>) -> Self {
        Self::Damaged {
            table,
            id: id.to_owned(),
            what: what.into(),
        }
    }
}

/// Whether the backend says that the file is no database.
pub(crate) fn is_not_a_database(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|cause| cause.code());
    // Extended result codes keep the primary one in their low byte.
    code.and_then(|code| code.parse::<i32>().ok())
        .is_some_and(|code| code & 0xff == SQLITE_NOTADB)
}
