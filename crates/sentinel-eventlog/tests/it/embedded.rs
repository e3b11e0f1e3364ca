//! What only files can suffer: restarts, crashes, torn writes, damage, strangers.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sentinel_domain::{Instant, LogId, Offset, Partition};
use sentinel_eventlog::{
    Disk, Durability, EmbeddedOptions, EventLog, Judgement, LogError, OpenReport, RecordBatch,
    SourceProgress, examine,
};

use crate::{append, batch_of, everything, texts};

const LOG_ID: LogId = LogId([9; 16]);

fn options() -> EmbeddedOptions {
    EmbeddedOptions {
        commit_interval: Duration::ZERO,
        ..EmbeddedOptions::new(LOG_ID)
    }
}

fn open(directory: &Path) -> (EventLog, OpenReport) {
    EventLog::open(directory, options()).unwrap()
}

fn refusal(directory: &Path) -> LogError {
    EventLog::open(directory, options()).unwrap_err()
}

/// What a crash leaves behind: the files as they are, without an orderly close.
fn crash(directory: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in files(directory) {
        fs::copy(&file, copy.path().join(file.file_name().unwrap())).unwrap();
    }
    copy
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn segments(directory: &Path) -> Vec<PathBuf> {
    let is_segment = |path: &PathBuf| path.extension().is_some_and(|ext| ext == "log");
    files(directory).into_iter().filter(is_segment).collect()
}

fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 0x40;
    fs::write(file, bytes).unwrap();
}

fn length(file: &Path) -> usize {
    usize::try_from(fs::metadata(file).unwrap().len()).unwrap()
}

/// A log of three frames, each committed by itself, and the file length after the head and each frame.
fn three_frames(directory: &Path) -> Vec<usize> {
    let (log, _) = open(directory);
    let segment = segments(directory).remove(0);
    let mut lengths = vec![length(&segment)];
    for texts in [["first", "one"], ["second", "two"], ["third", "three"]] {
        append(&log, 1, &texts);
        log.flush().unwrap();
        lengths.push(length(&segment));
    }
    // Dropped without an orderly close, as far as the copies made of it are concerned.
    let copy = crash(directory);
    drop(log);
    for file in files(copy.path()) {
        fs::copy(&file, directory.join(file.file_name().unwrap())).unwrap();
    }
    lengths
}

#[test]
fn everything_is_there_after_a_close_and_after_a_crash() {
    for orderly in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let (log, _) = open(directory.path());
        let progress = Some(SourceProgress { source: 3, next: 2 });
        log.append(Instant::from_micros(70), progress, &batch_of(["a", "b"]))
            .unwrap();
        append(&log, 60, &["c"]);
        log.flush().unwrap();
        let before = everything(&log);
        let directory = if orderly {
            drop(log);
            directory
        } else {
            crash(directory.path())
        };
        let other_id = EmbeddedOptions {
            new_log_id: LogId([1; 16]),
            ..options()
        };
        let (log, report) = EventLog::open(directory.path(), other_id).unwrap();
        let expected = OpenReport {
            created: false,
            end: Offset(3),
            torn: None,
        };
        assert_eq!(report, expected);
        assert_eq!(log.log_id(), LOG_ID, "an existing log keeps its id");
        assert_eq!(everything(&log), before);
        assert_eq!(log.source_next(3), 2);
        assert_eq!(log.last_log_time(), Some(Instant::from_micros(70)));
        assert_eq!(append(&log, 1, &["d"]), Offset(3));
        log.flush().unwrap();
        assert_eq!(texts(&log), ["a", "b", "c", "d"]);
    }
}

