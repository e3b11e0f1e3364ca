//! Snapshots: a state that was written and read back is the state, or it is refused.

mod files;
mod fixture;
mod comparing;
mod restart;
mod retention;
mod semantics;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use sentinel_domain::{
    Activation, ActivationKind, Entry, Instant, Label, LabelKind, Offset, SubjectKind,
};
use sentinel_eventlog::{EventLog, OutcomeEncoder, RecordBatch};
use sentinel_pipeline::worker::{Published, Worker};
use sentinel_pipeline::{History, PartitionState, RecordedLogs, Settled, SnapshotFolder};
use sentinel_synth::{Random, builder};

use crate::contents::{activations, append, append_bytes, empty_log, shipped, stream};
use crate::definitions::with_definitions;
use crate::fast_lane::apply;
use crate::orders::WATCHING;
use crate::overrides::overriding;

/// A number below a bound.
pub fn below(random: &mut Random, bound: usize) -> usize {
    usize::try_from(random.below(bound as u64)).unwrap()
}

/// Takes entries in up to an offset, in batches of random sizes.
pub fn walk(
    state: &mut PartitionState,
    log: &EventLog,
    to: Offset,
    random: &mut Random,
) -> Vec<Settled> {
    let (mut batch, mut settled) = (RecordBatch::default(), Vec::new());
    while state.next() < to {
        let left = usize::try_from(to.0 - state.next().0).unwrap();
        let size = 1 + below(random, 200);
        log.read(state.next(), size.min(left), &mut batch).unwrap();
        let mut go_on = |_, _| ControlFlow::Continue(());
        let mut history = History::new(log, &mut go_on);
        state.apply(&batch, &mut history, &mut settled).unwrap();
    }
    settled
}

/// A state that has decided on everything before an offset.
pub fn decided(log: &EventLog, to: Offset, random: &mut Random) -> PartitionState {
    let mut state = PartitionState::new(log.log_id(), log.partition());
    walk(&mut state, log, to, random);
    state
}

/// A state that has taken in everything before an offset and decided nothing.
pub fn kept(log: &EventLog, to: Offset, random: &mut Random) -> PartitionState {
    let mut state = PartitionState::new(log.log_id(), log.partition()).keeping();
    walk(&mut state, log, to, random);
    state
}

/// The bytes of a state's snapshot, written into a folder.
pub fn written(state: &PartitionState, log: &EventLog, folder: &Path) -> Vec<u8> {
    let written = SnapshotFolder::new(folder).write(state, log).unwrap();
    std::fs::read(written.unwrap().file).unwrap()
}

/// The state of the newest snapshot of a folder, of which nothing may be refused.
fn read_back(log: &EventLog, folder: &Path) -> PartitionState {
    let mut refused = |error: &_| panic!("{error}");
    let read = SnapshotFolder::new(folder).newest_state(log, log.end(), &mut refused);
    let (state, found) = read.unwrap();
    assert_eq!(found.unwrap().offset, state.next());
    state
}

fn content(kind: ActivationKind, version: u32, content: &str) -> Activation {
    Activation {
        kind,
        name: "test".into(),
        version,
        content: content.as_bytes().to_vec(),
    }
}

/// Something that changes what decisions are made with, or cannot.
fn switch(random: &mut Random, version: u32) -> Activation {
    let doubled = sentinel_pipeline::rates::SHIPPED_RATES.replace("EUR = \"1.", "EUR = \"2.");
    let quiet = format!("name = \"quiet\"\nversion = {version}\n");
    let lists = format!(
        "name = \"desk\"\nversion = {version}\n[[list]]\nname = \"watched\"\n\
         entries = [{{ value = \"{}\", expires_at = \"2026-03-01T09:00:00Z\" }}]\n",
        random.below(9)
    );
    match random.below(7) {
        5 => content(ActivationKind::Lists, version, &lists),
        6 => content(ActivationKind::Rules, version, WATCHING),
        0 => content(ActivationKind::Rules, version, &quiet),
        1 => content(ActivationKind::Rates, version, &doubled),
        2 => content(ActivationKind::Features, version, &with_definitions()),
        3 => content(ActivationKind::Model, version, "not a model"),
        _ => content(ActivationKind::Rules, 1, &quiet),
    }
}

