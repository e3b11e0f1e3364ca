//! Alerts, cases and messages follow from recorded decisions, once each, through restarts.

use std::collections::BTreeSet;
use std::time::Duration;

use sentinel_delivery::Sink;
use sentinel_domain::{Entry, Instant, Tier};
use sentinel_eventlog::{EventLog, MemoryOptions};
use sentinel_pipeline::dead_letter::DeadLetterFile;
use sentinel_pipeline::{Answer, Handle, Pipeline, PipelineOptions, SubmitError, deliver};
use sentinel_store::{AlertQuery, CaseQuery, FollowerCommit, OutboxRow, Store};
use sentinel_synth::builder;

use crate::contents::{LOG, empty_log, shipped, stream};

fn noon() -> Instant {
    Instant::parse_rfc3339("2026-03-02T12:00:00Z").unwrap()
}

struct Setting {
    transactions: EventLog,
    decisions: EventLog,
    store: Store,
    sink: Sink,
    folder: tempfile::TempDir,
}

impl Setting {
    async fn new() -> (Self, sentinel_delivery::Inbox) {
        let (sink, inbox) = Sink::memory();
        let setting = Self {
            transactions: empty_log(),
            decisions: EventLog::memory(MemoryOptions {
                log_id: LOG,
                bytes_max: 1 << 30,
            }),
            store: Store::memory().await.unwrap(),
            sink,
            folder: tempfile::tempdir().unwrap(),
        };
        (setting, inbox)
    }

    fn options(&self) -> PipelineOptions {
        PipelineOptions {
            transactions: self.transactions.clone(),
            decisions: self.decisions.clone(),
            store: self.store.clone(),
            sink: (self.sink.clone(), "file".to_owned()),
            dead_letters: DeadLetterFile::growing(&self.folder.path().join("letters.jsonl")),
            contents: shipped(),
            deadline: Duration::from_secs(20),
            now: noon,
        }
    }

    async fn start(&self) -> Pipeline {
        Pipeline::start(self.options(), &mut |_, _| {})
            .await
            .unwrap()
    }
}

/// Submits a stream and waits for the decision on a last payment of its own.
async fn feed(handle: &Handle, seed: u64, count: usize) {
    for (time, entry) in stream(seed, count) {
        if let Entry::Transaction(transaction) = &entry {
            assert!(transaction.event_time <= noon());
        }
        handle.submit_entry(&entry, time).unwrap();
    }
    let body = format!(
        "{{\"event_id\":\"last-{seed}\",\"event_type\":\"card_auth\",\"event_time\":{},\
         \"account_id\":\"a\",\"amount_minor\":1,\"currency\":\"USD\"}}",
        noon().micros()
    );
    let answer = handle.decide(body.as_bytes(), noon()).await.unwrap();
    assert!(matches!(answer, Answer::Decided(_)), "{answer:?}");
}

