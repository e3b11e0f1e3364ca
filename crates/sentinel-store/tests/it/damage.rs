//! A stored row that is not what was written is refused, whichever column was hit.

use sentinel_store::{AlertQuery, CaseQuery, Store, StoreError};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};

use crate::rows::{FOLLOWER, LOG, PARTITION, alert, case, full, message};

/// A store file with one critical alert, its case, its message and progress; and a way around the store.
async fn written() -> (tempfile::TempDir, Store, SqliteConnection) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = Store::open(&path).await.unwrap();
    store.take_over(FOLLOWER, LOG, PARTITION).await.unwrap();
    let mut commit = full(0, 4);
    commit.alerts.drain(..3);
    commit.outbox.drain(..3);
    store.commit(&commit).await.unwrap();
    let options = SqliteConnectOptions::new().filename(&path);
    // A damaged disk asks no foreign key.
    let around = options.foreign_keys(false).connect().await.unwrap();
    (folder, store, around)
}

async fn columns(around: &mut SqliteConnection, table: &str) -> Vec<String> {
    let text = format!("SELECT name FROM pragma_table_info('{table}')");
    let rows = sqlx::query(AssertSqlSafe(text))
        .fetch_all(around)
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// What reading every table says.
async fn read(store: &Store, table: &str) -> Result<(), StoreError> {
    match table {
        "alerts" => store.alerts(&AlertQuery::default()).await.map(drop),
        "cases" => store.cases(&CaseQuery::default()).await.map(drop),
        "outbox" => {
            let later = sentinel_domain::Instant::from_seconds(2_000_000_000);
            store.outbox_due(later, 10).await.map(drop)
        }
        _ => store.progress(FOLLOWER, LOG, PARTITION).await.map(drop),
    }
}

/// Changes every column but those that may change, one at a time, in several ways.
async fn every_change_is_found(table: &'static str, may_change: &[&str]) {
    let (_folder, store, mut around) = written().await;
    read(&store, table).await.unwrap();
    let all = columns(&mut around, table).await;
    assert!(may_change.iter().all(|name| all.iter().any(|c| c == name)));
    for column in all.iter().filter(|c| !may_change.contains(&c.as_str())) {
        for value in [
            format!("{column} + 1"),
            format!("substr({column}, 2)"),
            format!("{column} || ' '"),
            format!("CAST({column} AS BLOB)"),
            "''".to_owned(),
            "-1".to_owned(),
        ] {
            let keep = format!("CREATE TEMP TABLE kept AS SELECT * FROM {table}");
            let change = format!("UPDATE {table} SET {column} = {value}");
            run(&mut around, &[&keep, &change]).await;
            let differs = format!("SELECT * FROM {table} EXCEPT SELECT * FROM kept");
            let differs = sqlx::query(AssertSqlSafe(differs));
            // A number with a space behind it, for one, is stored as the number.
            let differs = differs.fetch_optional(&mut around).await.unwrap().is_some();
            let found = read(&store, table).await;
            match found {
                Err(StoreError::Damaged { table: named, .. }) => assert_eq!(named, table),
                Ok(()) => assert!(!differs, "{change} was not found"),
                Err(other) => panic!("{change}: {other}"),
            }
            let delete = format!("DELETE FROM {table}");
            let restore = format!("INSERT INTO {table} SELECT * FROM kept");
            run(&mut around, &[&delete, &restore, "DROP TABLE kept"]).await;
            read(&store, table).await.unwrap();
        }
    }
}

async fn run(around: &mut SqliteConnection, texts: &[&str]) {
    for text in texts {
        let query = sqlx::query(AssertSqlSafe((*text).to_owned()));
        query.execute(&mut *around).await.unwrap();
    }
}

#[tokio::test]
async fn a_changed_alert_is_refused() {
    every_change_is_found("alerts", &["status"]).await;
}

#[tokio::test]
async fn a_changed_case_is_refused() {
    every_change_is_found("cases", &["status"]).await;
}

#[tokio::test]
async fn a_changed_message_is_refused() {
    let state_of_delivery = ["state", "attempts", "due_at", "settled_at", "last_error"];
    every_change_is_found("outbox", &state_of_delivery).await;
}

#[tokio::test]
async fn changed_progress_is_refused() {
    // Follower and partition are the key: a row with another key is another row.
    every_change_is_found("progress", &["follower", "log_partition", "epoch"]).await;
}

#[tokio::test]
async fn the_refusal_names_table_and_row() {
    let (_folder, store, mut around) = written().await;
    for text in [
        "UPDATE alerts SET amount_minor = 1",
        "UPDATE cases SET status = 9",
        "UPDATE outbox SET payload = '{}'",
    ] {
        sqlx::query(text).execute(&mut around).await.unwrap();
    }
    let alert_id = alert(3).alert_id;
    let refused = store.alert(alert_id).await.unwrap_err().to_string();
    let begin = format!("read alerts {alert_id}: the stored row is damaged (content_hash is ");
    assert!(refused.starts_with(&begin), "{refused}");

    let case_id = case(3).case_id;
    let refused = store.case(case_id).await.unwrap_err().to_string();
    let expected =
        format!("read cases {case_id}: the stored row is damaged (status has no word for 9)");
    assert_eq!(refused, expected);

    let refused = read(&store, "outbox").await.unwrap_err();
    let StoreError::Damaged { id, .. } = refused else {
        panic!("{refused}");
    };
    assert_eq!(id, message(3).outbox_id);
    // The named one can be taken out of the way of the others.
    let now = message(3).due_at;
    store
        .outbox_abandoned(&id, 0, now, "damaged")
        .await
        .unwrap();
    read(&store, "outbox").await.unwrap();
}