/// A log with labels, corrections, overrides, ticks, repeats, conflicts, late events, poison and switches in it.
pub fn any_log(random: &mut Random, count: usize) -> EventLog {
    let log = empty_log();
    let entries = stream(random.below(1_000), count);
    append(&log, entries[..below(random, 20)].to_vec());
    append(&log, activations(shipped()));
    let mut seen: Vec<(Instant, Entry)> = Vec::new();
    for (time, entry) in entries {
        match random.below(40) {
            0 => {
                append_bytes(&log, b"\xff\xff");
            }
            1 => {
                let version = 2 + u32::try_from(random.below(4)).unwrap();
                append(&log, activations(vec![switch(random, version)]));
            }
            5 if !seen.is_empty() => {
                if let (_, Entry::Transaction(one)) = random.pick(&seen) {
                    let erase = crate::orders::erase(SubjectKind::Account, &one.account_id.0);
                    append(&log, [(time, erase)]);
                }
            }
            7 if !seen.is_empty() => {
                if let (_, Entry::Transaction(one)) = random.pick(&seen) {
                    let at = random.below(log.end().0);
                    let name = format!("o{}", random.below(5));
                    let order = overriding(&name, one.event_id.as_str(), at);
                    append(&log, [(time, Entry::Override(Box::new(order)))]);
                }
            }
            6 => {
                // Some forget everything.
                let hours = [0, 0, 0, 73][below(random, 4)];
                append(
                    &log,
                    [(time.plus_micros(hours * 3_600_000_000), Entry::Tick)],
                );
            }
            2 | 3 if !seen.is_empty() => {
                let (time, again) = random.pick(&seen).clone();
                append(&log, [(time, changed(again, random))]);
            }
            4 => {
                let mut any = builder::random_transaction(random);
                let Entry::Transaction(like) = &entry else {
                    continue;
                };
                any.event_time = like.event_time;
                append(&log, [(time, Entry::Transaction(Box::new(any)))]);
            }
            _ => {}
        }
        seen.push((time, entry.clone()));
        append(&log, [(time, entry)]);
    }
    log
}

/// An entry again: as it was, with another amount, or a label taken back.
fn changed(entry: Entry, random: &mut Random) -> Entry {
    match entry {
        Entry::Transaction(mut transaction) => {
            transaction.amount_minor += i64::from(random.chance(0.5));
            Entry::Transaction(transaction)
        }
        Entry::Label(label) => Entry::Label(Box::new(Label {
            label_id: sentinel_domain::LabelId(format!("{}-again", label.label_id.0).into()),
            kind: LabelKind::Legitimate,
            ..*label
        })),
        other => other,
    }
}

#[test]
fn a_state_that_was_read_back_decides_as_if_it_had_never_been_away() {
    for seed in 0..12 {
        let mut random = Random::new(seed);
        let log = any_log(&mut random, 350);
        let whole = apply(&log, &[100_000]);
        let split = Offset(1 + random.below(log.end().0));
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
        let owner = decided(&log, split, &mut random);
        let bytes = written(&owner, &log, &one);
        // The second owner goes by way of a snapshot of its own.
        let earlier = Offset(1 + random.below(split.0));
        written(&kept(&log, earlier, &mut random), &log, &other);
        let mut second = read_back(&log, &other).keeping();
        walk(&mut second, &log, split, &mut random);
        assert!(
            written(&second, &log, &other) == bytes,
            "seed {seed}: equal states, equal bytes"
        );
        let mut state = read_back(&log, &other);
        assert_eq!(state.switches(), owner.switches());
        let rest = walk(&mut state, &log, log.end(), &mut random);
        let expected = &whole[usize::try_from(split.0).unwrap()..];
        let mut encoder = OutcomeEncoder::default();
        let mut told = |settled: &Settled| {
            let mut bytes = Vec::new();
            encoder.encode(&settled.outcome, 0, &mut bytes);
            (settled.offset, bytes)
        };
        for (one, expected) in rest.iter().zip(expected) {
            assert_eq!(told(one), told(expected), "seed {seed}, split at {split}");
        }
        assert_eq!(rest.len(), expected.len());
    }
}

