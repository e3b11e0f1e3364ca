//! A file whose word on its own tables is another than ours is refused before anything is asked of it.

use std::path::Path;

use sentinel_domain::ContentHash;
use sentinel_store::{Store, StoreError};
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};

use crate::rows::{FOLLOWER, LOG, PARTITION};

static MIGRATOR: Migrator = sqlx::migrate!();

/// A way around the store.
async fn around(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    options.create_if_missing(true).connect().await.unwrap()
}

async fn run(path: &Path, text: &str) {
    let mut around = around(path).await;
    let query = sqlx::query(AssertSqlSafe(text.to_owned()));
    query.execute(&mut around).await.unwrap();
    around.close().await.unwrap();
}

/// The bytes of an empty store.
async fn empty_store(path: &Path) -> Vec<u8> {
    Store::open(path).await.unwrap().close().await;
    std::fs::read(path).unwrap()
}

/// Why a file is refused that differs in its layout.
async fn refused(path: &Path) -> String {
    let refused = Store::open(path).await.unwrap_err();
    assert!(matches!(refused, StoreError::Layout { .. }), "{refused:?}");
    let told = refused.to_string();
    assert!(told.contains(&path.display().to_string()), "{told}");
    assert!(told.contains("move it away"), "{told}");
    told
}

/// The texts by which a file describes its tables, by name.
async fn tables(path: &Path) -> Vec<(String, String)> {
    let mut around = around(path).await;
    let query = "SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let rows = sqlx::query(query).fetch_all(&mut around).await.unwrap();
    around.close().await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Has a file describe a table otherwise.
async fn describe(path: &Path, table: &str, text: &[u8]) {
    let mut around = around(path).await;
    let query = sqlx::query("PRAGMA writable_schema = ON");
    query.execute(&mut around).await.unwrap();
    let query = sqlx::query("UPDATE sqlite_schema SET sql = CAST($1 AS TEXT) WHERE name = $2");
    let query = query.bind(text).bind(table);
    let done = query.execute(&mut around).await.unwrap();
    assert_eq!(done.rows_affected(), 1);
    around.close().await.unwrap();
}

/// The library's thread panics at such a type as soon as the column is asked for; whoever asks waits for half a minute.
#[tokio::test]
async fn a_type_that_is_no_utf_8_is_refused_in_every_column() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let bytes = empty_store(&path).await;
    let mut tried = 0;
    for (table, text) in tables(&path).await {
        let types = [" BIGINT", " TEXT", " BLOB", " BOOLEAN", " TIMESTAMP"];
        let places = types.into_iter().flat_map(|word| text.match_indices(word));
        for (at, _) in places {
            let mut hit = text.clone().into_bytes();
            hit[at + 1] |= 0x80;
            std::fs::write(&path, &bytes).unwrap();
            describe(&path, &table, &hit).await;
            let told = refused(&path).await;
            let expected = format!("table \"{table}\" is another one");
            assert!(told.contains(&expected), "{told}");
            tried += 1;
        }
    }
    assert!(tried > 60, "{tried} columns");
}

#[tokio::test]
async fn what_differs_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for (serial, (change, expected)) in [
        ("DROP VIEW fraud_alerts", "view \"fraud_alerts\" is missing"),
        (
            "DROP INDEX overrides_by_decision",
            "index \"overrides_by_decision\" is missing",
        ),
        (
            "ALTER TABLE cases ADD COLUMN note TEXT",
            "table \"cases\" is another one",
        ),
        (
            "CREATE TRIGGER quiet AFTER INSERT ON alerts BEGIN DELETE FROM alerts; END",
            "trigger \"quiet\" is not ours",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let path = folder.path().join(format!("{serial}.sqlite"));
        empty_store(&path).await;
        run(&path, change).await;
        let told = refused(&path).await;
        assert!(told.contains(expected), "{told}");
    }
}

#[tokio::test]
async fn a_store_of_every_earlier_version_opens_and_a_damaged_one_of_it_does_not() {
    let folder = tempfile::tempdir().unwrap();
    for migration in MIGRATOR.iter() {
        let version = migration.version;
        let path = folder.path().join(format!("{version}.sqlite"));
        let mut around = around(&path).await;
        MIGRATOR
            .run_direct(Some(version), &mut around, false)
            .await
            .unwrap();
        around.close().await.unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let mut hit = tables(&path).await.remove(1).1.into_bytes();
        hit[50] |= 0x80;
        describe(&path, "alerts", &hit).await;
        let told = refused(&path).await;
        assert!(told.contains("table \"alerts\" is another one"), "{told}");
        std::fs::write(&path, &bytes).unwrap();
        let store = Store::open(&path).await.unwrap();
        store.take_over(FOLLOWER, LOG, PARTITION).await.unwrap();
        assert_eq!(store.counts().await.unwrap().alerts, 0);
    }
}

#[tokio::test]
async fn migrations_that_are_noted_and_were_not_made_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let mut around = around(&path).await;
    MIGRATOR
        .run_direct(Some(1), &mut around, false)
        .await
        .unwrap();
    for migration in MIGRATOR.iter().skip(1) {
        let query = sqlx::query("INSERT INTO _sqlx_migrations VALUES ($1, 'x', 0, TRUE, $2, 0)");
        let query = query.bind(migration.version).bind(&*migration.checksum);
        query.execute(&mut around).await.unwrap();
    }
    around.close().await.unwrap();
    let told = refused(&path).await;
    assert!(told.contains("is missing"), "{told}");
}

#[tokio::test]
async fn a_damaged_store_is_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    empty_store(&path).await;
    run(&path, "DROP VIEW fraud_alerts").await;
    let copy = folder.path().join("copy.sqlite");
    // An earlier version has no such view: whatever else differs is a difference.
    run(&path, "DROP INDEX overrides_by_decision").await;
    let refused = Store::copy(&path, &copy).await.unwrap_err();
    assert!(matches!(refused, StoreError::Layout { .. }), "{refused:?}");
    assert!(!copy.exists());
}

/// The texts are compared word for word, and one of them is the library's own. Where this fails, stores of before are
/// refused: `layout.rs` has to know their texts too.
#[tokio::test]
async fn the_texts_are_those_of_the_first_release() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    empty_store(&path).await;
    let mut around = around(&path).await;
    let query = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
    let rows = sqlx::query(query).fetch_all(&mut around).await.unwrap();
    let texts: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let hash = ContentHash::of_parts(&[texts.join("\n").as_bytes()]);
    let told = texts.join("\n");
    let of_then = "b434c17ac49e242a0e7711ea9c414ba4310c9f00ead2996745a640524ae5dd12";
    assert_eq!(hash.to_string(), of_then, "{told}");
}
