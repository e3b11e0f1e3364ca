//! decision = f(log prefix): batches, switches, poison and replays change nothing they should not.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use sentinel_domain::{
    Activation, ActivationKind, Decision, Entry, Instant, Offset, Outcome, Partition, Verdict,
};
use sentinel_eventlog::disk::simulated::SimulatedDisk;
use sentinel_eventlog::{
    Disk, Durability, EmbeddedOptions, EventLog, MemoryOptions, OutcomeEncoder, RecordBatch,
    outcome_body,
};
use sentinel_pipeline::record::RecordError;
use sentinel_pipeline::replay::{ReplayError, replay};
use sentinel_pipeline::statistics::Statistics;
use sentinel_pipeline::worker::{Published, Worker, WorkerError};
use sentinel_pipeline::{History, PartitionState, RecordedLogs, Settled};
use sentinel_synth::builder;

use crate::contents::{LOG, activations, append, append_bytes, empty_log, log_of, shipped, stream};

/// Applies a whole log in batches of these sizes, in turn.
pub fn apply(log: &EventLog, sizes: &[usize]) -> Vec<Settled> {
    let mut state = PartitionState::new(log.log_id(), Partition::default());
    let (mut batch, mut settled) = (RecordBatch::default(), Vec::new());
    for size in sizes.iter().cycle() {
        if state.next() == log.end() {
            break;
        }
        log.read(state.next(), *size, &mut batch).unwrap();
        let mut go_on = |_, _| ControlFlow::Continue(());
        let mut history = History::new(log, &mut go_on);
        state.apply(&batch, &mut history, &mut settled).unwrap();
    }
    settled
}

pub fn bytes_of(settled: &[Settled]) -> Vec<u8> {
    let mut encoder = OutcomeEncoder::default();
    let mut bytes = Vec::new();
    for one in settled {
        encoder.encode(&one.outcome, 0, &mut bytes);
    }
    bytes
}

fn decision(settled: &[Settled], offset: Offset) -> &Decision {
    match &settled[usize::try_from(offset.0).unwrap()].outcome {
        Outcome::Decided(decision) => decision,
        other => panic!("entry {offset} is not decided: {other:?}"),
    }
}

#[test]
fn how_the_log_is_cut_into_batches_changes_no_byte() {
    let log = log_of(1, 4_000);
    let whole = apply(&log, &[100_000]);
    assert!(
        whole
            .windows(2)
            .all(|pair| pair[0].offset.plus(1) == pair[1].offset),
        "in log order"
    );
    let repeats = whole
        .iter()
        .filter(|one| matches!(one.outcome, Outcome::Repeated { .. }))
        .count();
    let labels = whole
        .iter()
        .filter(|one| matches!(one.outcome, Outcome::Applied))
        .count();
    assert!(
        repeats > 10 && labels > 10,
        "{repeats} repeats and {labels} labels are in it"
    );
    for sizes in [vec![1], vec![7, 256, 1, 64], vec![255]] {
        assert!(
            bytes_of(&apply(&log, &sizes)) == bytes_of(&whole),
            "batches of {sizes:?}"
        );
    }
}

#[test]
fn a_switch_takes_effect_at_its_own_position() {
    let log = empty_log();
    append(&log, activations(shipped()));
    let payment = |id: &str| {
        let transaction = builder::transaction(id).amount_minor(600_000).build();
        (
            transaction.event_time,
            Entry::Transaction(Box::new(transaction)),
        )
    };
    append(&log, [payment("before")]);
    let rules = "name = \"quiet\"\nversion = 2\n";
    append(
        &log,
        activations(vec![Activation {
            kind: ActivationKind::Rules,
            name: "quiet".into(),
            version: 2,
            content: rules.as_bytes().to_vec(),
        }]),
    );
    append(&log, [payment("after")]);
    let settled = apply(&log, &[100]);
    let (before, after) = (decision(&settled, Offset(5)), decision(&settled, Offset(7)));
    assert_eq!(
        before.verdict,
        Verdict::Review,
        "amounts over 5,000 are reviewed"
    );
    // What the model says of it is the same in both.
    assert!(!before.rules.is_empty() && after.rules.is_empty());
    assert_eq!((before.versions.rules.1, after.versions.rules.1), (1, 2));
    assert_ne!(before.versions.config_hash(), after.versions.config_hash());
}

