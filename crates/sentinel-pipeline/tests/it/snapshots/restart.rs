//! A pipeline over a data directory: stopped and started, its snapshots whole or damaged.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sentinel_delivery::Sink;
use sentinel_domain::{Entry, Instant, LogId, Offset};
use sentinel_eventlog::{Durability, EmbeddedOptions, EventLog, Record, RecordBatch};
use sentinel_pipeline::dead_letter::DeadLetterFile;
use sentinel_pipeline::statistics::Statistics;
use sentinel_pipeline::worker::Worker;
use sentinel_pipeline::{
    Answer, Handle, Pipeline, PipelineError, PipelineOptions, RecordedLogs, SnapshotFigures,
    SnapshotOptions,
};
use sentinel_store::Store;

use crate::contents::{LOG, shipped, stream};

pub fn noon() -> Instant {
    Instant::parse_rfc3339("2026-03-02T12:00:00Z").unwrap()
}

/// A data directory, opened anew for every start.
pub struct Data {
    pub folder: tempfile::TempDir,
    segment_bytes_max: u64,
}

/// A running pipeline, and the first offset that its start applied.
pub struct Running {
    pub pipeline: Pipeline,
    pub first: Option<Offset>,
}

impl Data {
    pub fn new() -> Self {
        Self::with_segments(64 * 1024 * 1024)
    }

    /// Whose logs are cut into segments of that length.
    pub fn with_segments(segment_bytes_max: u64) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            segment_bytes_max,
        }
    }

    pub fn logs(&self) -> [EventLog; 2] {
        let open = |name: &str, new_start| {
            let options = EmbeddedOptions {
                new_start,
                durability: Durability::Never,
                segment_bytes_max: self.segment_bytes_max,
                ..EmbeddedOptions::new(LOG)
            };
            EventLog::open(&self.folder.path().join(name), options)
                .unwrap()
                .0
        };
        let transactions = open("log", Offset(0));
        let folder = sentinel_pipeline::SnapshotFolder::new(&self.snapshots());
        let first = folder.first_replayable(&transactions).unwrap();
        let decisions = open("decisions", first.unwrap_or(transactions.start()));
        [transactions, decisions]
    }

    pub fn snapshots(&self) -> PathBuf {
        self.folder.path().join("snapshots")
    }

    /// Snapshots at stops only.
    pub fn at_stops(&self) -> SnapshotOptions {
        SnapshotOptions {
            every_entries: 0,
            interval: Duration::ZERO,
            at_stop_entries: 1,
            ..SnapshotOptions::new(&self.snapshots())
        }
    }

    pub async fn start(&self, snapshots: Option<SnapshotOptions>) -> Running {
        self.try_start(snapshots).await.unwrap()
    }

    pub async fn try_start(
        &self,
        snapshots: Option<SnapshotOptions>,
    ) -> Result<Running, PipelineError> {
        let [transactions, decisions] = self.logs();
        let mut first = None;
        let options = PipelineOptions {
            transactions,
            decisions,
            store: Store::open(&self.folder.path().join("store.sqlite"))
                .await
                .unwrap(),
            sink: (Sink::memory().0, "memory".to_owned()),
            dead_letters: DeadLetterFile::growing(&self.folder.path().join("letters.jsonl")),
            contents: shipped(),
            snapshots,
            attempts: None,
            trust: sentinel_pipeline::trust::ModelTrust::default(),
            ticks: None,
            deadline: Duration::from_secs(20),
            now: noon,
        };
        let mut progress = |next, _| {
            first.get_or_insert(Offset(next));
        };
        let pipeline = Pipeline::start(options, &mut progress).await?;
        Ok(Running { pipeline, first })
    }

    /// Feeds a stretch and stops; where the log ends then.
    pub async fn fed(&self, seed: u64, count: usize) -> Offset {
        let running = self.start(Some(self.at_stops())).await;
        feed(running.pipeline.handle(), seed, count).await;
        let handle = running.pipeline.handle().clone();
        running.pipeline.stop().await.unwrap();
        handle.log_end()
    }

    /// Makes the last recorded outcome another one.
    pub fn alter_last_outcome(&self) {
        let last = Offset(self.logs()[1].end().0 - 1);
        self.rewrite_outcomes(&mut |record| {
            let mut bytes = record.payload.to_vec();
            if record.offset == last {
                *bytes.last_mut().unwrap() ^= 1;
            }
            bytes
        });
    }

    /// Writes the decision log anew, under right checksums.
    pub fn rewrite_outcomes(&self, change: &mut dyn FnMut(&Record<'_>) -> Vec<u8>) {
        let [transactions, decisions] = self.logs();
        let mut batch = RecordBatch::default();
        decisions.read(Offset(0), 100_000, &mut batch).unwrap();
        let mut payloads = sentinel_eventlog::Payloads::default();
        for record in batch.iter() {
            let bytes = change(&record);
            payloads.push_at(record.log_time, |out| out.extend_from_slice(&bytes));
        }
        decisions.close().unwrap();
        drop([transactions, decisions]);
        std::fs::remove_dir_all(self.folder.path().join("decisions")).unwrap();
        let [_transactions, decisions] = self.logs();
        decisions
            .append(Instant::default(), None, &payloads)
            .unwrap();
        decisions.close().unwrap();
    }

    /// Decides on the whole log again; every outcome must be the recorded one.
    pub fn compare_all(&self) {
        let [transactions, decisions] = self.logs();
        assert_eq!(transactions.end(), decisions.end());
        let logs = RecordedLogs::new(transactions, decisions);
        let statistics = Arc::new(Statistics::default());
        let mut worker = Worker::recording(logs, statistics).unwrap();
        worker.catch_up(&mut |_, _| {}).unwrap();
    }
}

