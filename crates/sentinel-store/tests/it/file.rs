//! What only a file can do: outlive its process, be shared, be something else.

use std::error::Error as _;

use sentinel_store::{AlertQuery, Store, StoreError};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

use crate::rows::{FOLLOWER, LOG, PARTITION, full};

#[tokio::test]
async fn reopening_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = Store::open(&path).await.unwrap();
    store.take_over(FOLLOWER, LOG, PARTITION).await.unwrap();
    store.commit(&full(0, 60)).await.unwrap();
    let alerts = store.alerts(&AlertQuery::default()).await.unwrap();
    let counts = store.counts().await.unwrap();
    let progress = store.progress(FOLLOWER, LOG, PARTITION).await.unwrap();
    store.close().await;
    assert!(!folder.path().join("store.db-wal").exists(), "folded in");

    let store = Store::open(&path).await.unwrap();
    assert_eq!(store.alerts(&AlertQuery::default()).await.unwrap(), alerts);
    assert_eq!(store.counts().await.unwrap(), counts);
    let again = store.progress(FOLLOWER, LOG, PARTITION).await.unwrap();
    assert_eq!(again, progress);
    store.commit(&full(60, 70)).await.unwrap();
}

#[tokio::test]
async fn a_store_that_was_never_closed_opens_with_its_last_commit() {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live.db");
    let store = Store::open(&live).await.unwrap();
    store.take_over(FOLLOWER, LOG, PARTITION).await.unwrap();
    store.commit(&full(0, 60)).await.unwrap();
    // What a killed process leaves behind: the file and its write-ahead log as they stand.
    let copy = folder.path().join("copy.db");
    std::fs::copy(&live, &copy).unwrap();
    let log = |path: &std::path::Path| path.with_extension("db-wal");
    std::fs::copy(log(&live), log(&copy)).unwrap();

    let survivor = Store::open(&copy).await.unwrap();
    assert_eq!(survivor.counts().await.unwrap().alerts, 60);
    survivor.commit(&full(60, 61)).await.unwrap();
}

#[tokio::test]
async fn what_is_synced_needs_no_log_of_writes() {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live.db");
    let store = Store::open(&live).await.unwrap();
    store.take_over(FOLLOWER, LOG, PARTITION).await.unwrap();
    store.commit(&full(0, 60)).await.unwrap();
    store.sync().await.unwrap();
    store.commit(&full(60, 70)).await.unwrap();
    // The power took the log of writes.
    let copy = folder.path().join("copy.db");
    std::fs::copy(&live, &copy).unwrap();
    let survivor = Store::open(&copy).await.unwrap();
    assert_eq!(survivor.counts().await.unwrap().alerts, 60);
    survivor.commit(&full(60, 61)).await.unwrap();
    Store::memory().await.unwrap().sync().await.unwrap();
}

#[tokio::test]
async fn two_handles_see_each_other_and_fence_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let first = Store::open(&path).await.unwrap();
    let second = Store::open(&path).await.unwrap();
    first.take_over(FOLLOWER, LOG, PARTITION).await.unwrap();
    first.commit(&full(0, 10)).await.unwrap();
    assert_eq!(second.counts().await.unwrap().alerts, 10);

    let taken = second.take_over(FOLLOWER, LOG, PARTITION).await.unwrap();
    assert_eq!((taken.next.0, taken.epoch), (10, 2));
    let mut commit = full(10, 70);
    let refused = first.commit(&commit).await.unwrap_err();
    assert!(matches!(refused, StoreError::Fenced { .. }), "{refused}");
    commit.epoch = 2;
    second.commit(&commit).await.unwrap();
    assert_eq!(first.counts().await.unwrap().alerts, 70);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn handles_that_write_at_once_wait_for_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    // The switch of a new file to its write-ahead log waits for nobody; after it, everybody waits.
    let _first = Store::open(&path).await.unwrap();
    let owners: Vec<_> = (0..4)
        .map(|_| {
            let path = path.clone();
            tokio::spawn(async move {
                let store = Store::open(&path).await.unwrap();
                for _ in 0..25 {
                    store.take_over(FOLLOWER, LOG, PARTITION).await.unwrap();
                    store.counts().await.unwrap();
                }
            })
        })
        .collect();
    for owner in owners {
        owner.await.unwrap();
    }
    let store = Store::open(&path).await.unwrap();
    let progress = store.progress(FOLLOWER, LOG, PARTITION).await.unwrap();
    assert_eq!(progress.unwrap().epoch, 100, "no take-over was lost");
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    let content = "this is a letter to the board, not a database\n".repeat(200);
    std::fs::write(&path, &content).unwrap();
    let refused = Store::open(&path).await.unwrap_err();
    assert!(matches!(refused, StoreError::NotADatabase { .. }));
    let expected = format!(
        "open the store at {}: the file is not a SQLite database",
        path.display()
    );
    assert_eq!(refused.to_string(), expected);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
}

#[tokio::test]
async fn a_path_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for path in [
        folder.path().join("absent/store.db"),
        folder.path().to_owned(),
    ] {
        let refused = Store::open(&path).await.unwrap_err();
        assert!(matches!(refused, StoreError::Open { .. }), "{refused:?}");
        let expected = format!("open the store at {}", path.display());
        assert_eq!(refused.to_string(), expected);
        assert!(refused.source().is_some());
    }
}

#[tokio::test]
async fn a_database_cut_in_half_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = Store::open(&path).await.unwrap();
    store.take_over(FOLLOWER, LOG, PARTITION).await.unwrap();
    store.commit(&full(0, 60)).await.unwrap();
    store.close().await;
    let length = std::fs::metadata(&path).unwrap().len();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(length / 2).unwrap();

    let read = match Store::open(&path).await {
        Ok(store) => store.alerts(&AlertQuery::default()).await.map(drop),
        Err(refused) => Err(refused),
    };
    let refused = read.unwrap_err();
    let cause = refused
        .source()
        .map(ToString::to_string)
        .unwrap_or_default();
    assert!(cause.contains("malformed"), "{refused}: {cause}");
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    Store::open(&path).await.unwrap().close().await;
    let mut around = SqliteConnectOptions::new()
        .filename(&path)
        .connect()
        .await
        .unwrap();
    sqlx::query("INSERT INTO _sqlx_migrations VALUES (9999, 'later', 0, TRUE, x'00', 0)")
        .execute(&mut around)
        .await
        .unwrap();
    let refused = Store::open(&path).await.unwrap_err();
    assert!(matches!(refused, StoreError::Migrate { .. }), "{refused:?}");
    assert!(refused.to_string().contains("store.db"), "{refused}");
}

#[tokio::test]
async fn a_name_that_means_something_to_the_database_is_only_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file:store?mode=memory");
    let store = Store::open(&path).await.unwrap();
    store.take_over(FOLLOWER, LOG, PARTITION).await.unwrap();
    store.close().await;
    assert!(path.exists());
}
