//! An entry that stops the owner every time it comes to it is skipped after three stops, and nothing else is lost.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use sentinel_domain::{Entry, Instant, Offset, Outcome, RejectionCode};
use sentinel_eventlog::{
    EventLog, MemoryOptions, Payloads, RecordBatch, decode_entry, encode_entry,
};
use sentinel_pipeline::dead_letter::DeadLetterFile;
use sentinel_pipeline::poison::{Attempts, STOPS, put_aside};
use sentinel_pipeline::replay::replay_range;
use sentinel_pipeline::statistics::Statistics;
use sentinel_pipeline::worker::Worker;
use sentinel_pipeline::{RecordedLogs, SnapshotFolder, snapshot};

use crate::contents::{LOG, append, empty_log, shipped, stream};
use crate::snapshots::{kept, written};

/// The payment that stops the engine.
const POISON: u64 = 333;

struct Setting {
    transactions: EventLog,
    decisions: EventLog,
    folder: tempfile::TempDir,
}

impl Setting {
    fn new() -> Self {
        let transactions = empty_log();
        let mut payloads = Payloads::default();
        for activation in shipped() {
            let entry = Entry::Activation(Box::new(activation));
            payloads.push_with(|out| encode_entry(&entry, out));
        }
        for (_, entry) in stream(5, 1_000) {
            payloads.push_with(|out| encode_entry(&entry, out));
        }
        transactions
            .append(Instant::from_seconds(1), None, &payloads)
            .unwrap();
        transactions.flush().unwrap();
        Self {
            transactions,
            decisions: EventLog::memory(MemoryOptions {
                log_id: LOG,
                bytes_max: 1 << 30,
            }),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn logs(&self) -> RecordedLogs {
        RecordedLogs::new(self.transactions.clone(), self.decisions.clone())
    }

    fn letters(&self) -> PathBuf {
        self.folder.path().join("letters.jsonl")
    }

    /// One life of the owner: it starts, puts aside what has to be, and applies what there is. Whether it came
    /// to the end.
    fn live(&self) -> bool {
        let attempts = Attempts::open(&self.folder.path().join("attempts")).unwrap();
        let mut letters = DeadLetterFile::growing(&self.letters());
        self.decisions.flush().unwrap();
        let next = self.decisions.end();
        let now = Instant::from_seconds(2);
        let next = (next, Offset(0));
        put_aside(&attempts, &self.transactions, next, &mut letters, now).unwrap();
        let fault = |offset: Offset| assert_ne!(offset, Offset(POISON), "the planted fault");
        // Once it is skipped the fault is not met any more: the engine does not look at the entry.
        let is_put_aside = self.letters().exists();
        let mut worker = Worker::recording(self.logs(), Arc::new(Statistics::default()))
            .unwrap()
            .noting(Some(attempts));
        if !is_put_aside {
            worker = worker.with_fault(Box::new(fault));
        }
        let lived = catch_unwind(AssertUnwindSafe(|| {
            worker.replay(Offset(u64::MAX), &mut |_, _| {})
        }));
        match lived {
            Ok(ended) => {
                ended.unwrap();
                worker.end().unwrap();
                true
            }
            Err(_) => false,
        }
    }

    fn outcome(&self, offset: u64) -> Outcome {
        let logs = self.logs();
        for at in 0..=offset {
            let mut batch = RecordBatch::default();
            self.decisions.read(Offset(at), 1, &mut batch).unwrap();
            let (outcome, _) = logs.decode(&batch.get(0).unwrap()).unwrap();
            logs.learn(&outcome);
            if at == offset {
                return outcome;
            }
        }
        unreachable!()
    }
}

#[test]
fn the_third_stop_at_one_entry_skips_it_keeps_its_bytes_and_loses_nothing_else() {
    let setting = Setting::new();
    let end = setting.transactions.end();
    for stop in 1..=STOPS {
        assert!(!setting.live(), "stop {stop}");
        assert!(!setting.letters().exists(), "stop {stop}");
        setting.decisions.flush().unwrap();
        let decided = setting.decisions.end().0;
        // The first life loses its batch; those after it come to the very entry.
        let nearest = if stop == 1 { POISON - 64 } else { POISON };
        assert!(
            (nearest..=POISON).contains(&decided),
            "stop {stop}: {decided}"
        );
    }
    assert!(setting.live());
    setting.decisions.flush().unwrap();
    assert_eq!(
        setting.transactions.end(),
        end.plus(1),
        "one entry more: the skip"
    );
    assert_eq!(setting.decisions.end(), end.plus(1));
    let Outcome::Refused(rejection) = setting.outcome(POISON) else {
        panic!("{:?}", setting.outcome(POISON));
    };
    assert_eq!(rejection.code, RejectionCode::Skipped);
    assert!(matches!(setting.outcome(POISON + 1), Outcome::Decided(_)));
    assert!(matches!(setting.outcome(end.0), Outcome::Applied));
    let letter = std::fs::read_to_string(setting.letters()).unwrap();
    assert_eq!(letter.lines().count(), 1);
    assert!(
        letter.contains("\"source\":\"log\",\"row\":333,\"code\":\"skipped\""),
        "{letter}"
    );
    // The log alone says it all: whoever replays it makes the same of it.
    let range = (Offset(0), setting.decisions.end());
    let found = replay_range(&setting.logs(), range, &mut |_, _| {
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!((found.compared, found.different), (end.0 + 1, 0));
    // A snapshot behind the skip says it too: whoever goes on from it, or from the one before the entry, reads no further
    // back than the newest.
    let snapshots = setting.folder.path().join("snapshots");
    let folder = sentinel_pipeline::SnapshotFolder::new(&snapshots);
    let mut refused = |error: &_| panic!("{error}");
    for to in [Offset(POISON - 100), setting.decisions.end()] {
        let mut go_on = || std::ops::ControlFlow::Continue(());
        let logs = setting.logs();
        sentinel_pipeline::snapshot::make(&folder, &logs, to, None, &mut go_on, &mut refused)
            .unwrap()
            .unwrap();
    }
    let from_snapshots = setting.logs().with_snapshots(&snapshots);
    let range = (Offset(POISON - 50), setting.decisions.end());
    let found = replay_range(&from_snapshots, range, &mut |_, _| {
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(found.began, Offset(POISON - 100));
    assert_eq!(
        (found.compared, found.different),
        (end.0 + 1 - range.0.0, 0)
    );
    let newest = std::fs::read(folder.list().unwrap()[0].1.clone()).unwrap();
    let spelled = POISON.to_le_bytes();
    assert!(newest.windows(8).any(|bytes| bytes == spelled));
    // And a start after it is as any other.
    assert!(setting.live());
    assert_eq!(setting.transactions.end(), end.plus(1));
}

#[test]
fn panics_at_one_entry_after_another_skip_nothing() {
    let setting = Setting::new();
    let end = setting.transactions.end();
    for life in 0..6 {
        let attempts = Attempts::open(&setting.folder.path().join("attempts")).unwrap();
        let mut letters = DeadLetterFile::growing(&setting.letters());
        let next = setting.decisions.end();
        let now = Instant::from_seconds(2);
        let next = (next, Offset(0));
        put_aside(&attempts, &setting.transactions, next, &mut letters, now).unwrap();
        let killed_at = Offset(40 + life * 50);
        let mut worker = Worker::recording(setting.logs(), Arc::new(Statistics::default()))
            .unwrap()
            .noting(Some(attempts))
            .with_fault(Box::new(move |offset| assert_ne!(offset, killed_at)));
        let lived = catch_unwind(AssertUnwindSafe(|| {
            worker.replay(Offset(u64::MAX), &mut |_, _| {})
        }));
        assert!(lived.is_err(), "life {life}");
        setting.decisions.flush().unwrap();
    }
    assert_eq!(setting.transactions.end(), end);
    assert!(!setting.letters().exists());
    let mut batch = RecordBatch::default();
    setting.transactions.read(Offset(0), 1, &mut batch).unwrap();
    assert!(decode_entry(batch.get(0).unwrap().payload).is_ok());
}

/// Found by the simulation: the one that the owner began with stands behind the skip, and was damaged since.
#[test]
fn a_snapshot_made_from_further_back_than_its_owner_began_knows_what_is_skipped() {
    let setting = Setting::new();
    for _ in 0..STOPS {
        assert!(!setting.live());
    }
    assert!(setting.live());
    setting.decisions.flush().unwrap();
    let folder = SnapshotFolder::new(&setting.folder.path().join("snapshots"));
    let make = |logs: &RecordedLogs| {
        let mut go_on = || std::ops::ControlFlow::Continue(());
        let to = logs.decisions.end();
        let made = snapshot::make(&folder, logs, to, None, &mut go_on, &mut |_| {});
        made.unwrap().unwrap().written.file
    };
    let first = make(&setting.logs());
    let (logs, log) = (setting.logs(), &setting.transactions);
    let mut refused = |error: &_| panic!("{error}");
    let (state, found) = folder.newest_state(log, log.end(), &mut refused).unwrap();
    assert_eq!(found.unwrap().offset, log.end());
    let statistics = Arc::new(Statistics::default());
    let mut owner = Worker::recording_from(state, logs.clone(), statistics).unwrap();
    let bytes = std::fs::read(&first).unwrap();
    std::fs::write(&first, &bytes[..bytes.len() / 2]).unwrap();
    append(log, stream(6, 1));
    owner.catch_up(&mut |_, _| {}).unwrap();
    setting.decisions.flush().unwrap();
    let second = make(&logs);
    let random = &mut sentinel_synth::Random::new(1);
    let other = setting.folder.path().join("other");
    let expected = written(&kept(log, log.end(), random), log, &other);
    assert!(std::fs::read(second).unwrap() == expected);
}

#[test]
fn an_entry_that_alerts_have_followed_is_never_skipped() {
    let setting = Setting::new();
    for _ in 0..STOPS {
        assert!(!setting.live());
    }
    setting.decisions.flush().unwrap();
    let attempts = Attempts::open(&setting.folder.path().join("attempts")).unwrap();
    assert!(attempts.is_poison(Offset(POISON)));
    let mut letters = DeadLetterFile::growing(&setting.letters());
    let end = setting.transactions.end();
    // The decision log was set aside and is made again; the store has seen the entry's alert.
    let next = (Offset(POISON), Offset(POISON + 1));
    let now = Instant::from_seconds(2);
    put_aside(&attempts, &setting.transactions, next, &mut letters, now).unwrap();
    assert_eq!(setting.transactions.end(), end);
    assert!(!setting.letters().exists());
}
