//! The contract of a log, held against every backend.

use std::sync::mpsc;
use std::time::Duration;

use sentinel_domain::{Instant, LogId, Offset, Partition};
use sentinel_eventlog::{
    Commits, EmbeddedOptions, EventLog, LogError, MemoryOptions, Payloads, RecordBatch,
    SourceProgress,
};

use crate::{append, batch_of, everything, read_from, texts};

const LOG_ID: LogId = LogId([7; 16]);

/// Long enough that a test which needs it has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A new log with a bound on what may wait or be held, and whatever it lives in.
type Make = fn(usize) -> (EventLog, Option<tempfile::TempDir>);

pub fn memory(bytes_max: usize) -> (EventLog, Option<tempfile::TempDir>) {
    let log_id = LOG_ID;
    (EventLog::memory(MemoryOptions { log_id, bytes_max }), None)
}

fn opened(options: EmbeddedOptions) -> (EventLog, Option<tempfile::TempDir>) {
    let directory = tempfile::tempdir().unwrap();
    let (log, report) = EventLog::open(directory.path(), options).unwrap();
    assert!(report.created && report.torn.is_none());
    (log, Some(directory))
}

fn embedded(bytes_max: usize) -> (EventLog, Option<tempfile::TempDir>) {
    opened(EmbeddedOptions {
        pending_bytes_max: bytes_max,
        ..EmbeddedOptions::new(LOG_ID)
    })
}

/// Segments so small that almost every frame begins a new one.
pub fn embedded_in_many_segments(bytes_max: usize) -> (EventLog, Option<tempfile::TempDir>) {
    opened(EmbeddedOptions {
        pending_bytes_max: bytes_max,
        segment_bytes_max: 300,
        commit_interval: Duration::ZERO,
        ..EmbeddedOptions::new(LOG_ID)
    })
}

/// Written by whoever calls, in many segments. Nobody waits for it: what appends commits where it must.
pub fn embedded_by_caller(bytes_max: usize) -> (EventLog, Option<tempfile::TempDir>) {
    opened(EmbeddedOptions {
        pending_bytes_max: bytes_max,
        segment_bytes_max: 300,
        commits: Commits::ByCaller,
        ..EmbeddedOptions::new(LOG_ID)
    })
}

pub const ROOMY: usize = 1 << 20;