/// Submits a stream and waits for the decision on a last payment of its own.
pub async fn feed(handle: &Handle, seed: u64, count: usize) {
    for (index, (time, entry)) in stream(seed, count).into_iter().enumerate() {
        let entry = match entry {
            // Streams of two seeds share ids of events.
            Entry::Transaction(mut one) => {
                one.event_id = sentinel_domain::EventId::new(format!("{seed}-{index}"));
                Entry::Transaction(one)
            }
            other => other,
        };
        handle.submit_entry(&entry, time).unwrap();
    }
    let answer = pay(handle, &format!("last-{seed}")).await;
    assert!(matches!(answer, Answer::Decided(_)), "{answer:?}");
}

pub async fn pay(handle: &Handle, id: &str) -> Answer {
    let body = format!(
        "{{\"event_id\":\"{id}\",\"event_type\":\"card_auth\",\"event_time\":{},\
         \"account_id\":\"a\",\"amount_minor\":1,\"currency\":\"USD\"}}",
        noon().micros()
    );
    handle.decide(body.as_bytes(), noon()).await.unwrap()
}

pub fn figures(running: &Running) -> SnapshotFigures {
    *running.pipeline.handle().snapshots().borrow()
}

pub fn newest(running: &Running) -> Option<Offset> {
    figures(running).newest.map(|newest| newest.offset)
}

