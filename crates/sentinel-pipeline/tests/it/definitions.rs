//! User-defined features: activated through the log, filled from it, the same on every walk.

use std::ops::ControlFlow;
use std::sync::Arc;

use sentinel_domain::{Activation, ActivationKind, Entry, Instant, LabelId, Offset, Outcome};
use sentinel_eventlog::{EventLog, MemoryOptions};
use sentinel_features::FeatureSet;
use sentinel_pipeline::definitions::{self, AdditionError};
use sentinel_pipeline::replay::replay;
use sentinel_pipeline::statistics::Statistics;
use sentinel_pipeline::worker::Worker;
use sentinel_pipeline::{PartitionState, RecordedLogs, Settled};
use sentinel_synth::builder;

use crate::contents::{LOG, activations, append, empty_log, shipped, stream};
use crate::fast_lane::{apply, bytes_of};

/// Two features that no shipped one equals, over state that the shipped set does not keep.
const DEFINITIONS: &str = r#"
[[feature]]
name = "card_large_count_24h"
entity = "card"
aggregate = "count"
window = "24h"
filter = "amount >= 50"

[[feature]]
name = "merchant_sum_24h_of_mine"
entity = "merchant"
aggregate = "sum"
field = "amount"
window = "24h"
"#;

/// A rule that hits everywhere and tells the values.
const TELLING: &str = r#"name = "telling"
version = 1

[[rule]]
id = "tell"
version = 1
description = "Tells the values of added features."
when = "amount >= 0"
verdict = "review"
reason = "{card_large_count_24h} {merchant_sum_24h_of_mine} {account_fraud_count_ever}"
"#;

pub fn with_definitions() -> String {
    FeatureSet::shipped()
        .with_definitions(DEFINITIONS)
        .unwrap()
        .to_text()
}

fn content(kind: ActivationKind, version: u32, content: &str) -> Activation {
    Activation {
        kind,
        name: "test".into(),
        version,
        content: content.as_bytes().to_vec(),
    }
}

/// The shipped contents with another one in the place of its kind.
fn shipped_but(others: &[Activation]) -> Vec<Activation> {
    let mut contents = shipped();
    for other in others {
        *contents
            .iter_mut()
            .find(|one| one.kind == other.kind)
            .unwrap() = other.clone();
    }
    contents
}

/// Everything about a decision but the names of what made it.
fn told(settled: &[Settled], from: Offset) -> Vec<String> {
    settled
        .iter()
        .filter(|one| one.offset >= from)
        .map(|one| match &one.outcome {
            Outcome::Decided(one) => format!(
                "{} {:?} {} {:?} {:?} {:?}",
                one.event_id, one.score, one.verdict, one.rules, one.reasons, one.degraded
            ),
            other => format!("{other:?}"),
        })
        .collect()
}

/// Rates under which every amount counts double.
fn doubled_rates() -> String {
    sentinel_pipeline::rates::SHIPPED_RATES.replace("EUR = \"1.", "EUR = \"2.")
}

/// A stream, rates that change in it, then `switch`, then more of the stream.
fn log_with(first: Vec<Activation>, switch: Vec<Activation>) -> (EventLog, Offset) {
    let log = empty_log();
    append(&log, activations(first));
    let entries = stream(21, 2_400);
    append(&log, entries[..700].to_vec());
    let rates = content(ActivationKind::Rates, 2, &doubled_rates());
    append(&log, activations(vec![rates]));
    append(&log, entries[700..1_500].to_vec());
    let at = log.end();
    append(&log, activations(switch));
    append(&log, entries[1_500..].to_vec());
    (log, at)
}

fn added_late() -> (EventLog, Offset) {
    let set = content(ActivationKind::Features, 2, &with_definitions());
    let rules = content(ActivationKind::Rules, 2, TELLING);
    log_with(shipped(), vec![set, rules])
}

#[test]
fn decisions_behind_an_activation_equal_those_of_a_log_that_had_the_features_from_the_start() {
    assert_ne!(doubled_rates(), sentinel_pipeline::rates::SHIPPED_RATES);
    let set = content(ActivationKind::Features, 1, &with_definitions());
    let rules = content(ActivationKind::Rules, 1, TELLING);
    let both = vec![set, rules];
    // The same again is ignored: two entries stand where the other log has its activations.
    let (always, _) = log_with(shipped_but(&both), both.clone());
    let (late, at) = added_late();
    let from = at.plus(2);
    let expected = told(&apply(&always, &[100_000]), from);
    assert!(expected.len() > 800);
    for sizes in [vec![100_000], vec![1], vec![7, 256, 64]] {
        let settled = apply(&late, &sizes);
        let switch = &settled[usize::try_from(at.0).unwrap()];
        assert!(
            matches!(switch.outcome, Outcome::Activated(_)),
            "{:?}",
            switch.outcome
        );
        let got = told(&settled, from);
        let differs = got.iter().zip(&expected).find(|(one, other)| one != other);
        assert!(differs.is_none(), "batches of {sizes:?}: {differs:#?}");
        assert_eq!(got.len(), expected.len());
    }
    assert!(
        expected.iter().any(|one| one.contains("\"3 ")),
        "{:#?}",
        &expected[..3]
    );
}