#[test]
fn opening_and_closing_again_and_again_leaves_the_files_alone() {
    let directory = tempfile::tempdir().unwrap();
    let (log, _) = open(directory.path());
    append(&log, 1, &["a"]);
    log.close().unwrap();
    let bytes = fs::read(&segments(directory.path())[0]).unwrap();
    for _ in 0..3 {
        open(directory.path()).0.close().unwrap();
    }
    assert_eq!(fs::read(&segments(directory.path())[0]).unwrap(), bytes);
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_kept_and_reported() {
    let origin = tempfile::tempdir().unwrap();
    let lengths = three_frames(origin.path());
    let (start, end) = (lengths[2], lengths[3]);
    for cut_at in start..end {
        let directory = crash(origin.path());
        let segment = segments(directory.path()).remove(0);
        let whole = fs::read(&segment).unwrap();
        fs::write(&segment, &whole[..cut_at]).unwrap();
        let (log, report) = open(directory.path());
        assert_eq!(
            texts(&log),
            ["first", "one", "second", "two"],
            "cut at {cut_at}"
        );
        assert_eq!(report.end, Offset(4));
        match report.torn {
            None => assert_eq!(cut_at, start),
            Some(torn) => {
                assert_eq!(
                    (torn.file.as_path(), torn.offset_bytes),
                    (&*segment, start as u64)
                );
                assert_eq!(torn.bytes, (cut_at - start) as u64);
                assert_eq!(fs::read(torn.kept_as).unwrap(), whole[start..cut_at]);
            }
        }
        assert_eq!(append(&log, 1, &["again"]), Offset(4));
        drop(log);
        if cut_at % 16 == 0 {
            let (log, report) = open(directory.path());
            assert!(report.torn.is_none());
            assert_eq!(log.end(), Offset(5));
        }
    }
}

#[test]
fn a_flipped_byte_in_the_last_frame_of_a_crashed_log_is_a_torn_tail() {
    let origin = tempfile::tempdir().unwrap();
    let lengths = three_frames(origin.path());
    for at in lengths[2]..lengths[3] {
        let directory = crash(origin.path());
        flip(&segments(directory.path())[0], at);
        let (log, report) = open(directory.path());
        assert_eq!(log.end(), Offset(4), "byte {at}");
        assert_eq!(report.torn.unwrap().offset_bytes, lengths[2] as u64);
    }
}

#[test]
fn a_second_torn_tail_is_kept_beside_the_first() {
    let directory = tempfile::tempdir().unwrap();
    let lengths = three_frames(directory.path());
    let segment = segments(directory.path()).remove(0);
    let mut kept = Vec::new();
    for frames in [3, 2] {
        // Nobody told yet how much was on disk: the writes were never synced.
        fs::remove_file(directory.path().join("EXTENT")).unwrap();
        let bytes = fs::read(&segment).unwrap();
        fs::write(&segment, &bytes[..lengths[frames] - 1]).unwrap();
        let copy = {
            let (log, report) = open(directory.path());
            kept.push(report.torn.unwrap().kept_as);
            drop(log);
            fs::read(&segment).unwrap()
        };
        fs::write(&segment, &copy[..lengths[frames - 1]]).unwrap();
    }
    assert_ne!(kept[0], kept[1]);
    assert!(kept.iter().all(|path| path.exists()));
}

#[test]
fn a_flipped_byte_before_a_whole_frame_refuses_with_file_and_offset() {
    let origin = tempfile::tempdir().unwrap();
    let lengths = three_frames(origin.path());
    for at in 0..lengths[2] {
        let directory = crash(origin.path());
        let segment = segments(directory.path()).remove(0);
        flip(&segment, at);
        let before = fs::read(&segment).unwrap();
        let refused = refusal(directory.path());
        let LogError::Corrupt {
            file, offset_bytes, ..
        } = &refused
        else {
            panic!("byte {at}: {refused}");
        };
        let begin = match at {
            at if at < lengths[0] => 0,
            at if at < lengths[1] => lengths[0],
            _ => lengths[1],
        };
        assert_eq!((file, *offset_bytes), (&segment, begin as u64), "byte {at}");
        assert_eq!(fs::read(&segment).unwrap(), before, "nothing was changed");
    }
}

#[test]
fn after_an_orderly_close_a_flipped_byte_anywhere_in_the_records_refuses() {
    let origin = tempfile::tempdir().unwrap();
    let lengths = three_frames(origin.path());
    open(origin.path()).0.close().unwrap();
    for at in 0..lengths[3] {
        let directory = crash(origin.path());
        flip(&segments(directory.path())[0], at);
        let refused = refusal(directory.path());
        assert!(
            matches!(refused, LogError::Corrupt { .. }),
            "byte {at}: {refused}"
        );
    }
}

#[test]
fn frames_of_one_interrupted_commit_are_a_torn_tail_even_where_later_ones_are_whole() {
    let directory = tempfile::tempdir().unwrap();
    let lengths = three_frames(directory.path());
    let segment = segments(directory.path()).remove(0);
    // Two frames written by one commit: ten thousand records are more than one frame holds.
    let (log, _) = open(directory.path());
    append(&log, 1, &vec!["r"; 10_000]);
    log.flush().unwrap();
    let crashed = crash(directory.path());
    drop(log);
    // The first frame of that commit never reached the disk, the later ones did.
    let crashed_segment = crashed.path().join(segment.file_name().unwrap());
    flip(&crashed_segment, lengths[3] + 200);
    let (log, report) = open(crashed.path());
    assert_eq!(log.end(), Offset(6));
    assert_eq!(report.torn.unwrap().offset_bytes, lengths[3] as u64);
}

/// A log of many small segments with known texts; some appends beyond one segment.
fn many_segments(directory: &Path) -> Vec<String> {
    let small = EmbeddedOptions {
        segment_bytes_max: 600,
        ..options()
    };
    let (log, _) = EventLog::open(directory, small).unwrap();
    let mut expected = Vec::new();
    for at in 0..40_u64 {
        let text = format!("the record with number {at}");
        let progress = Some(SourceProgress {
            source: at % 3 + 1,
            next: at,
        });
        log.append(
            Instant::from_micros(1),
            progress,
            &batch_of([text.as_str()]),
        )
        .unwrap();
        log.flush().unwrap();
        expected.push(text);
    }
    log.close().unwrap();
    expected
}

#[test]
fn a_log_of_many_segments_opens_reads_and_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let mut expected = many_segments(directory.path());
    assert!(segments(directory.path()).len() > 5);
    let (log, report) = open(directory.path());
    assert_eq!(report.end, Offset(40));
    assert_eq!(texts(&log), expected);
    let mut batch = RecordBatch::default();
    for at in (0..40).rev() {
        log.read(Offset(at), 1, &mut batch).unwrap();
        let text = expected[usize::try_from(at).unwrap()].as_bytes();
        assert_eq!(batch.get(0).unwrap().payload, text);
    }
    assert_eq!(
        [log.source_next(1), log.source_next(2), log.source_next(3)],
        [39, 37, 38]
    );
    append(&log, 5, &["more"]);
    log.flush().unwrap();
    expected.push("more".to_owned());
    assert_eq!(texts(&log), expected);
}

