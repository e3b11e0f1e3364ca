//! Failing disks and what is spared them: what cannot be provoked or seen from outside.

use super::*;
use crate::disk::DiskFile;

fn payloads(text: &str) -> Payloads {
    let mut payloads = Payloads::default();
    payloads.push(text.as_bytes());
    payloads
}

/// Replaces the file that is written to by one that takes nothing.
fn fill_the_disk(log: &EmbeddedLog) {
    let mut tail = log.log.tail.lock().unwrap();
    let full = std::fs::File::options().write(true).open("/dev/full");
    let full = DiskFile::Real(full.unwrap());
    let segment = &tail.segment;
    let segment = Segment::from_parts(segment.header.clone(), segment.path.clone(), full);
    tail.segment = Arc::new(segment);
}

#[test]
fn a_failed_write_poisons_the_log_for_ever_and_keeps_nobody_waiting() {
    let directory = tempfile::tempdir().unwrap();
    let options = EmbeddedOptions::default();
    let (log, _) = EmbeddedLog::open(&Disk::Real, directory.path(), options.clone()).unwrap();
    let append = |text| log.append(Instant::default(), None, &payloads(text), Patience::Wait);
    append("good").unwrap();
    log.flush().unwrap();
    fill_the_disk(&log);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| log.wait_for(Offset(1), Duration::from_secs(20)));
        assert_eq!(
            append("bad").unwrap(),
            Offset(1),
            "an append answers before it is durable"
        );
        assert!(!waiting.join().unwrap());
    });
    let is_poisoned = |result: Result<(), LogError>| match result {
        Err(LogError::Poisoned { reason }) => reason.contains("write segment"),
        _ => false,
    };
    let mut batch = RecordBatch::default();
    assert_eq!(log.end(), Offset(1), "the end did not move");
    assert!(is_poisoned(log.flush()));
    assert!(is_poisoned(append("more").map(drop)));
    assert!(is_poisoned(log.read(Offset(0), 1, &mut batch)));
    assert!(is_poisoned(log.cut(Offset(0))));
    assert!(is_poisoned(log.truncate_before(Offset(0))));
    assert!(is_poisoned(log.close()));
    assert!(is_poisoned(log.close()));
    drop(log);
    let (log, report) = EmbeddedLog::open(&Disk::Real, directory.path(), options).unwrap();
    assert_eq!((report.end, report.torn), (Offset(1), None));
    log.read(Offset(0), 9, &mut batch).unwrap();
    assert_eq!(batch.get(0).unwrap().payload, b"good");
}

#[test]
fn a_reader_at_the_end_is_served_from_memory_and_an_old_place_from_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let (log, _) =
        EmbeddedLog::open(&Disk::Real, directory.path(), EmbeddedOptions::default()).unwrap();
    for text in ["one", "two", "three"] {
        log.append(Instant::default(), None, &payloads(text), Patience::Wait)
            .unwrap();
    }
    log.flush().unwrap();
    let tail = log.log.tail.lock().unwrap();
    let head = tail.segment.header.bytes_len();
    tail.segment.file.set_len(head).unwrap();
    drop(tail);
    let mut batch = RecordBatch::default();
    log.read(Offset(0), 2, &mut batch).unwrap();
    assert_eq!(batch.get(1).unwrap().payload, b"two");
    log.log.cache.clear();
    batch.clear();
    let lost = log.read(Offset(0), 2, &mut batch).unwrap_err();
    assert!(matches!(lost, LogError::Corrupt { offset_bytes, .. } if offset_bytes == head));
}
