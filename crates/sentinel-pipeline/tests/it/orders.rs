//! Orders in the log: lists to decide with, and erasures, each from its place on.

use sentinel_domain::{
    Activation, ActivationKind, Decision, Entry, Erasure, Instant, Offset, Outcome, Subject,
    SubjectKind, Text, Transaction, Verdict,
};
use sentinel_eventlog::EventLog;
use sentinel_pipeline::{PartitionState, Settled};
use sentinel_synth::builder;

use crate::contents::{activations, append, empty_log, shipped};
use crate::fast_lane::{apply, bytes_of};

/// Rules that ask a list.
pub const WATCHING: &str = r#"name = "watching"
version = 1

[[rule]]
id = "blocked"
version = 1
description = "Accounts that somebody has blocked."
when = "inList('watched', account_id)"
verdict = "decline"
reason = "the account is blocked"
"#;

/// An order to forget somebody.
pub fn erase(kind: SubjectKind, value: &Text) -> Entry {
    Entry::Erase(Box::new(Erasure {
        subject: Subject {
            kind,
            value: value.clone(),
        },
        reason: "asked".into(),
    }))
}

fn at(text: &str) -> Instant {
    Instant::parse_rfc3339(text).unwrap()
}

fn lists(version: u32, entries: &str) -> (Instant, Entry) {
    let text = format!(
        "name = \"desk\"\nversion = 1\n[[list]]\nname = \"watched\"\nentries = [{entries}]\n"
    );
    order(ActivationKind::Lists, version, &text)
}

fn order(kind: ActivationKind, version: u32, text: &str) -> (Instant, Entry) {
    let activation = Activation {
        kind,
        name: "desk".into(),
        version,
        content: text.as_bytes().to_vec(),
    };
    (Instant::default(), Entry::Activation(Box::new(activation)))
}

/// A payment at a time, which is its log time too.
fn payment(id: &str, account: &str, time: &str) -> (Instant, Entry) {
    let mut one: Transaction = builder::transaction(id).build();
    one.account_id = sentinel_domain::AccountId::new(account);
    one.event_time = at(time);
    (at(time), Entry::Transaction(Box::new(one)))
}

fn decided(settled: &[Settled], offset: u64) -> &Decision {
    match &settled[usize::try_from(offset).unwrap()].outcome {
        Outcome::Decided(decision) => decision,
        other => panic!("{other:?}"),
    }
}

fn log_of(entries: Vec<(Instant, Entry)>) -> EventLog {
    let log = empty_log();
    append(&log, activations(shipped()));
    append(&log, entries);
    log
}

#[test]
fn a_list_decides_from_its_place_on_until_its_end_and_decisions_name_it() {
    let own = shipped().len() as u64;
    let log = log_of(vec![
        order(ActivationKind::Rules, 2, WATCHING),
        payment("e-1", "bad", "2026-03-02T08:00:00Z"),
        lists(
            1,
            "{ value = \"bad\", expires_at = \"2026-03-02T10:00:00Z\" }",
        ),
        payment("e-2", "bad", "2026-03-02T09:00:00Z"),
        payment("e-3", "good", "2026-03-02T09:00:01Z"),
        lists(1, "{ value = \"good\" }"),
        lists(2, "{ value = "),
        payment("e-4", "good", "2026-03-02T09:00:02Z"),
        payment("e-5", "bad", "2026-03-02T10:00:00Z"),
        lists(2, ""),
        payment("e-6", "bad", "2026-03-02T10:00:01Z"),
    ]);
    let settled = apply(&log, &[100]);
    let blocked = |offset: u64| {
        let decision = decided(&settled, own + offset);
        let hit = decision.rules.iter().any(|hit| hit.rule_id == "blocked");
        assert_eq!(hit, decision.verdict == Verdict::Decline, "{decision:?}");
        hit
    };
    assert!(!blocked(1), "an absent list is empty");
    assert!(blocked(3) && !blocked(4));
    assert!(matches!(
        settled[usize::try_from(own).unwrap() + 5].outcome,
        Outcome::Ignored
    ));
    assert!(matches!(
        settled[usize::try_from(own).unwrap() + 6].outcome,
        Outcome::Refused(_)
    ));
    assert!(!blocked(7) && !blocked(8), "its time is over");
    assert!(!blocked(10));
    let lists_of = |offset: u64| decided(&settled, own + offset).versions.lists.clone();
    assert_eq!(lists_of(1).1, 0);
    assert_eq!((lists_of(3).0.as_str(), lists_of(3).1), ("desk", 1));
    assert_eq!(lists_of(10).1, 2);
    assert_ne!(lists_of(3).2, lists_of(10).2);
    let hashes = [1, 3, 10].map(|at| decided(&settled, own + at).versions.config_hash());
    assert!(hashes[0] != hashes[1] && hashes[1] != hashes[2]);
    // However the log is cut into batches.
    assert!(bytes_of(&apply(&log, &[1])) == bytes_of(&settled));
    assert!(bytes_of(&apply(&log, &[2, 3])) == bytes_of(&settled));
}

