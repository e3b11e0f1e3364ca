//! The store itself: its backends, how they are opened and closed, and what it counts.
//!
//! Promises one behaviour on every backend. Must never be asked by a caller which backend it is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Row as _, Sqlite, SqlitePool, Transaction};

use crate::error::{StoreError, is_not_a_database};
use crate::layout;
use crate::row::Query;

/// The tables, compiled in. A new file under `migrations/` is seen once this crate is built again.
static MIGRATOR: Migrator = sqlx::migrate!();

/// How long a writer waits for another process before it gives up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Readers beside the one writer.
const READERS_MAX: u32 = 4;

/// Operational truth for people. Cheap to clone; clones share the same connections.
#[derive(Debug, Clone)]
pub struct Store {
    backend: Backend,
}

/// Where the rows are.
#[derive(Debug, Clone)]
enum Backend {
    /// SQLite in memory: one connection, for a second one would see another database.
    Memory { only: SqlitePool },
    /// A SQLite file: readers see the last commit while the writer is at work.
    File {
        writer: SqlitePool,
        readers: SqlitePool,
    },
}

/// How much there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Alerts ever raised.
    pub alerts: u64,
    /// Alerts nobody has decided on.
    pub alerts_open: u64,
    /// Cases that wait for somebody.
    pub cases_open: u64,
    /// Messages that are neither delivered nor given up.
    pub outbox_pending: u64,
}

impl Store {
    /// A store that lives as long as its last clone.
    pub async fn memory() -> Result<Self, StoreError> {
        let path = Path::new(":memory:");
        let options = SqliteConnectOptions::new().in_memory(true);
        let only = connect_one(options, path).await?;
        migrate(&only, path).await?;
        let backend = Backend::Memory { only };
        Ok(Self { backend })
    }

    /// The store in a file, made where there is none; its folder must exist. After a power loss the last
    /// commits may be gone, but whole commits with their progress, so the follower makes them again.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        // Absolute, so that SQLite reads no meaning into names like `:memory:`.
        let path = absolute(path)?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .busy_timeout(BUSY_TIMEOUT)
            .synchronous(SqliteSynchronous::Normal);
        let writing = options
            .clone()
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal);
        let writer = connect_one(writing, &path).await?;
        migrate_checked(&writer, &path).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .test_before_acquire(false)
            .connect_with(options.pragma("query_only", "ON"))
            .await
            .map_err(StoreError::opening(&path))?;
        let backend = Backend::File { writer, readers };
        Ok(Self { backend })
    }

    /// Forces what was committed so far to the disk: a power loss takes none of it back.
    pub async fn sync(&self) -> Result<(), StoreError> {
        let attempt = "force the store to the disk";
        // SQLite syncs its log of writes before it moves them, and the moved ones behind that.
        let query = sqlx::query("PRAGMA wal_checkpoint(FULL)");
        let row = query
            .fetch_one(self.writer())
            .await
            .map_err(StoreError::backend(attempt))?;
        let is_busy: i64 = row.try_get(0).map_err(StoreError::backend(attempt))?;
        match is_busy {
            0 => Ok(()),
            _ => Err(StoreError::backend(attempt)(sqlx::Error::Protocol(
                "somebody else reads or writes it".to_owned(),
            ))),
        }
    }

    /// How much there is.
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        let attempt = "count the rows of the store";
        let query = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM alerts) AS alerts, \
             (SELECT COUNT(*) FROM alerts WHERE status = 1) AS alerts_open, \
             (SELECT COUNT(*) FROM cases WHERE status = 1) AS cases_open, \
             (SELECT COUNT(*) FROM outbox WHERE state = 1) AS outbox_pending",
        );
        let row = query
            .fetch_one(self.reader())
            .await
            .map_err(StoreError::backend(attempt))?;
        let count = |column: &str| {
            let count: i64 = row.try_get(column).map_err(StoreError::backend(attempt))?;
            // A count is never below zero.
            Ok::<u64, StoreError>(count.unsigned_abs())
        };
        Ok(Counts {
            alerts: count("alerts")?,
            alerts_open: count("alerts_open")?,
            cases_open: count("cases_open")?,
            outbox_pending: count("outbox_pending")?,
        })
    }

    /// Writes a copy of the store in a file, as it is at one moment, to a file that is not there yet. Whoever uses
    /// it goes on, and its form stays what it is.
    pub async fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
        let (from, to) = (absolute(from)?, absolute(to)?);
        let options = SqliteConnectOptions::new()
            .filename(&from)
            .busy_timeout(BUSY_TIMEOUT);
        let reader = connect_one(options, &from).await?;
        let mut connection = reader.acquire().await.map_err(StoreError::opening(&from))?;
        // A copy of what is damaged is no backup.
        layout::check_before(&mut connection, (&MIGRATOR, &from)).await?;
        drop(connection);
        let copied = sqlx::query("VACUUM INTO $1")
            .bind(to.to_string_lossy().into_owned())
            .execute(&reader)
            .await;
        reader.close().await;
        copied
            .map(drop)
            .map_err(StoreError::backend("copy the store"))
    }

    /// Waits for running work and closes every connection, for all clones.
    pub async fn close(&self) {
        match &self.backend {
            Backend::Memory { only } => only.close().await,
            Backend::File { writer, readers } => {
                // The writer last: whoever closes last folds the write-ahead log into the file.
                readers.close().await;
                writer.close().await;
            }
        }
    }

    /// Where reads go.
    pub(crate) fn reader(&self) -> &SqlitePool {
        match &self.backend {
            Backend::Memory { only } => only,
            Backend::File { readers, .. } => readers,
        }
    }

    /// A transaction that may write. It takes the write lock at once: one that turned from reading to
    /// writing midway could fail where another process wrote in between.
    pub(crate) async fn begin(
        &self,
        attempt: &'static str,
    ) -> Result<Transaction<'static, Sqlite>, StoreError> {
        begin_immediate(self.writer())
            .await
            .map_err(StoreError::backend(attempt))
    }

    /// Runs one statement that writes.
    pub(crate) async fn execute(
        &self,
        query: Query,
        attempt: &'static str,
    ) -> Result<(), StoreError> {
        let done = query.execute(self.writer()).await;
        done.map(|_| ()).map_err(StoreError::backend(attempt))
    }

    /// Where writes go, one after the other.
    pub(crate) fn writer(&self) -> &SqlitePool {
        match &self.backend {
            Backend::Memory { only } => only,
            Backend::File { writer, .. } => writer,
        }
    }
}