macro_rules! suite {
    ($module:ident, $make:ident: $($test:ident,)+) => {
        mod $module { $(#[test] fn $test() { super::$test(super::$make); })+ }
    };
}

macro_rules! contract {
    ($($test:ident,)+) => {
        suite! { of_memory, memory: $($test,)+ }
        suite! { of_embedded, embedded: $($test,)+ }
        suite! { of_many_segments, embedded_in_many_segments: $($test,)+ }
    };
}

contract! {
    a_new_log_is_empty_and_knows_its_name,
    offsets_count_without_gaps_and_reading_gives_back_what_was_appended,
    log_time_never_goes_back,
    records_may_carry_log_times_of_their_own,
    reading_works_from_every_offset_in_every_step,
    reading_outside_the_log_is_an_error,
    an_empty_batch_appends_nothing,
    a_batch_read_is_bounded_in_records_and_bytes,
    empty_and_large_payloads_come_back,
    a_waiter_is_woken_by_an_append_and_by_close_and_times_out,
    concurrent_appenders_keep_their_batches_together,
    many_readers_at_different_places_see_the_same,
    source_progress_is_remembered_for_each_source,
    source_zero_is_refused,
    truncation_drops_old_records_and_keeps_the_rest,
    a_cut_takes_records_progress_and_time_back,
    a_cut_in_every_place_leaves_the_records_before_it,
    a_closed_log_refuses_appends_and_can_be_read,
    a_full_log_refuses_to_try_and_makes_an_appender_wait,
    close_releases_a_blocked_appender,
}

// All of it but the waiting for somebody else to commit.
suite! {
    of_callers, embedded_by_caller:
    a_new_log_is_empty_and_knows_its_name,
    offsets_count_without_gaps_and_reading_gives_back_what_was_appended,
    log_time_never_goes_back,
    records_may_carry_log_times_of_their_own,
    reading_works_from_every_offset_in_every_step,
    reading_outside_the_log_is_an_error,
    an_empty_batch_appends_nothing,
    a_batch_read_is_bounded_in_records_and_bytes,
    empty_and_large_payloads_come_back,
    concurrent_appenders_keep_their_batches_together,
    many_readers_at_different_places_see_the_same,
    source_progress_is_remembered_for_each_source,
    source_zero_is_refused,
    truncation_drops_old_records_and_keeps_the_rest,
    a_cut_takes_records_progress_and_time_back,
    a_cut_in_every_place_leaves_the_records_before_it,
    a_closed_log_refuses_appends_and_can_be_read,
    close_releases_a_blocked_appender,
}

fn a_new_log_is_empty_and_knows_its_name(make: Make) {
    let (log, _directory) = make(ROOMY);
    assert_eq!((log.log_id(), log.partition()), (LOG_ID, Partition(0)));
    assert_eq!((log.start(), log.end()), (Offset(0), Offset(0)));
    assert_eq!(log.appended_end(), Offset(0));
    assert_eq!(log.last_log_time(), None);
    assert_eq!(log.source_next(1), 0);
    log.flush().unwrap();
    log.sync().unwrap();
    assert_eq!(everything(&log), []);
}

fn offsets_count_without_gaps_and_reading_gives_back_what_was_appended(make: Make) {
    let (log, _directory) = make(ROOMY);
    assert_eq!(append(&log, 10, &["a", "b"]), Offset(0));
    assert_eq!(append(&log, 11, &["c"]), Offset(2));
    assert_eq!(append(&log, 12, &["d", "e", "f"]), Offset(3));
    assert_eq!(log.appended_end(), Offset(6));
    log.flush().unwrap();
    assert_eq!(log.end(), Offset(6));
    let expected = [
        (0, 10, "a"),
        (1, 10, "b"),
        (2, 11, "c"),
        (3, 12, "d"),
        (4, 12, "e"),
        (5, 12, "f"),
    ];
    assert_eq!(
        everything(&log),
        expected.map(|(at, time, text)| (at, time, text.to_owned()))
    );
    append(&log, 13, &["g"]);
    log.sync().unwrap();
    assert_eq!(log.end(), Offset(7), "what is synced can be read");
    let (apart, mut batch) = (log.reader_apart(), RecordBatch::default());
    for (at, records_max) in [(5, 10), (0, 3), (3, 100), (7, 1)] {
        let mut expected = RecordBatch::default();
        log.read(Offset(at), records_max, &mut expected).unwrap();
        apart.read(Offset(at), records_max, &mut batch).unwrap();
        let all = |batch: &RecordBatch| -> Vec<_> {
            let records = batch.iter();
            records
                .map(|one| (one.offset, one.log_time, one.payload.to_vec()))
                .collect()
        };
        assert_eq!(all(&batch), all(&expected));
    }
    let past = apart.read(Offset(8), 1, &mut batch);
    assert!(matches!(past, Err(LogError::PastEnd { .. })), "{past:?}");
}

fn log_time_never_goes_back(make: Make) {
    let (log, _directory) = make(ROOMY);
    append(&log, 100, &["a"]);
    append(&log, 50, &["b"]);
    append(&log, -5, &["c"]);
    append(&log, 101, &["d"]);
    assert_eq!(log.last_log_time(), Some(Instant::from_micros(101)));
    log.flush().unwrap();
    let times: Vec<i64> = everything(&log)
        .into_iter()
        .map(|(_, time, _)| time)
        .collect();
    assert_eq!(times, [100, 100, 100, 101]);
}

fn records_may_carry_log_times_of_their_own(make: Make) {
    let (log, _directory) = make(ROOMY);
    append(&log, 100, &["a"]);
    let batch_at = |times: &[i64]| {
        let mut payloads = Payloads::default();
        for time in times {
            payloads.push_at(Instant::from_micros(*time), |bytes| {
                bytes.extend_from_slice(b"x")
            });
        }
        payloads
    };
    // Their own times; one that goes back counts as the one before it.
    log.append(
        Instant::from_micros(9_999),
        None,
        &batch_at(&[200, 210, 205, 300]),
    )
    .unwrap();
    // Behind the log: all are moved by the same amount.
    log.append(Instant::from_micros(0), None, &batch_at(&[250, 260]))
        .unwrap();
    log.flush().unwrap();
    let times: Vec<i64> = everything(&log)
        .into_iter()
        .map(|(_, time, _)| time)
        .collect();
    assert_eq!(times, [100, 200, 210, 210, 300, 300, 310]);
    assert_eq!(log.last_log_time(), Some(Instant::from_micros(310)));
}

fn reading_works_from_every_offset_in_every_step(make: Make) {
    let (log, _directory) = make(ROOMY);
    let names: Vec<String> = (0..40).map(|at| format!("record {at}")).collect();
    for chunk in names.chunks(7) {
        let chunk: Vec<&str> = chunk.iter().map(String::as_str).collect();
        append(&log, 1, &chunk);
    }
    log.flush().unwrap();
    for from in 0..=40 {
        for step in [1, 2, 5, 7, 100] {
            let found = read_from(&log, Offset(from), step);
            let expected = names
                .iter()
                .enumerate()
                .skip(usize::try_from(from).unwrap());
            let expected: Vec<_> = expected
                .map(|(at, name)| (at as u64, 1, name.clone()))
                .collect();
            assert_eq!(found, expected, "from {from} in steps of {step}");
        }
        let mut walked = Vec::new();
        let end = log.walk(Offset(from), &mut |record| walked.push(record.offset.0));
        assert_eq!(end.unwrap(), Offset(40));
        assert!(walked.into_iter().eq(from..40), "from {from} in a walk");
    }
    let mut batch = RecordBatch::default();
    log.read(Offset(3), 0, &mut batch).unwrap();
    assert!(batch.is_empty());
}

fn reading_outside_the_log_is_an_error(make: Make) {
    let (log, _directory) = make(ROOMY);
    for text in ["a", "b", "c"] {
        append(&log, 1, &[text, text, text]);
    }
    log.flush().unwrap();
    let mut batch = RecordBatch::default();
    log.read(Offset(0), 10, &mut batch).unwrap();
    assert_eq!(batch.len(), 9);
    let past = log.read(Offset(10), 10, &mut batch).unwrap_err();
    assert!(
        matches!(
            past,
            LogError::PastEnd {
                offset: Offset(10),
                end: Offset(9)
            }
        ),
        "{past}"
    );
    assert!(batch.is_empty(), "nothing of the read before is left");
    log.read(Offset(9), 10, &mut batch).unwrap();
    assert!(batch.is_empty());
    log.truncate_before(Offset(9)).unwrap();
    if log.start() > Offset(0) {
        let before = log.read(Offset(0), 10, &mut batch).unwrap_err();
        assert!(matches!(before, LogError::BeforeStart { .. }), "{before}");
    }
}

fn an_empty_batch_appends_nothing(make: Make) {
    let (log, _directory) = make(ROOMY);
    append(&log, 5, &["a"]);
    let progress = SourceProgress { source: 9, next: 3 };
    let now = Instant::from_micros(7);
    let first = log
        .append(now, Some(progress), &Payloads::default())
        .unwrap();
    assert_eq!((first, log.appended_end()), (Offset(1), Offset(1)));
    assert_eq!(log.source_next(9), 0);
}

fn a_batch_read_is_bounded_in_records_and_bytes(make: Make) {
    let (log, _directory) = make(64 << 20);
    let large = "x".repeat(3 << 20);
    append(
        &log,
        1,
        &[
            "a",
            "b",
            "c",
            large.as_str(),
            large.as_str(),
            large.as_str(),
        ],
    );
    log.flush().unwrap();
    let mut batch = RecordBatch::default();
    log.read(Offset(0), 2, &mut batch).unwrap();
    assert_eq!(batch.len(), 2);
    log.read(Offset(0), 100, &mut batch).unwrap();
    assert_eq!(batch.len(), 5, "stops after four MiB");
    log.read(Offset(5), 100, &mut batch).unwrap();
    assert_eq!(batch.len(), 1);
    assert_eq!(batch.get(0).unwrap().payload.len(), large.len());
    assert!(batch.get(1).is_none());
}

fn empty_and_large_payloads_come_back(make: Make) {
    let (log, _directory) = make(64 << 20);
    let large = "y".repeat((1 << 20) + 17);
    append(&log, 1, &["", large.as_str(), "", "z"]);
    let many = vec!["m"; 10_000];
    assert_eq!(append(&log, 2, &many), Offset(4));
    log.flush().unwrap();
    let found = read_from(&log, Offset(0), 4_000);
    assert_eq!(found.len(), 10_004);
    assert_eq!(
        (found[0].2.as_str(), found[1].2.len(), found[3].2.as_str()),
        ("", large.len(), "z")
    );
    assert!(
        found[4..]
            .iter()
            .all(|(_, time, text)| *time == 2 && text == "m")
    );
}

fn a_waiter_is_woken_by_an_append_and_by_close_and_times_out(make: Make) {
    let (log, _directory) = make(ROOMY);
    assert!(!log.wait_for(Offset(0), Duration::from_millis(1)));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| log.wait_for(Offset(2), PATIENCE));
        append(&log, 1, &["a", "b"]);
        append(&log, 1, &["c"]);
        assert!(waiting.join().unwrap());
        let forlorn = scope.spawn(|| log.wait_for(Offset(3), PATIENCE));
        log.close().unwrap();
        assert!(!forlorn.join().unwrap());
    });
    assert!(
        log.wait_for(Offset(2), Duration::ZERO),
        "what is there is there"
    );
    assert!(
        !log.wait_for(Offset(3), PATIENCE),
        "a closed log keeps nobody waiting"
    );
}