#[test]
fn whoever_is_erased_is_new_from_there_on_and_what_was_decided_stays() {
    let own = shipped().len() as u64;
    let stretch = |account: &str, orders: &[Entry]| {
        let mut entries: Vec<(Instant, Entry)> = (0..8)
            .map(|number| {
                let time = format!("2026-03-02T08:00:0{number}Z");
                payment(&format!("e-{number}"), account, &time)
            })
            .collect();
        let time = at("2026-03-02T08:00:20Z");
        entries.extend(orders.iter().map(|order| (time, order.clone())));
        entries.push(payment("e-9", "subject", "2026-03-02T08:00:21Z"));
        log_of(entries)
    };
    let forget = erase(SubjectKind::Account, &"subject".into());
    let erased = stretch("subject", std::slice::from_ref(&forget));
    let somebody_else = stretch("somebody", std::slice::from_ref(&forget));
    let known = stretch("subject", &[]);
    let [erased_log, somebody_else, known] =
        [&erased, &somebody_else, &known].map(|log| apply(log, &[100]));
    assert!(matches!(
        erased_log[usize::try_from(own).unwrap() + 8].outcome,
        Outcome::Applied
    ));
    let (after, new, old) = (
        decided(&erased_log, own + 9),
        decided(&somebody_else, own + 9),
        decided(&known, own + 8),
    );
    assert_eq!((after.score, after.tier), (new.score, new.tier));
    assert_eq!(after.contributions, new.contributions);
    assert_ne!(
        after.score, old.score,
        "nine payments in half a minute are told"
    );
    assert!(
        bytes_of(&erased_log[..usize::try_from(own).unwrap() + 8])
            == bytes_of(&known[..usize::try_from(own).unwrap() + 8])
    );
    assert!(bytes_of(&apply(&erased, &[1])) == bytes_of(&erased_log));
    // A repeat of what was decided before the order is a repeat still.
    append(&erased, [payment("e-3", "subject", "2026-03-02T08:00:03Z")]);
    let settled = apply(&erased, &[100]);
    let first = Offset(own + 3);
    let last = settled.last().unwrap();
    assert!(matches!(last.outcome, Outcome::Repeated { first: at } if at == first));
}

#[test]
fn features_that_are_filled_behind_an_erasure_forget_too() {
    let entries = || {
        vec![
            payment("e-1", "subject", "2026-03-02T08:00:00Z"),
            payment("e-2", "subject", "2026-03-02T08:00:10Z"),
            (
                at("2026-03-02T08:00:20Z"),
                erase(SubjectKind::Account, &"subject".into()),
            ),
            payment("e-3", "subject", "2026-03-02T08:00:30Z"),
        ]
    };
    let set = crate::definitions::with_definitions();
    let features = order(ActivationKind::Features, 2, &set);
    // Filled at the end, or there from before the first payment.
    let late = log_of([entries(), vec![features.clone()]].concat());
    let early = log_of([vec![features], entries()].concat());
    let state = |log: &EventLog| -> PartitionState {
        crate::snapshots::decided(log, log.end(), &mut sentinel_synth::Random::new(1))
    };
    assert!(state(&late).engine().encode() == state(&early).engine().encode());
    assert!(state(&late).backfilled().is_some());
}
