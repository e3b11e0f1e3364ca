//! Starts whose door opens before every outcome of earlier runs is compared.

use std::time::Duration;

use sentinel_domain::Offset;
use sentinel_pipeline::{
    Answer, PipelineError, SnapshotOptions, record::RecordError, worker::WorkerError,
};

use super::restart::{Data, Running, feed, newest, pay};

/// All but ten outcomes are compared behind the door; what was compared becomes a snapshot.
fn late(data: &Data) -> SnapshotOptions {
    SnapshotOptions {
        every_entries: u64::MAX,
        interval: Duration::ZERO,
        at_stop_entries: u64::MAX,
        compared_first: 10,
        ..SnapshotOptions::new(&data.snapshots())
    }
}

/// A log of which nothing is in a snapshot.
async fn recorded() -> (Data, Offset) {
    let data = Data::new();
    let running = data.start(None).await;
    let handle = running.pipeline.handle().clone();
    feed(&handle, 1, 900).await;
    running.pipeline.stop().await.unwrap();
    (data, handle.log_end())
}

/// Waits for the snapshot of what was compared.
async fn compared(running: &Running) -> Offset {
    let mut snapshots = running.pipeline.handle().snapshots();
    let made = snapshots.wait_for(|figures| figures.made > 0 || figures.failures > 0);
    let made = tokio::time::timeout(Duration::from_secs(60), made).await;
    made.unwrap().unwrap().newest.unwrap().offset
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_compares_behind_its_door_and_keeps_what_was_compared() {
    let (data, end) = recorded().await;
    let running = data.start(Some(late(&data))).await;
    let handle = running.pipeline.handle().clone();
    // The state is that of an owner that decided: repeats are known, and what comes is decided as it would be.
    assert!(matches!(pay(&handle, "last-1").await, Answer::Replayed(_)));
    feed(&handle, 2, 200).await;
    assert_eq!(compared(&running).await, end);
    let figures = handle.figures();
    assert_eq!((figures.to_compare, figures.mismatches), (0, 0));
    running.pipeline.stop().await.unwrap();
    data.compare_all();
    // Every outcome was counted once: what is left is as much as one owner counts.
    let whole = data.start(None).await;
    let all = whole.pipeline.handle().figures();
    whole.pipeline.stop().await.unwrap();
    assert_eq!(all.transactions, figures.transactions);
    assert_eq!(all.declined_amount_minor, figures.declined_amount_minor);
    // The next start begins there, and has little to compare.
    let running = data.start(Some(late(&data))).await;
    assert_eq!(newest(&running), Some(end));
    assert!(running.first.is_some_and(|first| first > end));
    running.pipeline.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_outcome_that_is_found_behind_the_door_stops_the_process() {
    let (data, _) = recorded().await;
    data.alter_last_outcome();
    let running = data.start(Some(late(&data))).await;
    let handle = running.pipeline.handle().clone();
    let mut failed = running.pipeline.failed();
    let told = tokio::time::timeout(Duration::from_secs(60), failed.wait_for(|failed| *failed));
    assert!(*told.await.unwrap().unwrap());
    assert_eq!(handle.figures().mismatches, 1);
    assert_eq!(newest(&running), None, "no snapshot covers it");
    let stopped = running.pipeline.stop().await.unwrap_err();
    let is_mismatch = matches!(
        stopped,
        PipelineError::Worker(WorkerError::Record(RecordError::Mismatch { .. }))
    );
    assert!(is_mismatch, "{stopped}");
    // Nor does the owner's own state at the stop: the next start finds it again.
    let list = sentinel_pipeline::SnapshotFolder::new(&data.snapshots()).list();
    assert_eq!(list.unwrap(), []);
}