#[test]
fn a_start_that_takes_in_by_many_hands_becomes_the_state_of_an_owner_that_decided() {
    for seed in 40..43 {
        let mut random = Random::new(seed);
        let log = any_log(&mut random, 300);
        // Long runs, which are shared out: nothing stands between their payments.
        let payments = stream(seed, 1_500).into_iter();
        let is_payment = |entry: &(Instant, Entry)| matches!(entry.1, Entry::Transaction(_));
        append(&log, payments.filter(is_payment));
        append(&log, stream(seed + 1, 200));
        let logs = RecordedLogs::new(log.clone(), empty_log());
        let worker = || Worker::recording(logs.clone(), Arc::default()).unwrap();
        worker().replay(Offset(0), &mut |_, _| {}).unwrap();
        let (mut heard, mut second) = (0, worker());
        let mut hear = |_: &PartitionState, told: Published| heard += told.settled.len();
        second.replay(Offset(20), &mut hear).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
        let owner = decided(&log, log.end(), &mut random);
        assert!(
            written(second.state(), &log, &one) == written(&owner, &log, &other),
            "seed {seed}: equal states, equal bytes"
        );
        assert_eq!(heard, owner.switches().len(), "activations alone are told");
    }
}

#[test]
fn an_entity_with_more_events_than_it_may_hold_goes_on_too() {
    let log = empty_log();
    append(&log, activations(shipped()));
    let payments = (0..66_500_i64).map(|n| {
        let id = format!("e{n}");
        let at = builder::FIXED_TIME.plus_micros(n * 1_000_000);
        let transaction = builder::transaction(&id)
            .at(at)
            .amount_minor(100 + n % 90)
            .build();
        (at, Entry::Transaction(Box::new(transaction)))
    });
    append(&log, payments);
    let random = &mut Random::new(5);
    let folder = tempfile::tempdir().unwrap();
    let split = Offset(66_000);
    written(&kept(&log, split, random), &log, folder.path());
    let mut second = read_back(&log, folder.path()).keeping();
    walk(&mut second, &log, log.end(), random);
    let bytes = written(&second, &log, &folder.path().join("second"));
    let never_away = kept(&log, log.end(), random);
    assert!(written(&never_away, &log, &folder.path().join("first")) == bytes);
}

/// An account that pays at every hour of the day, more often than its habits count before they fade.
#[test]
fn a_busy_day_is_read_back() {
    let log = empty_log();
    append(&log, activations(shipped()));
    let payments = (0..1_800_i64).map(|n| {
        let at = builder::FIXED_TIME.plus_micros(n * 47_000_000);
        let payment = builder::transaction(&format!("e{n}")).at(at).build();
        (at, Entry::Transaction(Box::new(payment)))
    });
    append(&log, payments);
    let folder = tempfile::tempdir().unwrap();
    let random = &mut Random::new(6);
    let own = shipped().len() as u64;
    for paid in (300..1_800).step_by(100) {
        let at = Offset(own + paid);
        let bytes = written(&kept(&log, at, random), &log, folder.path());
        let again = read_back_at(&log, at, folder.path());
        assert!(written(&again, &log, folder.path()) == bytes, "{paid}");
    }
}

/// The state of the snapshot at an offset, which must be there and whole.
fn read_back_at(log: &EventLog, at: Offset, folder: &Path) -> PartitionState {
    let mut refused = |error: &_| panic!("{error}");
    let read = SnapshotFolder::new(folder).newest_state(log, at, &mut refused);
    let (state, found) = read.unwrap();
    assert_eq!(found.map(|found| found.offset), Some(at));
    state
}
