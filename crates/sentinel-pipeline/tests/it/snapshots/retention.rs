//! Logs that lose their beginning: what is kept gives the same outcomes, and what is gone is told.

use std::path::Path;
use std::time::Duration;

use sentinel_domain::{DecisionId, Offset};
use sentinel_eventlog::{EventLog, outcome_body};
use sentinel_pipeline::handle::Handle;
use sentinel_pipeline::replay::{ReplayError, first_replayable, replay_range};
use sentinel_pipeline::{
    LookupError, RecordedLogs, Retention, SnapshotFigures, SnapshotOptions, SubmitError,
};

use super::restart::{Data, feed, noon, pay};

/// Segments so short that there is something to drop.
const SEGMENT_BYTES: u64 = 16 * 1024;

/// Snapshots by number, and no more of the logs than they need.
fn little(data: &Data) -> SnapshotOptions {
    SnapshotOptions {
        every_entries: 200,
        interval: Duration::ZERO,
        at_stop_entries: 1,
        retention: Retention {
            age_us: None,
            bytes_max: Some(1),
        },
        ..SnapshotOptions::new(&data.snapshots())
    }
}

async fn until(handle: &Handle, what: impl Fn(&SnapshotFigures) -> bool) {
    let mut figures = handle.snapshots();
    let heard = figures.wait_for(what);
    tokio::time::timeout(Duration::from_secs(60), heard)
        .await
        .unwrap()
        .unwrap();
}

/// Feeds streams until something is dropped, and stops; where the log ends then.
async fn shortened(data: &Data, seeds: std::ops::Range<u64>) -> Offset {
    let running = data.start(Some(little(data))).await;
    let handle = running.pipeline.handle().clone();
    for seed in seeds {
        let made = handle.snapshots().borrow().made;
        feed(&handle, seed, 400).await;
        until(&handle, |figures| figures.made > made).await;
    }
    until(&handle, |figures| figures.dropped_bytes > 0).await;
    running.pipeline.stop().await.unwrap();
    let [transactions, decisions] = data.logs();
    assert!(transactions.start() > Offset(0) && decisions.start() > Offset(0));
    assert_eq!(transactions.end(), decisions.end());
    transactions.end()
}

fn logs(data: &Data) -> RecordedLogs {
    let [transactions, decisions] = data.logs();
    RecordedLogs::new(transactions, decisions).with_snapshots(&data.snapshots())
}

fn payloads(log: &EventLog, from: Offset) -> Vec<(i64, Vec<u8>)> {
    let mut all = Vec::new();
    log.walk(from, &mut |record| {
        all.push((record.log_time.micros(), record.payload.to_vec()));
    })
    .unwrap();
    all
}

/// Everything that can be computed again is what was recorded.
fn compare_what_is_kept(data: &Data) -> Offset {
    let logs = logs(data);
    let first = first_replayable(&logs).unwrap().unwrap();
    let stretch = (first, logs.decisions.end());
    let found = replay_range(&logs, stretch, &mut |_, _| {
        std::ops::ControlFlow::Continue(())
    });
    let found = found.unwrap();
    assert_eq!((found.different, found.began), (0, first));
    assert_eq!(found.compared, stretch.1.0 - first.0);
    assert!(found.compared > 0);
    first
}