#[test]
fn progress_and_time_outlive_the_segments_that_carried_them() {
    let directory = tempfile::tempdir().unwrap();
    many_segments(directory.path());
    let (log, _) = open(directory.path());
    log.truncate_before(Offset(40)).unwrap();
    assert_eq!(segments(directory.path()).len(), 1);
    let start = log.start();
    drop(log);
    let (log, report) = open(directory.path());
    assert_eq!((log.start(), report.end), (start, Offset(40)));
    assert_eq!(
        [log.source_next(1), log.source_next(2), log.source_next(3)],
        [39, 37, 38]
    );
    assert_eq!(log.last_log_time(), Some(Instant::from_micros(1)));
}

#[test]
fn a_missing_segment_in_the_middle_refuses() {
    let origin = tempfile::tempdir().unwrap();
    many_segments(origin.path());
    let all = segments(origin.path());
    for missing in &all[1..all.len() - 1] {
        let directory = crash(origin.path());
        fs::remove_file(directory.path().join(missing.file_name().unwrap())).unwrap();
        let refused = refusal(directory.path()).to_string();
        assert!(
            refused.contains(missing.file_name().unwrap().to_str().unwrap()),
            "{refused}"
        );
    }
}

#[test]
fn a_shortened_older_segment_refuses() {
    let directory = tempfile::tempdir().unwrap();
    many_segments(directory.path());
    let second = segments(directory.path()).remove(1);
    let bytes = fs::read(&second).unwrap();
    fs::write(&second, &bytes[..bytes.len() - 1]).unwrap();
    let refused = refusal(directory.path());
    assert!(
        matches!(&refused, LogError::Corrupt { file, .. } if *file == second),
        "{refused}"
    );
}