#[test]
fn decisions_before_an_activation_are_those_of_a_log_without_it() {
    let (late, at) = added_late();
    let (never, _) = log_with(shipped(), vec![]);
    let before = |log| {
        let mut settled = apply(log, &[64]);
        settled.truncate(usize::try_from(at.0).unwrap());
        bytes_of(&settled)
    };
    assert!(before(&late) == before(&never));
    let settled = apply(&late, &[64]);
    let set_of = |offset: u64| match &settled[usize::try_from(offset).unwrap()].outcome {
        Outcome::Activated(versions) => versions.feature_set,
        other => panic!("{other:?}"),
    };
    assert_ne!(
        set_of(4),
        set_of(at.0),
        "decisions name the set by another hash"
    );
}

fn recorded(log: &EventLog) -> RecordedLogs {
    let decisions = EventLog::memory(MemoryOptions {
        log_id: LOG,
        bytes_max: 1 << 30,
    });
    RecordedLogs::new(log.clone(), decisions)
}

#[test]
fn a_restart_and_a_replay_fill_the_features_again_and_find_the_same_bytes() {
    let (log, at) = added_late();
    let logs = recorded(&log);
    for _ in 0..2 {
        let mut worker = Worker::recording(logs.clone(), Arc::new(Statistics::default())).unwrap();
        worker.catch_up(&mut |_, _| {}).unwrap();
        let backfilled = worker.state().backfilled().unwrap();
        assert!(backfilled.is_complete());
        assert_eq!((backfilled.from, backfilled.to), (Offset(0), at));
        assert!(backfilled.transactions > 1_300 && backfilled.labels > 10);
    }
    for offset in [at.0 - 1, at.0, at.0 + 2, log.end().0 - 1] {
        let replayed =
            replay(&logs, Offset(offset), &mut |_, _| ControlFlow::Continue(())).unwrap();
        assert!(replayed.is_equal(), "entry {offset}");
    }
}

#[test]
fn a_replay_that_is_told_to_stop_stops_within_a_backfill() {
    let (log, at) = added_late();
    let logs = recorded(&log);
    Worker::recording(logs.clone(), Arc::new(Statistics::default()))
        .unwrap()
        .catch_up(&mut |_, _| {})
        .unwrap();
    let stopped = replay(&logs, at.plus(5), &mut |_, _| ControlFlow::Break(()));
    assert!(stopped.is_err());
}

#[test]
fn a_worker_that_is_stopped_leaves_a_backfill_and_the_next_start_fills_it() {
    let (log, at) = added_late();
    let stopped = recorded(&log);
    let worker = || Worker::recording(stopped.clone(), Arc::new(Statistics::default())).unwrap();
    let mut first = worker();
    first.run(&mut |_, _| {}, &mut |_| {}, &|| true).unwrap();
    assert_eq!(first.state().backfilled(), None);
    assert!(stopped.decisions.end() <= at);

    let mut second = worker();
    let mut settled = Vec::new();
    second
        .catch_up(&mut |_, published| settled.extend(published.settled))
        .unwrap();
    assert!(second.state().backfilled().unwrap().is_complete());
    let undisturbed = apply(&log, &[64]);
    assert!(told(&settled, Offset(0)) == told(&undisturbed, Offset(0)));
}

#[test]
fn a_set_that_the_same_state_serves_is_not_filled_again() {
    let attributes = [("v1".to_owned(), sentinel_features::AttributeKind::Numeric)];
    let wider = FeatureSet::new(&[], &attributes).to_text();
    let set = content(ActivationKind::Features, 2, &wider);
    let (log, _) = log_with(shipped(), vec![set]);
    let state = state_of(&log);
    assert_eq!(state.backfilled(), None);
    assert_eq!(
        state.engine().set().width(),
        FeatureSet::shipped().width() + 1
    );
}

fn state_of(log: &EventLog) -> PartitionState {
    let logs = recorded(log);
    let mut worker = Worker::recording(logs, Arc::new(Statistics::default())).unwrap();
    worker.catch_up(&mut |_, _| {}).unwrap();
    worker.into_state()
}

#[test]
fn a_log_whose_start_is_gone_fills_from_its_oldest_entry_and_says_that_it_is_incomplete() {
    let log = empty_log();
    append(&log, activations(shipped()));
    let entries = stream(22, 400);
    append(&log, entries[..300].to_vec());
    // A worker that records nothing frees what it has applied.
    let mut worker = Worker::publishing(log.clone(), Arc::new(Statistics::default()));
    worker.catch_up(&mut |_, _| {}).unwrap();
    let gone_before = log.start();
    assert!(gone_before > Offset(0));
    append(&log, entries[300..350].to_vec());
    let set = content(ActivationKind::Features, 2, &with_definitions());
    append(&log, activations(vec![set]));
    append(&log, entries[350..].to_vec());
    let mut refused = 0;
    worker
        .catch_up(&mut |_, published| {
            refused += published
                .settled
                .iter()
                .filter(|one| matches!(one.outcome, Outcome::Refused(_)))
                .count();
        })
        .unwrap();
    let backfilled = worker.state().backfilled().unwrap();
    assert!(!backfilled.is_complete());
    assert_eq!(backfilled.from, gone_before);
    assert!(
        (1..=50).contains(&backfilled.transactions),
        "{backfilled:?}"
    );
    assert_eq!(refused, 0);
}