fn remove(path: &Path) {
    for name in ["store.sqlite", "store.sqlite-wal", "store.sqlite-shm"] {
        let _ = std::fs::remove_file(path.join(name));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shortened_log_gives_the_outcomes_and_the_state_of_a_whole_one() {
    let (short, whole) = (
        Data::with_segments(SEGMENT_BYTES),
        Data::with_segments(SEGMENT_BYTES),
    );
    shortened(&short, 1..5).await;
    // Started anew, twice, with more behind it.
    for seed in 5..7 {
        let running = short.start(Some(little(&short))).await;
        feed(running.pipeline.handle(), seed, 300).await;
        running.pipeline.stop().await.unwrap();
        compare_what_is_kept(&short);
    }
    let running = whole.start(Some(whole.at_stops())).await;
    for seed in 1..7 {
        let count = if seed < 5 { 400 } else { 300 };
        feed(running.pipeline.handle(), seed, count).await;
    }
    running.pipeline.stop().await.unwrap();
    let ([short_log, short_decisions], [log, decisions]) = (short.logs(), whole.logs());
    assert_eq!(short_log.end(), log.end());
    let start = short_log.start();
    assert!(payloads(&short_log, start) == payloads(&log, start));
    let start = short_decisions.start();
    let outcomes = |log: &EventLog| -> Vec<Vec<u8>> {
        let recorded = payloads(log, start).into_iter();
        recorded
            .map(|(_, one)| outcome_body(&one).to_vec())
            .collect()
    };
    assert!(outcomes(&short_decisions) == outcomes(&decisions));
    // The states at the end are the same bytes.
    let name = format!("{:020}.snapshot", log.end().0);
    let read = |data: &Data| std::fs::read(data.snapshots().join(&name)).unwrap();
    assert!(read(&short) == read(&whole));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_no_longer_is_told_and_never_decided_again() {
    let data = Data::with_segments(SEGMENT_BYTES);
    shortened(&data, 1..4).await;
    compare_what_is_kept(&data);
    let running = data.start(Some(little(&data))).await;
    let handle = running.pipeline.handle().clone();
    // What the stop before left for later goes at the start, beside the door.
    let first_stretch = Offset(420);
    until(&handle, |_| handle.kept().first > first_stretch).await;
    let kept = handle.kept();
    let first = first_replayable(handle.recorded_logs()).unwrap().unwrap();
    assert!(kept.first < first);
    assert!(kept.log_bytes > 0 && kept.decision_log_bytes > 0);
    let gone = DecisionId::at(handle.recorded_logs().position(Offset(10)));
    match handle.lookup(gone).await {
        Err(LookupError::NotKept { offset, first }) => {
            assert_eq!((offset, first), (Offset(10), kept.first));
        }
        other => panic!("{other:?}"),
    }
    // Decided on in the first stretch, and still remembered.
    let body = format!(
        "{{\"event_id\":\"last-1\",\"event_type\":\"card_auth\",\"event_time\":{},\
         \"account_id\":\"a\",\"amount_minor\":1,\"currency\":\"USD\"}}",
        noon().micros()
    );
    let again = handle.decide(body.as_bytes(), noon()).await;
    assert!(
        matches!(again, Err(SubmitError::NotKept { .. })),
        "{again:?}"
    );
    let replayed = handle.replay(gone).await;
    match replayed {
        Err(ReplayError::NotKept { first: told, .. }) => assert_eq!(told, Some(first)),
        other => panic!("{other:?}"),
    }
    // What is kept is found and computed again, from the newest snapshot before it.
    let answer = pay(&handle, "last-3").await;
    assert!(matches!(answer, sentinel_pipeline::Answer::Replayed(_)));
    let found = handle.lookup_event("last-3").await.unwrap().unwrap();
    let replayed = handle.replay(found.decision.decision_id()).await;
    let replayed = replayed.unwrap().unwrap();
    assert!(replayed.is_equal() && replayed.began >= first);
    assert_eq!(
        replayed.entries,
        replayed.position.offset.0 + 1 - replayed.began.0
    );
    running.pipeline.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_between_the_two_logs_starts_again() {
    for which in [0, 1] {
        let data = Data::with_segments(SEGMENT_BYTES);
        let running = data.start(Some(SnapshotOptions {
            retention: Retention::default(),
            ..little(&data)
        }));
        let running = running.await;
        for seed in 1..4 {
            feed(running.pipeline.handle(), seed, 400).await;
        }
        running.pipeline.stop().await.unwrap();
        // Another snapshot at a stop: there are two.
        let running = data.start(Some(data.at_stops())).await;
        feed(running.pipeline.handle(), 4, 50).await;
        running.pipeline.stop().await.unwrap();
        let logs = data.logs();
        let folder = sentinel_pipeline::SnapshotFolder::new(&data.snapshots());
        let needed = folder.needed_from(&logs[0], None).unwrap();
        logs[which].truncate_before(needed).unwrap();
        assert!(logs[which].start() > Offset(0));
        assert_eq!(logs[1 - which].start(), Offset(0));
        for log in logs {
            log.close().unwrap();
        }
        let running = data.start(Some(little(&data))).await;
        feed(running.pipeline.handle(), 5, 300).await;
        running.pipeline.stop().await.unwrap();
        compare_what_is_kept(&data);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_and_store_are_made_again_as_far_as_the_log_goes() {
    let data = Data::with_segments(SEGMENT_BYTES);
    let end = shortened(&data, 1..4).await;
    let first = first_replayable(&logs(&data)).unwrap().unwrap();
    std::fs::remove_dir_all(data.folder.path().join("decisions")).unwrap();
    remove(data.folder.path());
    // Nothing more is dropped: a stop may have left some of it for later.
    let keeping = SnapshotOptions {
        retention: Retention::default(),
        ..little(&data)
    };
    let running = data.start(Some(keeping)).await;
    assert_eq!(running.pipeline.handle().log_end(), end);
    assert!(running.first.is_some_and(|at| at > first));
    let mut followed = running.pipeline.handle().followed();
    let caught_up = followed.wait_for(|followed| followed.next >= end);
    tokio::time::timeout(Duration::from_secs(60), caught_up)
        .await
        .unwrap()
        .unwrap();
    assert!(running.pipeline.handle().is_following());
    running.pipeline.stop().await.unwrap();
    let [_, decisions] = data.logs();
    assert_eq!((decisions.start(), decisions.end()), (first, end));
    decisions.close().unwrap();
    drop(decisions);
    compare_what_is_kept(&data);
    // Without any snapshot nothing stands for what is gone.
    std::fs::remove_dir_all(data.snapshots()).unwrap();
    let refused = data.try_start(Some(little(&data))).await.err().unwrap();
    let told = refused.to_string();
    assert!(told.contains("Restore the folder from a backup"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn features_that_are_filled_from_a_shortened_log_stay_what_they_are() {
    let data = Data::with_segments(SEGMENT_BYTES);
    shortened(&data, 1..4).await;
    let running = data.start(Some(little(&data))).await;
    let handle = running.pipeline.handle().clone();
    let text = "[[feature]]\nname = \"card_large_count_24h\"\nentity = \"card\"\naggregate = \"count\"\n\
                window = \"24h\"\nfilter = \"amount >= 50\"\n";
    let made_before = handle.snapshots().borrow().made;
    let added = handle.add_features(text, noon()).await.unwrap();
    let filled = handle.in_force().backfilled;
    assert!(added.offset.is_some(), "{added:?}");
    let filled_from = filled.map(|filled| (filled.from, filled.is_complete()));
    assert!(filled_from.is_none_or(|(from, complete)| from > Offset(0) && !complete));
    // Snapshots are made behind it, the log is cut further on, and a start fills them again where it has to.
    for seed in 10..13 {
        let made = handle.snapshots().borrow().made;
        feed(&handle, seed, 300).await;
        until(&handle, |figures| {
            figures.made > made || figures.failures > 0
        })
        .await;
        assert_eq!(handle.snapshots().borrow().failures, 0);
        if let Some((from, _)) = filled_from.filter(|_| seed == 10) {
            // The decision log may begin an entry later: a fill reads nothing of it.
            let start = handle.recorded_logs().transactions.start();
            // Two behind it, and nobody needs any more what it read.
            let are_two = handle.snapshots().borrow().made > made_before + 1;
            assert!(start <= from || are_two, "what it read stays for now");
        }
    }
    running.pipeline.stop().await.unwrap();
    compare_what_is_kept(&data);
    let running = data.start(Some(little(&data))).await;
    feed(running.pipeline.handle(), 20, 50).await;
    running.pipeline.stop().await.unwrap();
    compare_what_is_kept(&data);
}