#[test]
fn a_flipped_byte_in_an_older_segment_is_found_when_it_is_read() {
    let origin = tempfile::tempdir().unwrap();
    many_segments(origin.path());
    let second = segments(origin.path()).remove(1);
    for at in 0..length(&second) {
        let directory = crash(origin.path());
        let second = directory.path().join(second.file_name().unwrap());
        flip(&second, at);
        let found = EventLog::open(directory.path(), options()).and_then(|(log, _)| {
            let mut batch = RecordBatch::default();
            log.read(Offset(0), 1_000, &mut batch)
        });
        let Err(LogError::Corrupt { file, .. }) = found else {
            panic!("byte {at} was accepted: {found:?}");
        };
        assert_eq!(file, second, "byte {at}");
    }
}

#[test]
fn a_segment_of_another_log_or_partition_refuses() {
    let directory = tempfile::tempdir().unwrap();
    many_segments(directory.path());
    let other_partition = EmbeddedOptions {
        partition: Partition(3),
        ..options()
    };
    let refused = EventLog::open(directory.path(), other_partition).unwrap_err();
    assert!(matches!(refused, LogError::Mismatch { .. }), "{refused}");

    let other = tempfile::tempdir().unwrap();
    let other_id = EmbeddedOptions {
        new_log_id: LogId([2; 16]),
        segment_bytes_max: 600,
        ..options()
    };
    let (log, _) = EventLog::open(other.path(), other_id).unwrap();
    append(&log, 1, &["x"; 1]);
    drop(log);
    let stranger = segments(other.path()).remove(0);
    fs::copy(
        &stranger,
        directory.path().join(stranger.file_name().unwrap()),
    )
    .unwrap();
    let refused = refusal(directory.path());
    assert!(matches!(refused, LogError::Mismatch { .. }), "{refused}");
}

#[test]
fn a_second_opener_is_refused_until_the_first_has_closed() {
    let directory = tempfile::tempdir().unwrap();
    let (log, _) = open(directory.path());
    let refused = refusal(directory.path());
    assert!(matches!(&refused, LogError::Locked { directory: named } if named == directory.path()));
    assert!(
        refused
            .to_string()
            .contains(directory.path().to_str().unwrap())
    );
    let clone = log.clone();
    drop(log);
    assert!(
        matches!(refusal(directory.path()), LogError::Locked { .. }),
        "a clone holds it too"
    );
    clone.close().unwrap();
    open(directory.path());
}

#[test]
fn a_segment_that_was_never_finished_is_removed() {
    let directory = tempfile::tempdir().unwrap();
    let expected = many_segments(directory.path());
    let unfinished = directory.path().join(format!("{:020}.new", 40));
    fs::write(&unfinished, b"half a head").unwrap();
    let (log, _) = open(directory.path());
    assert!(!unfinished.exists());
    assert_eq!(texts(&log), expected);
}

#[test]
fn a_log_without_sync_keeps_what_was_closed_and_what_a_killed_process_wrote() {
    let never = EmbeddedOptions {
        durability: Durability::Never,
        ..options()
    };
    let directory = tempfile::tempdir().unwrap();
    let (log, _) = EventLog::open(directory.path(), never.clone()).unwrap();
    for at in 0..10 {
        append(&log, at, &["a", "b"]);
    }
    log.flush().unwrap();
    let killed = crash(directory.path());
    log.close().unwrap();
    for directory in [directory.path(), killed.path()] {
        let (log, report) = EventLog::open(directory, never.clone()).unwrap();
        assert_eq!((report.end, report.torn), (Offset(20), None));
        assert_eq!(everything(&log).len(), 20);
    }
}

