//! Ticks: an idle log is told the time, what is too old is forgotten, and nothing else changes.

use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::time::Duration;

use sentinel_domain::{Entry, Instant, Offset, Outcome};
use sentinel_eventlog::{EventLog, RecordBatch, decode_entry};
use sentinel_pipeline::{Pipeline, PipelineOptions, Settled};
use sentinel_synth::{Random, builder};

use crate::contents::{activations, append, empty_log, shipped, stream};
use crate::fast_lane::{apply, bytes_of};
use crate::slow_lane::Setting;
use crate::snapshots::{decided, kept, written};

const HOUR_US: i64 = 3_600 * 1_000_000;

/// A clock that a test puts forward; the only test that reads it is the only one that sets it.
static CLOCK: AtomicI64 = AtomicI64::new(1_772_452_800_000_000);

fn clock() -> Instant {
    Instant::from_micros(CLOCK.load(SeqCst))
}

/// A log of a stream, with a tick behind every so many entries where ticks are wanted.
fn log_with(ticks_every: Option<usize>) -> EventLog {
    let log = empty_log();
    append(&log, activations(shipped()));
    for (number, (time, entry)) in stream(3, 1_500).into_iter().enumerate() {
        append(&log, [(time, entry)]);
        if ticks_every.is_some_and(|every| number % every == 0) {
            append(&log, [(time, Entry::Tick)]);
        }
    }
    log
}

fn told(settled: &[Settled]) -> Vec<String> {
    let tell = |one: &Settled| match &one.outcome {
        Outcome::Decided(it) => Some(format!(
            "{} {:?} {} {} {:?}",
            it.event_id, it.score, it.tier, it.verdict, it.contributions
        )),
        Outcome::Repeated { .. } => Some("repeated".to_owned()),
        _ => None,
    };
    settled.iter().filter_map(tell).collect()
}

#[test]
fn ticks_on_the_way_change_no_decision_however_the_log_is_cut() {
    let (with, without) = (log_with(Some(7)), log_with(None));
    let settled = apply(&with, &[100_000]);
    assert_eq!(told(&settled), told(&apply(&without, &[100_000])));
    assert!(told(&settled).iter().any(|one| one == "repeated"));
    for sizes in [vec![1], vec![7, 256, 1, 64]] {
        assert!(bytes_of(&apply(&with, &sizes)) == bytes_of(&settled));
    }
}

#[test]
fn a_tick_forgets_what_is_too_old_and_both_owners_forget_the_same() {
    let is_label = |(_, entry): &(Instant, Entry)| matches!(entry, Entry::Label(_));
    assert!(stream(3, 300).iter().any(is_label));
    let ticked_after = |hours: i64| {
        let log = empty_log();
        append(&log, activations(shipped()));
        append(&log, stream(3, 300));
        let newest = log.last_log_time().unwrap();
        append(&log, [(newest.plus_micros(hours * HOUR_US), Entry::Tick)]);
        log
    };
    let random = &mut Random::new(1);
    let mut remembered = |hours: i64| {
        let log = ticked_after(hours);
        let [one, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let state = decided(&log, log.end(), random);
        let second = kept(&log, log.end(), random);
        assert!(written(&state, &log, one.path()) == written(&second, &log, other.path()));
        let last = apply(&log, &[100]).pop().unwrap();
        assert!(matches!(last.outcome, Outcome::Applied) && !last.is_label);
        state.oldest_id()
    };
    assert!(remembered(1).is_some());
    assert_eq!(remembered(72), None, "neither events nor labels");
}

fn entry(log: &EventLog, offset: Offset) -> Entry {
    let mut batch = RecordBatch::default();
    log.read(offset, 1, &mut batch).unwrap();
    decode_entry(batch.iter().next().unwrap().payload).unwrap()
}

/// Waits for the entry at an offset.
async fn arrived(log: &EventLog, offset: Offset) -> Entry {
    let waited = log.clone();
    let wait = move || waited.wait_for(offset, Duration::from_secs(20));
    assert!(tokio::task::spawn_blocking(wait).await.unwrap());
    entry(log, offset)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_server_tells_its_log_the_time_and_then_leaves_it_alone() {
    let (setting, _inbox) = Setting::new().await;
    let options = || PipelineOptions {
        ticks: Some(Duration::from_millis(1)),
        now: clock,
        ..setting.options()
    };
    let log = setting.transactions.clone();
    let start = async || Pipeline::start(options(), &mut |_, _| {}).await.unwrap();
    let pipeline = start().await;
    let handle = pipeline.handle().clone();
    let submit = |id: &str| {
        let one = builder::transaction(id).at(clock()).build();
        handle.submit(&one, clock()).unwrap()
    };
    // Nothing is remembered at first: the first payment comes right behind the activations.
    let first = submit("e-1");
    assert_eq!(first, Offset(shipped().len() as u64));
    assert_eq!(arrived(&log, first.plus(1)).await, Entry::Tick);
    // A tick is no reason for another one.
    assert_eq!(submit("e-2"), first.plus(2));
    assert_eq!(arrived(&log, first.plus(3)).await, Entry::Tick);
    assert!(handle.lookup_event("e-1").await.unwrap().is_some());
    assert_eq!(handle.figures().labels, 0);
    CLOCK.fetch_add(73 * HOUR_US, SeqCst);
    assert_eq!(arrived(&log, first.plus(4)).await, Entry::Tick);
    pipeline.stop().await.unwrap();
    assert_eq!(log.end(), first.plus(5), "all is forgotten by one tick");
}