fn damage(folder: &Path, offset: Offset) {
    let file = folder.join(format!("{:020}.snapshot", offset.0));
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(&file, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_goes_on_from_the_snapshot_of_the_last_stop() {
    let data = Data::new();
    let stopped_at = data.fed(1, 1_500).await;
    assert!(stopped_at > Offset(1_500));
    let running = data.start(Some(data.at_stops())).await;
    assert_eq!(newest(&running), Some(stopped_at));
    assert_eq!(running.first, None, "nothing is left to replay");
    let handle = running.pipeline.handle().clone();
    // What was decided before is known: by id, with its versions, and in the list of models.
    assert!(matches!(pay(&handle, "last-1").await, Answer::Replayed(_)));
    let found = handle.lookup_event("last-1").await.unwrap().unwrap();
    assert!(
        handle
            .lookup(found.decision.decision_id())
            .await
            .unwrap()
            .is_some()
    );
    let in_force = handle.in_force();
    assert_eq!(in_force.models.len(), 1);
    assert!(in_force.active.decider().is_some());
    assert_eq!(
        handle.figures().transactions,
        0,
        "figures are those of this process"
    );
    feed(&handle, 2, 700).await;
    running.pipeline.stop().await.unwrap();
    data.compare_all();
    // Killed without a stop: the log behind the snapshot is replayed.
    let second_stop = handle.log_end();
    let running = data.start(None).await;
    feed(running.pipeline.handle(), 3, 100).await;
    running.pipeline.stop().await.unwrap();
    let running = data.start(Some(data.at_stops())).await;
    assert_eq!(newest(&running), Some(second_stop));
    assert!(running.first > Some(second_stop), "{:?}", running.first);
    running.pipeline.stop().await.unwrap();
    data.compare_all();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_snapshot_gives_way_to_the_older_one_and_both_to_the_log() {
    let data = Data::new();
    let older = data.fed(1, 700).await;
    let newer = data.fed(2, 300).await;
    damage(&data.snapshots(), newer);
    // What a process that was killed while writing left.
    let unfinished = data
        .snapshots()
        .join(format!("{:020}.unfinished", newer.0 + 5));
    std::fs::write(&unfinished, b"SENTSNP\n").unwrap();
    let running = data.start(Some(data.at_stops())).await;
    assert_eq!(newest(&running), Some(older));
    assert_eq!(figures(&running).failures, 1);
    assert!(running.first.is_some_and(|first| first > older));
    assert!(!unfinished.exists(), "what was never finished is removed");
    feed(running.pipeline.handle(), 3, 50).await;
    running.pipeline.stop().await.unwrap();
    data.compare_all();
    for (offset, path) in sentinel_pipeline::SnapshotFolder::new(&data.snapshots())
        .list()
        .unwrap()
    {
        assert!(path.exists());
        damage(&data.snapshots(), offset);
    }
    let running = data.start(Some(data.at_stops())).await;
    assert_eq!((newest(&running), figures(&running).failures), (None, 2));
    assert!(
        running.first.is_some_and(|first| first < older),
        "from the log's start"
    );
    feed(running.pipeline.handle(), 4, 50).await;
    running.pipeline.stop().await.unwrap();
    data.compare_all();
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_are_made_beside_the_owner_while_it_decides() {
    let data = Data::new();
    let options = SnapshotOptions {
        every_entries: 400,
        interval: Duration::ZERO,
        at_stop_entries: u64::MAX,
        ..SnapshotOptions::new(&data.snapshots())
    };
    let running = data.start(Some(options)).await;
    let handle = running.pipeline.handle().clone();
    let mut made = handle.snapshots();
    for seed in 1..=3 {
        let before = handle.snapshots().borrow().made;
        feed(&handle, seed, 500).await;
        let more = made.wait_for(|figures| figures.made > before || figures.failures > 0);
        let more = *tokio::time::timeout(Duration::from_secs(60), more)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(more.failures, 0);
        let newest = more.newest.unwrap();
        assert!(newest.offset <= handle.log_end() && newest.seconds.is_some());
    }
    running.pipeline.stop().await.unwrap();
    let newest = handle.snapshots().borrow().newest.unwrap();
    // The owner's own state at the same place gives the same bytes.
    let [transactions, decisions] = data.logs();
    let mut random = sentinel_synth::Random::new(1);
    let owner = super::decided(&transactions, newest.offset, &mut random);
    let file = data
        .snapshots()
        .join(format!("{:020}.snapshot", newest.offset.0));
    let bytes = super::written(&owner, &transactions, &data.folder.path().join("owner"));
    assert!(std::fs::read(file).unwrap() == bytes);
    drop([transactions, decisions]);
    let running = data.start(Some(data.at_stops())).await;
    assert_eq!(super::restart::newest(&running), Some(newest.offset));
    running.pipeline.stop().await.unwrap();
    data.compare_all();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_beyond_what_the_store_has_followed_is_not_used() {
    let data = Data::new();
    let older = data.fed(1, 200).await;
    let copy = data.folder.path().join("older.sqlite");
    std::fs::copy(data.folder.path().join("store.sqlite"), &copy).unwrap();
    data.fed(2, 200).await;
    // The store is restored from a copy of then.
    for name in ["store.sqlite-wal", "store.sqlite-shm"] {
        let _ = std::fs::remove_file(data.folder.path().join(name));
    }
    std::fs::copy(&copy, data.folder.path().join("store.sqlite")).unwrap();
    let running = data.start(Some(data.at_stops())).await;
    assert_eq!(newest(&running), Some(older));
    running.pipeline.stop().await.unwrap();
    data.compare_all();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_outcome_behind_a_snapshot_stops_the_start() {
    let data = Data::new();
    let stopped_at = data.fed(1, 200).await;
    let running = data.start(None).await;
    feed(running.pipeline.handle(), 2, 100).await;
    running.pipeline.stop().await.unwrap();
    data.alter_last_outcome();
    let [transactions, decisions] = data.logs();
    let mut refused = |error: &_| panic!("{error}");
    let folder = sentinel_pipeline::SnapshotFolder::new(&data.snapshots());
    let (state, _) = folder
        .newest_state(&transactions, decisions.end(), &mut refused)
        .unwrap();
    assert_eq!(state.next(), stopped_at);
    let logs = RecordedLogs::new(transactions, decisions);
    let statistics = Arc::new(Statistics::default());
    let mut worker = Worker::recording_from(state, logs, statistics).unwrap();
    let mismatch = worker.replay(Offset(u64::MAX), &mut |_, _| {}).unwrap_err();
    assert!(
        mismatch.to_string().contains("another outcome"),
        "{mismatch}"
    );
    assert_ne!(LOG, LogId::default());
}