#[test]
fn a_cut_outlives_a_restart_and_goes_across_segments() {
    for end in [0, 1, 17, 38, 39] {
        let directory = tempfile::tempdir().unwrap();
        let expected = many_segments(directory.path());
        let (log, _) = open(directory.path());
        // Something is remembered of what is about to go.
        assert_eq!(texts(&log).len(), 40);
        log.cut(Offset(end)).unwrap();
        let kept = &expected[..usize::try_from(end).unwrap()];
        assert_eq!(texts(&log), kept);
        drop(log);
        let (log, report) = open(directory.path());
        assert_eq!((report.end, report.torn), (Offset(end), None));
        assert_eq!(texts(&log), kept);
    }
}

#[test]
fn whoever_flushes_or_closes_does_not_wait_for_company() {
    let patient = EmbeddedOptions {
        commit_interval: Duration::from_secs(3_600),
        ..options()
    };
    let directory = tempfile::tempdir().unwrap();
    let (log, _) = EventLog::open(directory.path(), patient).unwrap();
    // Many appends at once make the writer gather; an hour would be noticed.
    for round in 0..5 {
        for _ in 0..20 {
            append(&log, round, &["a"]);
        }
        log.flush().unwrap();
    }
    for _ in 0..20 {
        append(&log, 9, &["b"]);
    }
    log.close().unwrap();
    assert_eq!(log.end(), Offset(120));
}

#[test]
fn files_that_are_missing_at_either_end_and_cuts_between_frames_refuse() {
    let origin = tempfile::tempdir().unwrap();
    many_segments(origin.path());
    let all = segments(origin.path());
    for missing in [&all[0], &all[all.len() - 1]] {
        let directory = crash(origin.path());
        let missing = directory.path().join(missing.file_name().unwrap());
        fs::remove_file(&missing).unwrap();
        let refused = refusal(directory.path());
        assert!(
            matches!(&refused, LogError::Corrupt { file, .. } if *file == missing),
            "{refused}"
        );
    }
    let nothing_left = crash(origin.path());
    for segment in segments(nothing_left.path()) {
        fs::remove_file(segment).unwrap();
    }
    assert!(matches!(
        refusal(nothing_left.path()),
        LogError::Corrupt { .. }
    ));

    let directory = tempfile::tempdir().unwrap();
    let lengths = three_frames(directory.path());
    open(directory.path()).0.close().unwrap();
    let segment = segments(directory.path()).remove(0);
    let bytes = fs::read(&segment).unwrap();
    for length in &lengths {
        fs::write(&segment, &bytes[..*length]).unwrap();
        let refused = refusal(directory.path());
        assert!(
            matches!(refused, LogError::Corrupt { offset_bytes, .. } if offset_bytes == *length as u64),
            "{refused}"
        );
    }
    fs::remove_file(directory.path().join("EXTENT")).unwrap();
    fs::write(&segment, &bytes[..lengths[0]]).unwrap();
    let (log, _) = open(directory.path());
    assert_eq!(log.end(), Offset(0), "a directory of old has no extent");
}

#[test]
fn a_log_that_grows_and_is_truncated_meanwhile_is_found_sound() {
    let directory = tempfile::tempdir().unwrap();
    let small = EmbeddedOptions {
        segment_bytes_max: 3_000,
        ..options()
    };
    let (log, _) = EventLog::open(directory.path(), small).unwrap();
    let (mut looks, mut records) = (0, 0_u64);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for at in 0..1_000 {
                append(&log, at, &["one", "two", "and a third one that is longer"]);
                if at % 100 == 99 {
                    log.flush().unwrap();
                    log.truncate_before(Offset(log.end().0 - 50)).unwrap();
                }
            }
        });
        while !writer.is_finished() || looks < 3 {
            let found = examine(&Disk::Real, directory.path(), &mut |_, _| {
                records += 1;
                Judgement::Good
            })
            .unwrap();
            assert_eq!(found.damage, [], "look {looks}");
            looks += 1;
        }
    });
    assert!(records > 0);
}