fn concurrent_appenders_keep_their_batches_together(make: Make) {
    const APPENDERS: usize = 4;
    const BATCHES: usize = 50;
    let (log, _directory) = make(ROOMY);
    std::thread::scope(|scope| {
        for appender in 0..APPENDERS {
            let log = log.clone();
            scope.spawn(move || {
                for batch in 0..BATCHES {
                    let names: Vec<String> = (0..=batch % 5)
                        .map(|at| format!("{appender} {batch} {at}"))
                        .collect();
                    let payloads = batch_of(names.iter().map(String::as_str));
                    let now = Instant::from_micros(i64::try_from(batch).unwrap());
                    log.append(now, None, &payloads).unwrap();
                }
            });
        }
    });
    log.flush().unwrap();
    let found = texts(&log);
    assert_eq!(found.len(), APPENDERS * BATCHES / 5 * 15);
    let mut next_batch = [0; APPENDERS];
    let mut rest = found.as_slice();
    while let Some(first) = rest.first() {
        let appender: usize = first.split(' ').next().unwrap().parse().unwrap();
        let batch = next_batch[appender];
        let (whole, after) = rest.split_at(batch % 5 + 1);
        let expected: Vec<String> = (0..=batch % 5)
            .map(|at| format!("{appender} {batch} {at}"))
            .collect();
        assert_eq!(whole, expected);
        next_batch[appender] += 1;
        rest = after;
    }
}

