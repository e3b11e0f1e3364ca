//! Blows to the store's file: each is refused, found by the looking-up of everything, or changes nothing that was
//! written once.
//!
//! `SENTINEL_MUTATIONS=N` deals N of them instead of a few; the number of a blow gives it again.

use std::path::Path;

use sentinel_domain::{Alert, AlertStatus, Case, CaseStatus, Offset};
use sentinel_pipeline::RecordedLogs;
use sentinel_pipeline::follow::{ALERTS, FollowError};
use sentinel_pipeline::verify::verify_store;
use sentinel_store::{AlertQuery, CaseQuery, LIMIT_MAX, Store, StoreError};
use sentinel_synth::Random;

use crate::slow_lane::{Setting, feed, settle};

const BLOWS: u64 = 250;
/// SQLite's pages; a disk writes an eighth of one at once.
const PAGE_BYTES: usize = 4_096;
const SECTOR_BYTES: usize = 512;

/// What was written once: alerts, cases, and of each message its id, channel, kind and text.
#[derive(Debug, PartialEq)]
struct Rows {
    alerts: Vec<Alert>,
    cases: Vec<Case>,
    messages: Vec<[String; 4]>,
}

/// What a look at everything says.
#[derive(Debug)]
enum Looked {
    Refused,
    Found,
    Holds { followed: Offset, rows: Rows },
}