#[test]
fn a_label_is_known_to_what_stands_behind_it_and_to_nothing_before() {
    let log = empty_log();
    let rules = TELLING.replace("{card_large_count_24h} {merchant_sum_24h_of_mine} ", "");
    let rules = content(ActivationKind::Rules, 1, &rules);
    append(&log, activations(shipped_but(&[rules])));
    let payment = |id: &str| builder::transaction(id).build();
    let entry = |id: &str| {
        (
            Instant::default(),
            Entry::Transaction(Box::new(payment(id))),
        )
    };
    let label = |of: &str, id: &str| {
        let mut label = builder::label_for(&payment(of));
        label.label_id = LabelId::new(id);
        (Instant::default(), Entry::Label(Box::new(label)))
    };
    append(
        &log,
        [
            entry("one"),
            entry("two"),
            label("one", "first"),
            entry("three"),
            // The same label again says nothing new.
            label("one", "first"),
            entry("four"),
            label("two", "second"),
            entry("five"),
        ],
    );
    for sizes in [vec![100], vec![1], vec![6, 3]] {
        let known: Vec<String> = apply(&log, &sizes)
            .iter()
            .filter_map(|one| match &one.outcome {
                Outcome::Decided(decision) => Some(decision.reasons[0].text.to_string()),
                _ => None,
            })
            .collect();
        assert_eq!(known, ["0", "0", "1", "1", "2"], "batches of {sizes:?}");
    }
}

#[test]
fn adding_says_what_is_new_and_the_same_again_changes_nothing() {
    let (log, _) = log_with(shipped(), vec![]);
    let active = state_of(&log).active().clone();
    let addition = definitions::add(&active, DEFINITIONS).unwrap();
    assert_eq!(
        addition.added,
        ["card_large_count_24h", "merchant_sum_24h_of_mine"]
    );
    let activation = addition.activation.unwrap();
    assert_eq!((addition.version, activation.version), (2, 2));
    append(&log, activations(vec![activation]));
    let active = state_of(&log).active().clone();
    let again = definitions::add(&active, DEFINITIONS).unwrap();
    assert!(again.activation.is_none() && again.added.is_empty());
    assert_eq!(again.version, 2);
    let other = DEFINITIONS.replace(">= 50", ">= 60");
    match definitions::add(&active, &other) {
        Err(AdditionError::Definitions(errors)) => assert_eq!(errors.faults.len(), 1),
        other => panic!("another meaning under the same name: {other:?}"),
    }
}

#[test]
fn features_that_were_added_stay_where_a_start_wants_the_shipped_ones() {
    let (log, _) = added_late();
    let active = state_of(&log).active().clone();
    let wanted = &shipped()[0];
    let kept = definitions::keep(&active, wanted).unwrap();
    let in_force = active.content(ActivationKind::Features).unwrap();
    assert_eq!(kept.content, in_force.content, "nothing to append");
    let more = "\n[[feature]]\nname = \"mine_too\"\nentity = \"account\"\naggregate = \"count\"\nwindow = \"1h\"\nfilter = \"amount >= 1\"\n";
    let set = FeatureSet::shipped().with_definitions(more).unwrap();
    let wanted = content(ActivationKind::Features, 1, &set.to_text());
    let kept = definitions::keep(&active, &wanted).unwrap();
    let kept = FeatureSet::parse(std::str::from_utf8(&kept.content).unwrap()).unwrap();
    let names: Vec<&str> = kept
        .user_defined()
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "card_large_count_24h",
            "merchant_sum_24h_of_mine",
            "mine_too"
        ]
    );
    let clash = DEFINITIONS.replace(">= 50", ">= 60");
    let set = FeatureSet::shipped().with_definitions(&clash).unwrap();
    let wanted = content(ActivationKind::Features, 1, &set.to_text());
    let refused = definitions::keep(&active, &wanted).unwrap_err();
    assert!(refused.contains("card_large_count_24h"), "{refused}");
}

#[test]
fn rules_that_name_a_feature_before_it_is_added_are_refused() {
    let rules = content(ActivationKind::Rules, 2, TELLING);
    let (log, at) = log_with(shipped(), vec![rules]);
    let settled = apply(&log, &[64]);
    let outcome = &settled[usize::try_from(at.0).unwrap()].outcome;
    match outcome {
        Outcome::Refused(rejection) => {
            assert!(
                rejection.detail.contains("card_large_count_24h"),
                "{rejection}"
            )
        }
        other => panic!("{other:?}"),
    }
}