async fn begin_immediate(pool: &SqlitePool) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
    pool.begin_with("BEGIN IMMEDIATE").await
}

/// One connection that is never closed for being idle or old: in memory it is the database.
async fn connect_one(options: SqliteConnectOptions, path: &Path) -> Result<SqlitePool, StoreError> {
    SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        // A connection whose test is cancelled is thrown away, and with it a database in memory.
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .map_err(StoreError::opening(path))
}

/// Brings the tables to this version, all of it or nothing. Inside one transaction, since two processes
/// that open a new file at once would otherwise both create the tables.
async fn migrate(pool: &SqlitePool, path: &Path) -> Result<(), StoreError> {
    let failed = |cause: MigrateError| match cause {
        MigrateError::Execute(source) if is_not_a_database(&source) => {
            StoreError::opening(path)(source)
        }
        other => StoreError::Migrate {
            path: path.to_owned(),
            source: Box::new(other),
        },
    };
    let mut transaction = begin_immediate(pool)
        .await
        .map_err(StoreError::opening(path))?;
    // `run` asks for a general `Acquire`, which keeps the future from being `Send`.
    let done = MIGRATOR.run_direct(None, &mut *transaction, false).await;
    done.map_err(failed)?;
    let committed = transaction.commit().await;
    committed.map_err(|cause| failed(MigrateError::Execute(cause)))
}

/// The same in a file, whose word on its own tables is taken only where it is what this version, or one before, has written.
async fn migrate_checked(pool: &SqlitePool, path: &Path) -> Result<(), StoreError> {
    let mut connection = pool.acquire().await.map_err(StoreError::opening(path))?;
    layout::check_before(&mut connection, (&MIGRATOR, path)).await?;
    drop(connection);
    migrate(pool, path).await?;
    let mut connection = pool.acquire().await.map_err(StoreError::opening(path))?;
    layout::check_after(&mut connection, (&MIGRATOR, path)).await
}

fn absolute(path: &Path) -> Result<PathBuf, StoreError> {
    std::path::absolute(path).map_err(|source| StoreError::Open {
        path: path.to_owned(),
        source: Box::new(source),
    })
}