#[test]
fn an_activation_that_cannot_be_used_is_refused_and_changes_nothing() {
    let log = empty_log();
    append(&log, activations(shipped()));
    for (kind, content) in [
        (
            ActivationKind::Rules,
            "name = \"x\"\nversion = 2\n[[rule]]\nid = \"r\"\n",
        ),
        (ActivationKind::Model, "not a model"),
        (ActivationKind::Rates, "reference = 1"),
    ] {
        let content = content.as_bytes().to_vec();
        append(
            &log,
            activations(vec![Activation {
                kind,
                name: "bad".into(),
                version: 9,
                content,
            }]),
        );
    }
    append(&log, activations(shipped()));
    append(&log, stream(2, 1));
    let settled = apply(&log, &[100]);
    for one in &settled[5..8] {
        assert!(
            matches!(one.outcome, Outcome::Refused(_)),
            "{:?}",
            one.outcome
        );
    }
    for one in &settled[8..13] {
        assert!(
            matches!(one.outcome, Outcome::Ignored),
            "the same version again: {:?}",
            one.outcome
        );
    }
    assert_eq!(decision(&settled, Offset(13)).versions.model.1, 1);
}

#[test]
fn a_poison_entry_is_refused_and_its_neighbours_are_decided_as_without_it() {
    let clean = log_of(3, 200);
    let poisoned = empty_log();
    append(&poisoned, activations(shipped()));
    let entries = stream(3, 200);
    append(&poisoned, entries[..100].to_vec());
    for bytes in [&b"\xff\xff\xff"[..], b"", b"\x01"] {
        append_bytes(&poisoned, bytes);
    }
    append(&poisoned, entries[100..].to_vec());
    let scores = |log: &EventLog| -> Vec<(String, f64, Verdict)> {
        apply(log, &[64])
            .iter()
            .filter_map(|one| match &one.outcome {
                Outcome::Decided(one) => {
                    Some((one.event_id.to_string(), one.score.risk, one.verdict))
                }
                _ => None,
            })
            .collect()
    };
    assert_eq!(scores(&poisoned), scores(&clean));
    let settled = apply(&poisoned, &[64]);
    assert_eq!(
        settled
            .iter()
            .filter(|one| matches!(one.outcome, Outcome::Refused(_)))
            .count(),
        3
    );
}

#[test]
fn base_and_contributions_give_the_score_exactly() {
    let settled = apply(&log_of(4, 5_000), &[256]);
    let mut explained = 0;
    for one in &settled {
        let Outcome::Decided(decision) = &one.outcome else {
            continue;
        };
        let suspicious =
            decision.tier > sentinel_domain::Tier::Minimal || decision.verdict != Verdict::Approve;
        assert_eq!(suspicious, !decision.reasons.is_empty(), "{decision}");
        if !decision.contributions.is_empty() {
            let shares = decision
                .contributions
                .iter()
                .map(|share| share.log_odds)
                .sum();
            assert_eq!(
                decision.base + shares,
                decision.score.log_odds,
                "{decision}"
            );
            explained += 1;
        }
    }
    assert!(explained > 20, "{explained} decisions are explained");
}

fn recorded(log: &EventLog) -> EventLog {
    let decisions = EventLog::memory(MemoryOptions {
        log_id: LOG,
        bytes_max: 1 << 30,
    });
    let statistics = Arc::new(Statistics::default());
    let logs = RecordedLogs::new(log.clone(), decisions.clone());
    let mut worker = Worker::recording(logs, statistics).unwrap();
    worker.catch_up(&mut |_, _| {}).unwrap();
    decisions
}

