//! Alerts, cases and messages follow from recorded decisions, once each, through restarts.

use std::collections::BTreeSet;
use std::time::Duration;

use sentinel_delivery::Sink;
use sentinel_domain::{Entry, Instant, Tier};
use sentinel_eventlog::{EventLog, MemoryOptions};
use sentinel_pipeline::dead_letter::DeadLetterFile;
use sentinel_pipeline::replay::ReplayError;
use sentinel_pipeline::{
    Answer, Handle, Pipeline, PipelineError, PipelineOptions, SubmitError, deliver,
};
use sentinel_store::{AlertQuery, CaseQuery, FollowerCommit, OutboxRow, Store};
use sentinel_synth::builder;

use crate::contents::{LOG, empty_log, shipped, stream};

fn noon() -> Instant {
    Instant::parse_rfc3339("2026-03-02T12:00:00Z").unwrap()
}

pub struct Setting {
    pub transactions: EventLog,
    decisions: EventLog,
    pub store: Store,
    sink: Sink,
    folder: tempfile::TempDir,
}

impl Setting {
    pub async fn new() -> (Self, sentinel_delivery::Inbox) {
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

    pub fn options(&self) -> PipelineOptions {
        PipelineOptions {
            transactions: self.transactions.clone(),
            decisions: self.decisions.clone(),
            store: self.store.clone(),
            sink: (self.sink.clone(), "file".to_owned()),
            dead_letters: DeadLetterFile::growing(&self.folder.path().join("letters.jsonl")),
            contents: shipped(),
            snapshots: None,
            attempts: None,
            trust: sentinel_pipeline::trust::ModelTrust::default(),
            ticks: None,
            deadline: Duration::from_secs(20),
            now: noon,
        }
    }

    pub async fn start(&self) -> Pipeline {
        Pipeline::start(self.options(), &mut |_, _| {})
            .await
            .unwrap()
    }
}

/// Submits a stream and waits for the decision on a last payment of its own.
pub async fn feed(handle: &Handle, seed: u64, count: usize) {
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

/// Waits until the slow lane has followed and delivered everything.
pub async fn settle(handle: &Handle) {
    let mut followed = handle.followed();
    let (end, due) = (handle.log_end(), handle.figures().alerts);
    let done = followed.wait_for(|followed| followed.next == end && followed.delivered == due);
    let done = tokio::time::timeout(Duration::from_secs(20), done).await;
    done.expect("the slow lane comes to an end").unwrap();
}

/// A clock that was wrong once stamps the log for good: log time never goes back.
#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_delivered_though_the_log_is_a_year_ahead_of_the_clock() {
    let (setting, inbox) = Setting::new().await;
    let pipeline = setting.start().await;
    let handle = pipeline.handle().clone();
    let next_year = noon().plus_micros(365 * 24 * 3_600 * 1_000_000);
    let (_, entry) = stream(2, 1).remove(0);
    handle.submit_entry(&entry, next_year).unwrap();
    feed(&handle, 1, 3_000).await;
    settle(&handle).await;
    let due = handle.figures().alerts;
    assert!(due > 20, "{due} alerts are due");
    assert_eq!(inbox.lines().len() as u64, due);
    pipeline.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_suspicious_decision_becomes_one_alert_and_one_message() {
    let (setting, inbox) = Setting::new().await;
    let pipeline = setting.start().await;
    let handle = pipeline.handle().clone();
    feed(&handle, 1, 5_000).await;
    settle(&handle).await;
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
    handle.stop_replays();
    let stopped = handle.replay(alert.decision_id).await;
    assert!(
        matches!(stopped, Err(ReplayError::Stopped { .. })),
        "no replay holds up the end"
    );
    pipeline.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_lost_its_place_says_so_and_decisions_go_on() {
    let (setting, _inbox) = Setting::new().await;
    let pipeline = setting.start().await;
    let handle = pipeline.handle().clone();
    feed(&handle, 3, 10).await;
    settle(&handle).await;
    assert!(handle.is_following());
    let partition = sentinel_domain::Partition::default();
    setting
        .store
        .take_over("alerts", LOG, partition)
        .await
        .unwrap();
    feed(&handle, 4, 10).await;
    let mut followed = handle.followed();
    let failed = followed.wait_for(|followed| followed.failed);
    let failed = tokio::time::timeout(Duration::from_secs(20), failed).await;
    assert!(failed.is_ok_and(|failed| failed.is_ok()));
    assert!(!handle.is_following() && handle.is_running());
    assert!(handle.followed().borrow().next < handle.log_end());
    let ended = pipeline.stop().await;
    assert!(matches!(ended, Err(PipelineError::Follow(_))), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_does_not_answer_is_asked_again() {
    let (setting, _inbox) = Setting::new().await;
    let pipeline = setting.start().await;
    let handle = pipeline.handle().clone();
    setting.store.close().await;
    feed(&handle, 5, 10).await;
    let mut followed = handle.followed();
    let asked = followed.wait_for(|followed| followed.retries >= 2);
    let asked = tokio::time::timeout(Duration::from_secs(20), asked).await;
    assert!(asked.is_ok_and(|asked| asked.is_ok()));
    assert!(handle.is_following(), "not given up");
    let ended = pipeline.stop().await;
    assert!(matches!(ended, Err(PipelineError::Follow(_))), "{ended:?}");
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
        overrides: Vec::new(),
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
