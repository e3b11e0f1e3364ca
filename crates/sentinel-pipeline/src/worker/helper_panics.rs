//! A helper of a start's crew panics, or the second owner while it compares: the process ends with an error, nothing was
//! acknowledged or recorded that does not hold, and the next one goes on.

use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use sentinel_delivery::Sink;
use sentinel_domain::{Activation, ActivationKind, Entry, Instant, LogId, Offset};
use sentinel_eventlog::{EventLog, MemoryOptions, Payloads, encode_entry};
use sentinel_features::FeatureSet;
use sentinel_store::Store;
use sentinel_synth::{Options, Stream};

use super::{Worker, WorkerError};
use crate::dead_letter::DeadLetterFile;
use crate::pipeline::{Pipeline, PipelineError, PipelineOptions};
use crate::planted;
use crate::recorded::RecordedLogs;
use crate::snapshot::SnapshotOptions;
use crate::statistics::Statistics;
use crate::trust::ModelTrust;

/// More than the owner takes at once, and than lies ready: whoever is left reads.
const PAYMENTS: usize = 6_000;

fn log() -> EventLog {
    EventLog::memory(MemoryOptions {
        log_id: LogId([5; 16]),
        bytes_max: 1 << 30,
    })
}

fn shipped() -> Vec<Activation> {
    let model = include_bytes!("../../../../fixtures/models/default.model");
    let features = FeatureSet::shipped().to_text();
    let contents: [(ActivationKind, &[u8]); 5] = [
        (ActivationKind::Features, features.as_bytes()),
        (
            ActivationKind::Rates,
            crate::rates::SHIPPED_RATES.as_bytes(),
        ),
        (ActivationKind::Model, model),
        (
            ActivationKind::Rules,
            sentinel_rules::SHIPPED_RULES.as_bytes(),
        ),
        (
            ActivationKind::Policy,
            sentinel_rules::SHIPPED_POLICY.as_bytes(),
        ),
    ];
    let contents = contents.map(|(kind, content)| Activation {
        kind,
        name: "default".into(),
        version: 1,
        content: content.to_vec(),
    });
    contents.to_vec()
}

fn noon() -> Instant {
    Instant::parse_rfc3339("2026-03-02T12:00:00Z").unwrap()
}

/// Both logs of an owner that has decided on a stream.
fn recorded() -> RecordedLogs {
    let logs = RecordedLogs::new(log(), log());
    let mut payloads = Payloads::default();
    let contents = shipped().into_iter();
    let contents = contents.map(|one| Entry::Activation(Box::new(one)));
    let stream = Stream::new(Options::new(1, Instant::from_seconds(1_772_000_000)));
    let stream = stream.take(PAYMENTS);
    let stream = stream.map(|one| Entry::Transaction(Box::new(one.transaction)));
    for entry in contents.chain(stream) {
        payloads.push_with(|out| encode_entry(&entry, out));
    }
    let log = &logs.transactions;
    log.append(noon(), None, &payloads).unwrap();
    log.flush().unwrap();
    let mut owner = Worker::recording(logs.clone(), Arc::new(Statistics::default())).unwrap();
    owner.catch_up(&mut |_, _| {}).unwrap();
    logs.decisions.flush().unwrap();
    logs
}

fn options(logs: &RecordedLogs, store: &Store, folder: &Path) -> PipelineOptions {
    PipelineOptions {
        transactions: logs.transactions.clone(),
        decisions: logs.decisions.clone(),
        store: store.clone(),
        sink: (Sink::memory().0, "memory".to_owned()),
        dead_letters: DeadLetterFile::growing(&folder.join("letters.jsonl")),
        contents: shipped(),
        attempts: Some(folder.join("attempts")),
        trust: ModelTrust::default(),
        // All of it is taken in by the crew, and compared by the second owner.
        snapshots: Some(SnapshotOptions {
            every_entries: 0,
            interval: Duration::ZERO,
            at_stop_entries: u64::MAX,
            compared_first: 0,
            ..SnapshotOptions::new(&folder.join("snapshots"))
        }),
        ticks: None,
        deadline: Duration::from_secs(20),
        now: noon,
    }
}

/// Plants a panic at whatever a thread of such a name reads first; who hears that one did.
fn plant(prefix: &'static str) -> mpsc::Receiver<Offset> {
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    planted::plant_reader_fault(Some(Arc::new(move |offset| {
        let thread = std::thread::current();
        if thread.name().is_some_and(|name| name.starts_with(prefix)) {
            tell.lock().unwrap().send(offset).unwrap();
            // Without the hook, which would write to the test's output.
            std::panic::resume_unwind(Box::new("planted"));
        }
    })));
    told
}

#[tokio::test]
async fn a_panic_of_a_helper_ends_the_start_with_an_error_and_the_next_one_goes_on() {
    let logs = recorded();
    let ends = || (logs.transactions.end(), logs.decisions.appended_end());
    let before = ends();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::memory().await.unwrap();
    let panicked = plant("crew-");
    let mut at = None;
    // Where the owner comes so far, it goes on once a helper has panicked: until then there is something to read.
    let mut progress = |_, _| {
        at.get_or_insert_with(|| panicked.recv_timeout(Duration::from_secs(60)).unwrap());
    };
    let started = Pipeline::start(options(&logs, &store, folder.path()), &mut progress).await;
    planted::plant_reader_fault(None);
    let stopped = started.map(drop).unwrap_err();
    assert!(matches!(stopped, PipelineError::Panicked), "{stopped}");
    assert!(stopped.to_string().contains("a restart replays it"));
    let at = at.or_else(|| panicked.try_recv().ok());
    assert!(at.is_some_and(|at| at < before.1), "{at:?}");
    assert_eq!(ends(), before, "nothing is taken in or recorded");
    // What it was about has an outcome: it is no poison, however often that happens.
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");

    let again = options(&logs, &store, folder.path());
    let pipeline = Pipeline::start(again, &mut |_, _| {}).await.unwrap();
    let handle = pipeline.handle().clone();
    assert_eq!(handle.log_end(), before.0);
    pipeline.stop().await.unwrap();
    assert_eq!(ends(), before);
    assert_eq!(handle.figures().mismatches, 0);
}

#[tokio::test]
async fn a_panic_of_the_second_owner_while_it_compares_ends_the_process() {
    let logs = recorded();
    let before = (logs.transactions.end(), logs.decisions.appended_end());
    let folder = tempfile::tempdir().unwrap();
    let store = Store::memory().await.unwrap();
    let panicked = plant("read-0");
    let first = options(&logs, &store, folder.path());
    let pipeline = Pipeline::start(first, &mut |_, _| {}).await.unwrap();
    planted::plant_reader_fault(None);
    pipeline.failed().wait_for(|failed| *failed).await.unwrap();
    assert!(panicked.try_recv().is_ok());
    let ended = pipeline.stop().await.unwrap_err();
    let is_it = matches!(ended, PipelineError::Worker(WorkerError::NotCompared));
    assert!(is_it, "{ended}");
    assert!(ended.to_string().contains("a restart compares it again"));
    let after = (logs.transactions.end(), logs.decisions.appended_end());
    assert_eq!(after, before);
    assert!(
        !folder.path().join("snapshots").exists(),
        "no snapshot covers what nobody has compared"
    );
}
