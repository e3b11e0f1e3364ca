//! Overrides: a person's verdict stands beside a decision, once, and changes none.

use std::time::Duration;

use sentinel_domain::{DecisionId, Entry, EventId, Instant, Offset, Outcome, Override, Verdict};
use sentinel_domain::{LogPosition, RejectionCode};
use sentinel_eventlog::EventLog;
use sentinel_pipeline::Answer;
use sentinel_synth::{Random, builder};

use crate::contents::{activations, append, empty_log, shipped};
use crate::fast_lane::{apply, bytes_of};
use crate::slow_lane::Setting;
use crate::snapshots::{decided, kept, written};

const HOUR_US: i64 = 3_600 * 1_000_000;

/// An override of the decision at an offset.
pub fn overriding(name: &str, event_id: &str, decision: u64) -> Override {
    Override {
        override_id: name.into(),
        event_id: EventId::new(event_id),
        decision: Offset(decision),
        verdict: Verdict::Decline,
        by: "j.doe".into(),
        reason: "called back".into(),
    }
}

fn order(at: Instant, name: &str, event_id: &str, decision: u64) -> (Instant, Entry) {
    let order = overriding(name, event_id, decision);
    (at, Entry::Override(Box::new(order)))
}

/// The same payment, whenever it comes.
fn payment(at: Instant, id: &str) -> (Instant, Entry) {
    let one = builder::transaction(id).at(builder::FIXED_TIME).build();
    (at, Entry::Transaction(Box::new(one)))
}

fn told(log: &EventLog, offset: u64) -> Outcome {
    let mut settled = apply(log, &[100]);
    settled.remove(usize::try_from(offset).unwrap()).outcome
}

#[test]
fn an_override_counts_once_and_only_of_a_decision_that_is_there() {
    let (log, start) = (empty_log(), builder::FIXED_TIME);
    let own = shipped().len() as u64;
    let at = |hours: i64| start.plus_micros(hours * HOUR_US);
    append(&log, activations(shipped()));
    let entries = vec![
        payment(at(0), "e-1"),              // 0
        order(at(1), "o", "e-1", own),      // 1: applied
        order(at(1), "o", "e-1", own),      // 2: the same again
        order(at(1), "p", "e-1", own),      // 3: another one of the same
        payment(at(2), "e-1"),              // 4: a repeat
        order(at(2), "q", "e-1", own + 4),  // 5: a repeat is no decision
        order(at(2), "q", "e-9", own + 99), // 6: nor is what comes later
        order(at(80), "o", "e-1", own),     // 7: forgotten, and named by its place
        payment(at(80), "e-1"),             // 8: decided again
        order(at(80), "r", "e-1", own),     // 9: the older of the two
        order(at(80), "s", "e-1", own + 8), // 10: the newer
        order(at(80), "s", "e-1", own),     // 11: its name stands for other words
    ];
    append(&log, entries);
    let refused = |offset: u64| match told(&log, own + offset) {
        Outcome::Refused(rejection) => rejection.code == RejectionCode::UnknownDecision,
        _ => false,
    };
    for offset in [1, 3, 7, 9, 10] {
        let outcome = told(&log, own + offset);
        assert!(matches!(outcome, Outcome::Applied), "{offset}: {outcome:?}");
    }
    assert!(matches!(told(&log, own + 2), Outcome::Ignored));
    assert!(matches!(told(&log, own + 4), Outcome::Repeated { first } if first == Offset(own)));
    assert!(refused(5) && refused(6));
    let outcome = told(&log, own + 11);
    let Outcome::Refused(rejection) = &outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(rejection.code, RejectionCode::Conflict);
    let whole = apply(&log, &[100]);
    assert!(bytes_of(&apply(&log, &[1])) == bytes_of(&whole));
    assert!(bytes_of(&apply(&log, &[3, 2])) == bytes_of(&whole));
    let random = &mut Random::new(1);
    for to in 1..=log.end().0 {
        let [one, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let first = written(&decided(&log, Offset(to), random), &log, one.path());
        assert!(first == written(&kept(&log, Offset(to), random), &log, other.path()));
    }
}

#[test]
fn an_override_changes_no_window() {
    let (start, own) = (builder::FIXED_TIME, shipped().len() as u64);
    let log_with = |orders: Vec<(Instant, Entry)>| {
        let log = empty_log();
        append(&log, activations(shipped()));
        append(&log, [payment(start, "e-1")]);
        append(&log, orders);
        log
    };
    let with = log_with(vec![order(start, "o", "e-1", own)]);
    let without = log_with(Vec::new());
    let [with, without] = [with, without].map(|log| {
        let state = decided(&log, log.end(), &mut Random::new(1));
        state.engine().encode()
    });
    assert!(with == without);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_knows_the_newest_override_and_a_repeat_is_answered_as_before() {
    let (setting, _inbox) = Setting::new().await;
    let pipeline = setting.start().await;
    let handle = pipeline.handle().clone();
    let now = setting.options().now;
    let body = format!(
        "{{\"event_id\":\"e-1\",\"event_type\":\"card_auth\",\"event_time\":{},\
         \"account_id\":\"a\",\"amount_minor\":1,\"currency\":\"USD\"}}",
        now().micros()
    );
    let answer = handle.decide(body.as_bytes(), now()).await.unwrap();
    let Answer::Decided(first) = answer else {
        panic!("{answer:?}");
    };
    let at = first.decision.position.offset;
    let position = LogPosition {
        offset: at,
        ..first.decision.position
    };
    let id = DecisionId::at(position);
    assert_eq!(setting.store.overridden_by(id).await.unwrap(), None);
    for (name, verdict) in [("o", Verdict::Decline), ("p", Verdict::Review)] {
        let order = Override {
            verdict,
            ..overriding(name, "e-1", at.0)
        };
        let (_, outcome) = handle.override_decision(order, now()).await.unwrap();
        assert!(matches!(outcome, Some(Outcome::Applied)), "{outcome:?}");
    }
    let again = overriding("o", "e-1", at.0);
    let (last, outcome) = handle.override_decision(again, now()).await.unwrap();
    assert!(matches!(outcome, Some(Outcome::Ignored)), "{outcome:?}");
    let mut followed = handle.followed();
    let done = followed.wait_for(|followed| followed.next > last);
    let done = tokio::time::timeout(Duration::from_secs(20), done).await;
    done.unwrap().unwrap();
    let found = setting.store.overridden_by(id).await.unwrap().unwrap();
    assert_eq!(
        (found.says.verdict, found.position.offset),
        (Verdict::Review, at.plus(2))
    );
    let answer = handle.decide(body.as_bytes(), now()).await.unwrap();
    let Answer::Replayed(again) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(again.decision, first.decision);
    assert_eq!(handle.figures().labels, 0);
    let end = handle.log_end();
    let logs = handle.recorded_logs().clone();
    let findings = sentinel_pipeline::verify::verify_store(&logs, &setting.store, end);
    let findings = findings.await.unwrap();
    assert_eq!((findings.wrong, findings.overrides), (0, 2), "{findings:?}");
    pipeline.stop().await.unwrap();
}
