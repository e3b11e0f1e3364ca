//! What a log keeps: how long it is, where a new one begins, and what nobody may drop.

use sentinel_domain::Offset;
use sentinel_eventlog::{EmbeddedOptions, EventLog, LogError, RecordBatch};

use crate::append;
use crate::contract::{ROOMY, embedded_in_many_segments, memory};

#[test]
fn every_backend_keeps_what_is_held_and_tells_how_long_it_is() {
    for make in [memory, embedded_in_many_segments] {
        let (log, _directory) = make(ROOMY);
        nothing_is_dropped_while_the_start_is_held(&log);
        let (log, _directory) = make(ROOMY);
        segments_tell_what_is_kept(&log);
    }
}

fn nothing_is_dropped_while_the_start_is_held(log: &EventLog) {
    for at in 0..30 {
        append(log, at, &[&format!("{at}")]);
    }
    log.flush().unwrap();
    let (one, other) = (log.hold(), log.clone().hold());
    assert_eq!(one.start(), Offset(0));
    let asked = std::cell::Cell::new(0);
    let choose = || {
        asked.set(asked.get() + 1);
        Ok::<_, LogError>(Offset(20))
    };
    log.truncate_by(choose).unwrap();
    drop(one);
    log.truncate_before(Offset(20)).unwrap();
    assert_eq!((log.start(), asked.get()), (Offset(0), 0));
    drop(other);
    log.truncate_by(choose).unwrap();
    assert_eq!(asked.get(), 1);
    let dropped = log.start();
    let hold = log.hold();
    assert_eq!(hold.start(), dropped);
    // A choice that fails drops nothing.
    drop(hold);
    let failed = log.truncate_by(|| Err(LogError::Closed));
    assert!(matches!(failed, Err(LogError::Closed)));
    assert_eq!(log.start(), dropped);
}

fn segments_tell_what_is_kept(log: &EventLog) {
    for at in 0..30 {
        append(log, at, &[&format!("payload number {at}")]);
    }
    log.flush().unwrap();
    let bytes = |log: &EventLog| -> u64 {
        let segments = log.segments().unwrap();
        assert_eq!(segments.first().map(|one| one.base), Some(log.start()));
        assert_eq!(segments.last().map(|one| one.end), Some(log.end()));
        assert!(segments.windows(2).all(|two| two[0].end == two[1].base));
        segments.iter().map(|one| one.bytes).sum()
    };
    let before = bytes(log);
    assert!(before >= 30 * 16);
    log.truncate_before(Offset(25)).unwrap();
    assert!(bytes(log) < before || log.start() == Offset(0));
}

#[test]
fn a_log_that_goes_with_a_shortened_one_begins_where_it_is_told_to() {
    let directory = tempfile::tempdir().unwrap();
    let options = |new_start| EmbeddedOptions {
        new_start: Offset(new_start),
        ..EmbeddedOptions::default()
    };
    let (log, report) = EventLog::open(directory.path(), options(40)).unwrap();
    assert!(report.created);
    assert_eq!((log.start(), log.end()), (Offset(40), Offset(40)));
    assert_eq!(append(&log, 1, &["a", "b"]), Offset(40));
    log.close().unwrap();
    drop(log);
    // What is there already begins where it begins.
    let (log, report) = EventLog::open(directory.path(), options(7)).unwrap();
    assert!(!report.created);
    assert_eq!((log.start(), log.end()), (Offset(40), Offset(42)));
    let mut batch = RecordBatch::default();
    assert!(matches!(
        log.read(Offset(39), 1, &mut batch),
        Err(LogError::BeforeStart { .. })
    ));
}