async fn settle(store: &Store, handle: &Handle) {
    let (log, partition) = (handle.log_id(), sentinel_domain::Partition::default());
    for _ in 0..2_000 {
        let progress = store
            .progress("alerts", log, partition)
            .await
            .unwrap()
            .unwrap();
        if progress.next == handle.log_end() && store.counts().await.unwrap().outbox_pending == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the slow lane did not come to an end");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_suspicious_decision_becomes_one_alert_and_one_message() {
    let (setting, inbox) = Setting::new().await;
    let pipeline = setting.start().await;
    let handle = pipeline.handle().clone();
    feed(&handle, 1, 5_000).await;
    settle(&setting.store, &handle).await;
    let due = handle.figures().alerts;
    assert!(due > 50, "{due} alerts are due");
    assert_eq!(setting.store.counts().await.unwrap().alerts, due);
    let ids: BTreeSet<String> = inbox.lines().into_iter().collect();
    assert_eq!(ids.len() as u64, due, "one message an alert");
    let query = CaseQuery {
        limit: 1_000,
        ..CaseQuery::default()
    };
    let cases = setting.store.cases(&query).await.unwrap().items;
    assert!(!cases.is_empty() && cases.iter().all(|case| case.tier == Tier::Critical));
    // An alert leads back to its decision, and the decision to its alert.
    let query = AlertQuery {
        limit: 1,
        ..AlertQuery::default()
    };
    let alert = setting.store.alerts(&query).await.unwrap().items.remove(0);
    let decided = handle.lookup(alert.decision_id).await.unwrap().unwrap();
    assert_eq!(decided.decision.event_id, alert.event_id);
    assert_eq!(decided.decision.log_time, alert.raised_at);
    let followed = setting.store.followed_by(alert.decision_id).await.unwrap();
    assert_eq!(followed.alert_id, Some(alert.alert_id));
    assert!(
        handle
            .replay(alert.decision_id)
            .await
            .unwrap()
            .unwrap()
            .is_equal()
    );
    pipeline.stop().await.unwrap();
}

#[tokio::test]
async fn a_refused_message_is_tried_again_when_it_is_due_and_given_up_after_its_last_try() {
    let store = Store::memory().await.unwrap();
    let (sink, inbox) = Sink::memory();
    let partition = sentinel_domain::Partition::default();
    let progress = store.take_over("alerts", LOG, partition).await.unwrap();
    let row = |name: &str| OutboxRow {
        outbox_id: name.to_owned(),
        channel: "file".to_owned(),
        kind: "alert.raised".to_owned(),
        payload: "{}".to_owned(),
        attempts: 0,
        due_at: noon(),
    };
    let commit = FollowerCommit {
        follower: "alerts".to_owned(),
        log: LOG,
        partition,
        epoch: progress.epoch,
        from: progress.next,
        to: progress.next.plus(1),
        alerts: Vec::new(),
        cases: Vec::new(),
        outbox: vec![row("one"), row("two")],
    };
    store.commit(&commit).await.unwrap();
    inbox.refuse(1);
    assert!(deliver::step(&store, &sink, noon()).await.unwrap());
    assert!(inbox.lines().is_empty(), "refused");
    assert!(
        !deliver::step(&store, &sink, noon()).await.unwrap(),
        "not due yet"
    );
    let later = noon().plus_micros(3_600 * 1_000_000);
    assert!(deliver::step(&store, &sink, later).await.unwrap());
    assert_eq!(inbox.lines().len(), 2);
    assert_eq!(store.counts().await.unwrap().outbox_pending, 0);

    let commit = FollowerCommit {
        from: commit.to,
        to: commit.to.plus(1),
        outbox: vec![row("three")],
        ..commit
    };
    store.commit(&commit).await.unwrap();
    inbox.refuse(100);
    let mut at = later;
    for _ in 0..sentinel_delivery::ATTEMPTS_MAX {
        assert!(
            deliver::step(&store, &sink, at).await.unwrap(),
            "one more try"
        );
        at = at.plus_micros(3_600 * 1_000_000);
    }
    assert!(!deliver::step(&store, &sink, at).await.unwrap(), "given up");
    assert_eq!(inbox.lines().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_repeats_conflicts_and_refusals_are_told_apart() {
    let (setting, _inbox) = Setting::new().await;
    let pipeline = setting.start().await;
    let handle = pipeline.handle();
    let body = |amount: i64| {
        let transaction = builder::transaction("one")
            .at(noon())
            .amount_minor(amount)
            .build();
        let mut bytes = Vec::new();
        sentinel_pipeline::intake::json::write_transaction(&transaction, &mut bytes);
        bytes
    };
    let Answer::Decided(first) = handle.decide(&body(100), noon()).await.unwrap() else {
        panic!()
    };
    let Answer::Replayed(again) = handle.decide(&body(100), noon()).await.unwrap() else {
        panic!()
    };
    assert_eq!(first.decision, again.decision);
    match handle.decide(&body(200), noon()).await.unwrap() {
        Answer::Conflict { first: named } => assert_eq!(named, first.decision.decision_id()),
        other => panic!("{other:?}"),
    }
    let refused = handle.decide(b"{\"event_id\": 1}", noon()).await;
    assert!(
        matches!(refused, Err(SubmitError::Rejected(_))),
        "{refused:?}"
    );
    let early = noon().plus_micros(-301 * 1_000_000);
    let refused = handle.decide(&body(300), early).await;
    assert!(
        matches!(refused, Err(SubmitError::Rejected(_))),
        "from the future: {refused:?}"
    );
    let found = handle.lookup_event("one").await.unwrap().unwrap();
    assert_eq!(found.decision, first.decision);
    assert!(handle.lookup_event("two").await.unwrap().is_none());
    let figures = handle.figures();
    assert_eq!(
        (figures.transactions, figures.repeated, figures.conflicts),
        (1, 1, 1)
    );
    assert_eq!(figures.rejected, 3);
    pipeline.stop().await.unwrap();
    let letters = std::fs::read_to_string(setting.folder.path().join("letters.jsonl")).unwrap();
    assert_eq!(letters.lines().count(), 3, "{letters}");
}