#[test]
fn a_restart_compares_what_it_computes_with_what_was_recorded() {
    let log = log_of(5, 1_000);
    let decisions = recorded(&log);
    assert_eq!(decisions.end(), log.end(), "one outcome an entry");
    assert_eq!(
        times(&decisions),
        times(&log),
        "at the log time of its entry"
    );
    let again = |decisions: &EventLog| {
        let statistics = Arc::new(Statistics::default());
        Worker::recording(
            RecordedLogs::new(log.clone(), decisions.clone()),
            statistics,
        )?
        .catch_up(&mut |_, _| {})
    };
    again(&decisions).unwrap();
    assert_eq!(decisions.end(), log.end(), "nothing is recorded twice");
    let altered = altered(&decisions, Offset(700));
    match again(&altered) {
        Err(WorkerError::Record(RecordError::Mismatch { offset })) => {
            assert_eq!(offset, Offset(700))
        }
        other => panic!("{other:?}"),
    }
    append_bytes(&decisions, b"one more");
    assert!(
        matches!(again(&decisions), Err(WorkerError::Cut { .. })),
        "longer than its input"
    );
}

#[test]
fn a_replay_on_two_threads_finds_what_one_finds() {
    let log = log_of(7, 3_000);
    let decisions = recorded(&log);
    let walk = |decisions: &EventLog, on_two: bool| {
        let statistics = Arc::new(Statistics::default());
        let logs = RecordedLogs::new(log.clone(), decisions.clone());
        let mut worker = Worker::recording(logs, Arc::clone(&statistics)).unwrap();
        let mut activations = 0;
        let mut publish = |_: &PartitionState, published: Published| {
            let all = published.settled.iter();
            let is_activated = |one: &&Settled| matches!(one.outcome, Outcome::Activated(_));
            activations += all.filter(is_activated).count();
        };
        let walked = match on_two {
            true => worker.replay(Offset(u64::MAX), &mut publish),
            false => worker.catch_up(&mut publish),
        };
        (
            walked,
            activations,
            statistics.figures(),
            worker.state().next(),
        )
    };
    let [one, two] = [false, true].map(|on_two| {
        let (walked, activations, figures, next) = walk(&decisions, on_two);
        walked.unwrap();
        (activations, figures, next)
    });
    assert_eq!(one, two);
    assert_eq!((one.0, one.2), (5, log.end()));
    assert!(one.1.declined_amount_minor > 0);
    // What was never recorded is recorded behind what was.
    let part = recorded(&log);
    part.cut(Offset(1_234)).unwrap();
    walk(&part, true).0.unwrap();
    assert_eq!(payloads(&part), payloads(&decisions));
    for at in [0, 700, log.end().0 - 1] {
        match walk(&altered(&decisions, Offset(at)), true).0 {
            Err(WorkerError::Record(RecordError::Mismatch { offset })) => {
                assert_eq!(offset, Offset(at));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// The body of every outcome.
fn payloads(decisions: &EventLog) -> Vec<Vec<u8>> {
    let mut batch = RecordBatch::default();
    decisions.read(Offset(0), 100_000, &mut batch).unwrap();
    let bodies = batch.iter().map(|one| outcome_body(one.payload).to_vec());
    bodies.collect()
}

#[test]
fn a_replay_gives_the_recorded_bytes_and_shows_an_altered_record() {
    let log = log_of(6, 1_000);
    let decisions = recorded(&log);
    let at = |logs: &RecordedLogs, offset| {
        replay(logs, Offset(offset), &mut |_, _| ControlFlow::Continue(())).unwrap()
    };
    let logs = RecordedLogs::new(log.clone(), decisions.clone());
    for offset in [0, 5, 6, 500, log.end().0 - 1] {
        assert!(at(&logs, offset).is_equal(), "entry {offset}");
    }
    let logs = RecordedLogs::new(log.clone(), altered(&decisions, Offset(500)));
    assert!(!at(&logs, 500).is_equal());
    assert!(at(&logs, 499).is_equal());
    assert!(replay(&logs, log.end(), &mut |_, _| ControlFlow::Continue(())).is_err());
    let stopped = replay(&logs, Offset(0), &mut |_, _| ControlFlow::Break(()));
    assert!(
        matches!(stopped, Err(ReplayError::Stopped { .. })),
        "it ends when told to"
    );
}

/// The log time of every record.
fn times(log: &EventLog) -> Vec<Instant> {
    let mut batch = RecordBatch::default();
    log.read(Offset(0), 100_000, &mut batch).unwrap();
    batch.iter().map(|record| record.log_time).collect()
}

/// The same decision log with one byte of one outcome changed.
fn altered(decisions: &EventLog, offset: Offset) -> EventLog {
    let altered = EventLog::memory(MemoryOptions {
        log_id: LOG,
        bytes_max: 1 << 30,
    });
    let mut batch = RecordBatch::default();
    while altered.end() < decisions.end() {
        decisions.read(altered.end(), 100, &mut batch).unwrap();
        for record in batch.iter() {
            let mut bytes = record.payload.to_vec();
            if record.offset == offset {
                *bytes.last_mut().unwrap() ^= 1;
            }
            append_bytes(&altered, &bytes);
        }
    }
    altered
}

#[test]
fn late_events_and_missing_rates_are_flagged() {
    let log = empty_log();
    append(&log, activations(shipped()));
    let noon = Instant::parse_rfc3339("2026-03-01T12:00:00Z").unwrap();
    let payment = |id: &str, seconds: i64, currency: &str| {
        let at = noon.plus_micros(seconds * 1_000_000);
        let transaction = builder::transaction(id).at(at).currency(currency).build();
        (noon, Entry::Transaction(Box::new(transaction)))
    };
    append(
        &log,
        [
            payment("newest", 0, "USD"),
            payment("late", -60, "USD"),
            payment("too-late", -3_601, "USD"),
            payment("no-rate", 1, "BTN"),
        ],
    );
    let settled = apply(&log, &[100]);
    let flags = |offset| -> Vec<&str> {
        decision(&settled, Offset(offset))
            .degraded
            .iter()
            .map(|one| one.as_str())
            .collect()
    };
    assert_eq!(flags(5), Vec::<&str>::new());
    assert_eq!(flags(6), ["late_event"]);
    assert_eq!(flags(7), ["too_late_event"]);
    assert_eq!(flags(8), ["missing_rate"]);
}

#[test]
fn a_worker_waits_for_room_on_the_disk_and_goes_on() {
    let transactions = log_of(1, 300);
    let disk = SimulatedDisk::new(1);
    disk.set_capacity_bytes(1 << 20);
    let options = EmbeddedOptions {
        durability: Durability::Never,
        ..EmbeddedOptions::new(LOG)
    };
    let on = Disk::Simulated(disk.clone());
    let (decisions, _) = EventLog::open_on(&on, Path::new("decisions"), options).unwrap();
    let logs = RecordedLogs::new(transactions.clone(), decisions.clone());
    let mut worker = Worker::recording(logs, Arc::new(Statistics::default())).unwrap();
    let (mut asked, mut published) = (0, 0);
    disk.overwrite(Path::new("ballast"), vec![0; 1_040_000])
        .unwrap();
    let asked_to_stop = std::cell::Cell::new(0);
    worker
        .run(
            &mut |_, batch| published += batch.settled.len(),
            &mut |_| asked += 1,
            &|| {
                asked_to_stop.set(asked_to_stop.get() + 1);
                // The third time somebody has made room; then everything is applied before it stops.
                if asked_to_stop.get() == 3 {
                    disk.lose(Path::new("ballast")).unwrap();
                }
                asked_to_stop.get() > 5 && decisions.appended_end() == transactions.end()
            },
        )
        .unwrap();
    assert!(asked > 0 && published as u64 == transactions.end().0);
    decisions.flush().unwrap();
    assert_eq!(decisions.end(), transactions.end());
}
