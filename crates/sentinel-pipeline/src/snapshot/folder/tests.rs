//! The folder: who stops leaves what is under way, and no snapshot takes the room that the log keeps.

use sentinel_domain::{Instant, LogId};
use sentinel_eventlog::{MemoryOptions, Payloads, RecordBatch};

use super::*;
use crate::backfill::History;

#[test]
fn whoever_stops_leaves_what_is_written_and_read() {
    let log = EventLog::memory(MemoryOptions {
        log_id: LogId([1; 16]),
        bytes_max: 1 << 20,
    });
    let mut payloads = Payloads::default();
    payloads.push(b"no entry");
    log.append(Instant::default(), None, &payloads).unwrap();
    let mut state = PartitionState::new(log.log_id(), log.partition());
    let (mut batch, mut settled) = (RecordBatch::default(), Vec::new());
    log.read(Offset(0), 1, &mut batch).unwrap();
    let mut go_on = |_, _| std::ops::ControlFlow::Continue(());
    let mut history = History::new(&log, &mut go_on);
    state.apply(&batch, &mut history, &mut settled).unwrap();
    let path = tempfile::tempdir().unwrap();
    let stopping = Stopping::default();
    let folder = SnapshotFolder::new(path.path()).until(Stopping::clone(&stopping));
    let left = |error| matches!(error, SnapshotError::Stopped);
    stopping.store(true, Relaxed);
    assert!(folder.write(&state, &log).is_err_and(left));
    assert_eq!(folder.files().unwrap(), Vec::<PathBuf>::new());
    stopping.store(false, Relaxed);
    assert!(folder.write(&state, &log).unwrap().is_some());
    stopping.store(true, Relaxed);
    let mut refused = |error: &SnapshotError| panic!("{error}");
    let read = folder.newest_state(&log, log.end(), &mut refused);
    assert!(read.is_err_and(left), "it is neither used nor refused");
}

#[test]
fn a_snapshot_that_would_take_what_the_log_keeps_free_is_not_begun() {
    let place = tempfile::tempdir().unwrap();
    let folder = SnapshotFolder::new(place.path());
    assert!(folder.check_room().is_ok());
    // A file of eight tebibytes that takes no room: the next one may be as large.
    let newest = place.path().join(format!("{:020}.{EXTENSION}", 7));
    fs::File::create(&newest).unwrap().set_len(1 << 43).unwrap();
    let Err(SnapshotError::NoRoom { needed_bytes, .. }) = folder.check_room() else {
        panic!("there is room for sixteen tebibytes");
    };
    assert!(needed_bytes > 1 << 44);
    assert_eq!(room_needed(10, 1_000), 70);
    assert_eq!(room_needed(0, u64::MAX), 256 * 1024 * 1024);
}