fn many_readers_at_different_places_see_the_same(make: Make) {
    let (log, _directory) = make(ROOMY);
    for at in 0..200 {
        append(&log, at, &[&format!("{at} one"), &format!("{at} two")]);
    }
    log.flush().unwrap();
    let whole = read_from(&log, Offset(0), 1_000);
    assert_eq!(whole.len(), 400);
    std::thread::scope(|scope| {
        for reader in 0..6_u64 {
            let (log, whole) = (&log, &whole);
            scope.spawn(move || {
                for from in (reader..400).step_by(37) {
                    let step = usize::try_from(reader + 1).unwrap();
                    let found = read_from(log, Offset(from), step);
                    assert_eq!(found, whole[usize::try_from(from).unwrap()..]);
                }
            });
        }
    });
}

fn source_progress_is_remembered_for_each_source(make: Make) {
    let (log, _directory) = make(ROOMY);
    let now = Instant::default();
    for (source, next, count) in [(1, 2, 2), (2, 1, 1), (1, 5, 3)] {
        let progress = Some(SourceProgress { source, next });
        log.append(now, progress, &batch_of(vec!["x"; count]))
            .unwrap();
    }
    append(&log, 1, &["without a source"]);
    assert_eq!(
        [log.source_next(1), log.source_next(2), log.source_next(3)],
        [5, 1, 0]
    );
    log.flush().unwrap();
    log.truncate_before(log.end()).unwrap();
    assert_eq!(
        [log.source_next(1), log.source_next(2)],
        [5, 1],
        "truncation forgets no progress"
    );
}