async fn rows_of(store: &Store) -> Result<Rows, StoreError> {
    let mut query = AlertQuery {
        limit: LIMIT_MAX,
        ..AlertQuery::default()
    };
    let mut alerts = Vec::new();
    loop {
        let page = store.alerts(&query).await?;
        alerts.extend(page.items.into_iter().map(|alert| Alert {
            status: AlertStatus::Open,
            ..alert
        }));
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    let query = CaseQuery {
        limit: LIMIT_MAX,
        ..CaseQuery::default()
    };
    let cases = store.cases(&query).await?.items.into_iter();
    let cases = cases.map(|case| Case {
        status: CaseStatus::Open,
        ..case
    });
    let messages = store.outbox_behind("", LIMIT_MAX).await?.into_iter();
    let messages = messages.map(|one| [one.outbox_id, one.channel, one.kind, one.payload]);
    Ok(Rows {
        alerts,
        cases: cases.collect(),
        messages: messages.collect(),
    })
}

async fn look(path: &Path, logs: &RecordedLogs) -> Looked {
    let store = match Store::open(path).await {
        Ok(store) => store,
        Err(error) => return refused(&error),
    };
    let looked = look_into(&store, logs).await;
    store.close().await;
    looked.unwrap_or_else(|error| refused(&error))
}

/// Refused is what somebody looked at. A thread of the library that panicked refuses nothing: whoever asks next waits.
fn refused(error: &dyn std::error::Error) -> Looked {
    let told = format!("{error:?}");
    let hung = ["WorkerCrashed", "PoolTimedOut"];
    assert!(!hung.iter().any(|word| told.contains(word)), "{told}");
    Looked::Refused
}

async fn look_into(store: &Store, logs: &RecordedLogs) -> Result<Looked, FollowError> {
    let log = &logs.transactions;
    let progress = store
        .progress(ALERTS, log.log_id(), log.partition())
        .await?;
    let followed = progress.map_or(Offset(0), |progress| progress.next);
    if verify_store(logs, store, followed).await?.wrong > 0 {
        return Ok(Looked::Found);
    }
    let rows = rows_of(store).await?;
    Ok(Looked::Holds { followed, rows })
}

/// A flipped bit, zeroes, a piece or a page from elsewhere, a cut, an eighth of a page that was not written.
fn mutated(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let below =
        |random: &mut Random, end: usize| usize::try_from(random.below(end as u64)).unwrap();
    let mut hit = bytes.to_vec();
    let at = below(random, bytes.len());
    let from = below(random, bytes.len());
    match random.below(6) {
        0 | 1 => hit[at] ^= 1 << random.below(8),
        2 => {
            let to = (at + 1 + below(random, 200)).min(hit.len());
            hit[at..to].fill(0);
        }
        3 => {
            let (at, from) = (
                at / SECTOR_BYTES * SECTOR_BYTES,
                from / SECTOR_BYTES * SECTOR_BYTES,
            );
            hit[at..at + SECTOR_BYTES].copy_from_slice(&bytes[from..from + SECTOR_BYTES]);
        }
        4 => {
            let (at, from) = (at / PAGE_BYTES * PAGE_BYTES, from / PAGE_BYTES * PAGE_BYTES);
            hit[at..at + PAGE_BYTES].copy_from_slice(&bytes[from..from + PAGE_BYTES]);
        }
        _ => hit.truncate(at),
    }
    hit
}

/// The bytes of a store that has followed a whole log, and the logs.
async fn followed(folder: &Path, payments: usize) -> (Vec<u8>, RecordedLogs) {
    let path = folder.join("store.sqlite");
    let (mut setting, _inbox) = Setting::new().await;
    setting.store = Store::open(&path).await.unwrap();
    let pipeline = setting.start().await;
    let handle = pipeline.handle().clone();
    feed(&handle, 1, payments).await;
    settle(&handle).await;
    let logs = handle.recorded_logs().clone();
    pipeline.stop().await.unwrap();
    setting.store.close().await;
    (std::fs::read(&path).unwrap(), logs)
}

/// Where a file says of which type a column is: behind its name and some spaces.
fn types(bytes: &[u8]) -> Vec<usize> {
    let words = [&b" BIGINT NOT"[..], b" TEXT   NOT"];
    let is_type = |at: &usize| words.iter().any(|word| bytes[*at..].starts_with(word));
    let places = (0..bytes.len()).filter(is_type);
    places.map(|at| at + 1).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_is_no_text_is_refused_before_anything_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (bytes, logs) = followed(folder.path(), 200).await;
    let path = folder.path().join("hit.sqlite");
    let (mut refused, mut held) = (0, 0);
    for at in types(&bytes) {
        let mut hit = bytes.clone();
        hit[at] |= 0x80;
        std::fs::write(&path, &hit).unwrap();
        match look(&path, &logs).await {
            Looked::Refused => refused += 1,
            // What a page held before it was divided.
            Looked::Holds { .. } => held += 1,
            Looked::Found => panic!("{at} was asked"),
        }
    }
    assert!(refused > 40, "{refused} refused, {held} of no effect");
}

#[tokio::test(flavor = "multi_thread")]
async fn blows_to_the_store_are_refused_or_found_or_change_nothing() {
    let blows = std::env::var("SENTINEL_MUTATIONS");
    let blows = blows.map_or(BLOWS, |blows| blows.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let (bytes, logs) = followed(folder.path(), 3_000).await;
    let end = logs.transactions.end();
    let Looked::Holds { followed: to, rows } = look(&path, &logs).await else {
        panic!("the store holds before any blow");
    };
    assert!(to == end && rows.alerts.len() > 20);

    let (mut refused, mut found, mut held) = (0, 0, 0);
    for blow in 0..blows {
        let hit = mutated(&bytes, &mut Random::new(blow));
        let other = folder.path().join(format!("{blow}.sqlite"));
        std::fs::write(&other, &hit).unwrap();
        match look(&other, &logs).await {
            Looked::Refused => refused += 1,
            Looked::Found => found += 1,
            Looked::Holds {
                followed: to,
                rows: seen,
            } => {
                assert_eq!(to, end, "blow {blow}");
                assert!(seen == rows, "blow {blow} changed rows, and nobody said so");
                held += 1;
            }
        }
        for name in ["sqlite", "sqlite-wal", "sqlite-shm"] {
            let _ = std::fs::remove_file(other.with_extension(name));
        }
    }
    println!("blows: {blows}: {refused} refused, {found} found, {held} without effect");
    assert!(refused > 0 && found > 0 && held > 0);
}