fn source_zero_is_refused(make: Make) {
    let (log, _directory) = make(ROOMY);
    let progress = Some(SourceProgress { source: 0, next: 1 });
    let refused = log.append(Instant::default(), progress, &batch_of(["a"]));
    assert!(matches!(refused, Err(LogError::SourceZero)));
    assert_eq!(log.appended_end(), Offset(0));
}

fn truncation_drops_old_records_and_keeps_the_rest(make: Make) {
    let (log, _directory) = make(ROOMY);
    for at in 0..30 {
        append(&log, at, &[&format!("{at}")]);
    }
    log.flush().unwrap();
    let before = everything(&log);
    log.truncate_before(Offset(20)).unwrap();
    assert!(log.start() <= Offset(20) && log.end() == Offset(30));
    let start = usize::try_from(log.start().0).unwrap();
    assert_eq!(everything(&log), before[start..]);
    log.truncate_before(Offset(5)).unwrap();
    assert_eq!(log.start(), Offset(start as u64), "nothing comes back");
    let past = log.truncate_before(Offset(31)).unwrap_err();
    assert!(matches!(past, LogError::PastEnd { .. }), "{past}");
    assert_eq!(append(&log, 99, &["next"]), Offset(30));
    log.flush().unwrap();
    assert_eq!(
        read_from(&log, Offset(30), 9),
        [(30, 99, "next".to_owned())]
    );
}

fn a_cut_takes_records_progress_and_time_back(make: Make) {
    let (log, _directory) = make(ROOMY);
    let progress = |next| Some(SourceProgress { source: 4, next });
    let at = Instant::from_micros;
    log.append(at(10), progress(3), &batch_of(["a", "b", "c"]))
        .unwrap();
    log.append(at(20), progress(7), &batch_of(["d", "e", "f", "g"]))
        .unwrap();
    append(&log, 30, &["h"]);
    log.cut(Offset(9)).unwrap();
    assert_eq!(
        log.appended_end(),
        Offset(8),
        "a cut behind the end drops nothing"
    );
    log.cut(Offset(5)).unwrap();
    assert_eq!((log.end(), log.appended_end()), (Offset(5), Offset(5)));
    assert_eq!((log.source_next(4), log.last_log_time()), (5, Some(at(20))));
    log.cut(Offset(3)).unwrap();
    assert_eq!((log.source_next(4), log.last_log_time()), (3, Some(at(10))));
    assert_eq!(append(&log, 5, &["i"]), Offset(3));
    log.flush().unwrap();
    let times_and_texts = everything(&log)
        .into_iter()
        .map(|(_, time, text)| (time, text));
    let expected = [(10, "a"), (10, "b"), (10, "c"), (10, "i")];
    assert_eq!(
        times_and_texts.collect::<Vec<_>>(),
        expected.map(|(time, text)| (time, text.to_owned()))
    );
    log.cut(Offset(0)).unwrap();
    assert_eq!(
        (log.end(), log.source_next(4), log.last_log_time()),
        (Offset(0), 0, None)
    );
}

fn a_cut_in_every_place_leaves_the_records_before_it(make: Make) {
    for end in 0..=12 {
        let (log, _directory) = make(ROOMY);
        let names: Vec<String> = (0..12).map(|at| format!("record number {at}")).collect();
        for chunk in names.chunks(5) {
            let chunk: Vec<&str> = chunk.iter().map(String::as_str).collect();
            append(&log, 1, &chunk);
        }
        log.cut(Offset(end)).unwrap();
        assert_eq!(log.end(), Offset(end));
        assert_eq!(append(&log, 1, &["after"]), Offset(end));
        log.flush().unwrap();
        let mut expected = names[..usize::try_from(end).unwrap()].to_vec();
        expected.push("after".to_owned());
        assert_eq!(texts(&log), expected, "cut at {end}");
    }
}

fn a_closed_log_refuses_appends_and_can_be_read(make: Make) {
    let (log, _directory) = make(ROOMY);
    append(&log, 1, &["a"]);
    log.close().unwrap();
    log.close().unwrap();
    let refused = log.append(Instant::default(), None, &batch_of(["b"]));
    assert!(matches!(refused, Err(LogError::Closed)));
    assert!(matches!(log.cut(Offset(0)), Err(LogError::Closed)));
    assert!(matches!(
        log.truncate_before(Offset(0)),
        Err(LogError::Closed)
    ));
    assert_eq!(texts(&log), ["a"]);
}

fn a_full_log_refuses_to_try_and_makes_an_appender_wait(make: Make) {
    let (log, _directory) = make(100);
    let (sent, received) = mpsc::channel();
    std::thread::scope(|scope| {
        let appender = log.clone();
        scope.spawn(move || {
            for at in 0..50 {
                let first = append(&appender, at, &["0123456789012345678901234567890123456789"]);
                sent.send(first).unwrap();
            }
        });
        // The other side makes room for whatever has been appended, as a pipeline does.
        for at in 0..50 {
            assert_eq!(received.recv_timeout(PATIENCE).unwrap(), Offset(at));
            assert!(log.wait_for(Offset(at), PATIENCE));
            log.truncate_before(Offset(at + 1)).unwrap();
        }
    });
    assert_eq!(log.end(), Offset(50));
    let mut refused = false;
    for _ in 0..10_000 {
        match log.try_append(Instant::default(), None, &batch_of(vec!["x"; 200])) {
            Ok(_) => {}
            Err(LogError::Full) => {
                refused = true;
                break;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(refused, "a log takes no more than its bound and one batch");
}

fn close_releases_a_blocked_appender(make: Make) {
    let (log, _directory) = make(100);
    std::thread::scope(|scope| {
        let appender = log.clone();
        let endless = scope.spawn(move || {
            let payloads = batch_of(vec!["x"; 200]);
            loop {
                if let Err(error) = appender.append(Instant::default(), None, &payloads) {
                    return error;
                }
            }
        });
        assert!(log.wait_for(Offset(0), PATIENCE));
        log.close().unwrap();
        assert!(matches!(endless.join().unwrap(), LogError::Closed));
    });
}
