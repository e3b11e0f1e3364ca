//! Files of snapshots: changed, cut short, of another log or engine, in a log that has lost its beginning.

use std::path::{Path, PathBuf};

use sentinel_domain::{ContentHasher, LogId, Offset};
use sentinel_eventlog::{EventLog, MemoryOptions};
use sentinel_pipeline::{Backfilled, SnapshotError, SnapshotFolder};
use sentinel_synth::Random;

use super::{any_log, below, decided, kept, written};
use crate::contents::{LOG, append, empty_log, log_of, stream};

/// What the newest snapshot is, and what is wrong with those before it.
fn newest(log: &EventLog, folder: &Path) -> (Option<Offset>, Vec<SnapshotError>) {
    newest_before(log, folder, log.end())
}

fn newest_before(
    log: &EventLog,
    folder: &Path,
    covered: Offset,
) -> (Option<Offset>, Vec<SnapshotError>) {
    let mut wrong = Vec::new();
    let mut refused = |error: &SnapshotError| wrong.push(copy(error));
    let (state, found) = SnapshotFolder::new(folder)
        .newest_state(log, covered, &mut refused)
        .unwrap();
    let offset = found.map(|found| found.offset);
    assert_eq!(state.next(), offset.unwrap_or_default());
    (offset, wrong)
}

fn copy(error: &SnapshotError) -> SnapshotError {
    match error {
        SnapshotError::Damaged {
            file,
            offset_bytes,
            detail,
        } => SnapshotError::Damaged {
            file: file.clone(),
            offset_bytes: *offset_bytes,
            detail: detail.clone(),
        },
        SnapshotError::Unfit { file, detail } => SnapshotError::Unfit {
            file: file.clone(),
            detail: detail.clone(),
        },
        other => panic!("{other}"),
    }
}

fn file_of(folder: &Path, offset: Offset) -> PathBuf {
    folder.join(format!("{:020}.snapshot", offset.0))
}

/// Writes another head: its checksum and the hash of the whole are right.
pub fn with_head(bytes: &[u8], change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let length = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    change(&mut bytes[20..20 + length]);
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&bytes[8..16]), &bytes[20..20 + length]);
    bytes[16..20].copy_from_slice(&checksum.to_le_bytes());
    let end = bytes.len() - 44;
    let mut hasher = ContentHasher::default();
    hasher.update(&bytes[..end]);
    let hash = hasher.finish().0;
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&bytes[end..end + 8]), &hash);
    bytes[end + 8..end + 12].copy_from_slice(&checksum.to_le_bytes());
    bytes[end + 12..].copy_from_slice(&hash);
    bytes
}

/// A flipped bit, a cut, zeroes, bytes twice or bytes behind the end.
fn mutated(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = below(random, bytes.len());
    // Half of the blows fall where the heads of sections are many.
    let at = if random.chance(0.5) { at % 400 } else { at };
    let to = (at + 1 + below(random, 600)).min(bytes.len());
    match random.below(5) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes.truncate(at),
        2 => bytes[at..to].fill(0),
        3 => {
            let piece = bytes[at..to].to_vec();
            bytes.splice(at..at, piece);
        }
        _ => bytes.extend((0..to - at).map(|_| u8::try_from(random.below(256)).unwrap())),
    }
    bytes
}

#[test]
fn a_thousand_blows_to_a_file_are_refused_with_file_and_byte() {
    let mut random = Random::new(7);
    let log = any_log(&mut random, 150);
    let folder = tempfile::tempdir().unwrap();
    let bytes = written(&decided(&log, log.end(), &mut random), &log, folder.path());
    let file = file_of(folder.path(), log.end());
    let mut damaged = 0;
    for blow in 0..1_000 {
        let hit = mutated(&bytes, &mut random);
        std::fs::write(&file, &hit).unwrap();
        let (found, wrong) = newest(&log, folder.path());
        if hit == bytes {
            assert_eq!((found, wrong.len()), (Some(log.end()), 0));
            continue;
        }
        assert_eq!(found, None, "blow {blow}");
        match &wrong[..] {
            [
                SnapshotError::Damaged {
                    file: named,
                    offset_bytes,
                    ..
                },
            ] => {
                assert_eq!(*named, file);
                assert!(*offset_bytes <= hit.len() as u64);
                assert!(file.with_extension("damaged").exists() && !file.exists());
                damaged += 1;
            }
            other => panic!("blow {blow}: {other:?}"),
        }
    }
    assert!(damaged > 950, "{damaged} of 1,000 blows changed something");
}

#[test]
fn contents_that_make_no_sense_under_right_checksums_do_not_panic() {
    let mut random = Random::new(8);
    let log = any_log(&mut random, 120);
    let folder = tempfile::tempdir().unwrap();
    let bytes = written(&decided(&log, log.end(), &mut random), &log, folder.path());
    let file = file_of(folder.path(), log.end());
    let mut refused = 0;
    for _ in 0..200 {
        let hit = resealed(&bytes, &mut random);
        std::fs::write(&file, &hit).unwrap();
        // Who can write checksums can write another state: what counts is that nothing breaks.
        refused += newest(&log, folder.path()).1.len();
    }
    assert!(refused > 50, "{refused} of 200 are refused all the same");
}

/// Changes a byte inside a random section and makes every checksum right.
fn resealed(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut sections = Vec::new();
    let mut at = 8;
    while at < bytes.len() - 44 {
        let length = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
        // An empty one says that a part begins.
        if length > 0 {
            sections.push((at, length));
        }
        at += 12 + length;
    }
    let (at, length) = *random.pick(&sections);
    let place = at + 12 + below(random, length);
    bytes[place] ^= 1 << random.below(8);
    let checksum = crc32c::crc32c_append(
        crc32c::crc32c(&bytes[at..at + 8]),
        &bytes[at + 12..at + 12 + length],
    );
    bytes[at + 8..at + 12].copy_from_slice(&checksum.to_le_bytes());
    with_head(&bytes, |_| ())
}

#[test]
fn a_snapshot_of_another_engine_or_format_is_refused_and_the_one_before_it_used() {
    let random = &mut Random::new(9);
    let log = log_of(9, 300);
    let folder = tempfile::tempdir().unwrap();
    written(&kept(&log, Offset(100), random), &log, folder.path());
    let bytes = written(&kept(&log, Offset(200), random), &log, folder.path());
    let file = file_of(folder.path(), Offset(200));
    // Format, engine semantics, log, partition and what the windows keep, by their first byte in the head.
    let fields = [
        (0, "of format"),
        (4, "engine semantics"),
        (8, "belongs to log"),
        (24, "belongs to log"),
        (34, "another one"),
        (42, "another one"),
        (74, "other features"),
    ];
    for (at, detail) in fields {
        std::fs::write(&file, with_head(&bytes, |head| head[at] ^= 1)).unwrap();
        let (found, wrong) = newest(&log, folder.path());
        assert_eq!(found, Some(Offset(100)), "{detail}");
        let [SnapshotError::Unfit { detail: told, .. }] = &wrong[..] else {
            panic!("{wrong:?}");
        };
        assert!(told.contains(detail), "{told}");
        assert!(file.exists(), "what fits elsewhere is not set aside");
    }
    std::fs::write(&file, &bytes).unwrap();
    assert_eq!(newest(&log, folder.path()).0, Some(Offset(200)));
    let (found, wrong) = newest_before(&log, folder.path(), Offset(199));
    assert_eq!(
        (found, wrong.len()),
        (Some(Offset(100)), 1),
        "not followed that far"
    );
    let renamed = file_of(folder.path(), Offset(150));
    std::fs::rename(&file, &renamed).unwrap();
    assert_eq!(
        newest(&log, folder.path()).0,
        Some(Offset(100)),
        "under another's name"
    );
}

#[test]
fn a_log_that_was_cut_or_made_anew_is_not_taken_for_the_old_one() {
    let random = &mut Random::new(10);
    let entries = stream(10, 300);
    let log = empty_log();
    append(&log, entries[..200].to_vec());
    let folder = tempfile::tempdir().unwrap();
    let split = Offset(log.end().0 - 20);
    written(&kept(&log, split, random), &log, folder.path());
    assert_eq!(newest(&log, folder.path()).0, Some(split));
    let anew = empty_log();
    append(&anew, stream(11, 300));
    assert!(anew.end() > split);
    let (found, wrong) = newest(&anew, folder.path());
    assert_eq!(found, None);
    assert!(wrong[0].to_string().contains("another one"), "{wrong:?}");
    log.cut(Offset(split.0 - 1)).unwrap();
    let (found, wrong) = newest(&log, folder.path());
    assert_eq!(found, None);
    assert!(wrong[0].to_string().contains("the log holds"), "{wrong:?}");
    let other = EventLog::memory(MemoryOptions {
        log_id: LogId([4; 16]),
        bytes_max: 1 << 30,
    });
    append(&other, entries);
    assert!(
        newest(&other, folder.path()).1[0]
            .to_string()
            .contains("belongs to log")
    );
    assert_ne!(other.log_id(), LOG);
}

#[test]
fn two_are_kept_and_the_logs_must_hold_what_the_older_needs() {
    let random = &mut Random::new(12);
    let log = log_of(12, 400);
    let path = tempfile::tempdir().unwrap();
    let folder = SnapshotFolder::new(path.path());
    assert_eq!(
        folder.needed_from(&log, None).unwrap(),
        Offset(0),
        "all of it"
    );
    assert!(
        folder
            .write(&kept(&log, Offset(0), random), &log)
            .unwrap()
            .is_none()
    );
    for offset in [100, 200, 300] {
        written(&kept(&log, Offset(offset), random), &log, path.path());
    }
    let offsets: Vec<Offset> = folder
        .list()
        .unwrap()
        .into_iter()
        .map(|one| one.0)
        .collect();
    assert_eq!(offsets, [Offset(300), Offset(200)]);
    assert_eq!(folder.needed_from(&log, None).unwrap(), Offset(199));
    let filled = |to| Backfilled {
        from: Offset(7),
        to: Offset(to),
        transactions: 1,
        labels: 0,
    };
    assert_eq!(
        folder.needed_from(&log, Some(filled(250))).unwrap(),
        Offset(7),
        "filled again"
    );
    assert_eq!(
        folder.needed_from(&log, Some(filled(150))).unwrap(),
        Offset(199)
    );
    log.truncate_before(Offset(199)).unwrap();
    assert_eq!(log.start(), Offset(199));
    assert_eq!(
        newest_before(&log, path.path(), Offset(200)).0,
        Some(Offset(200))
    );
    // Entry 199 is the last one before the older snapshot: without it nothing tells whose log this is.
    log.truncate_before(Offset(200)).unwrap();
    let mut told = 0;
    let refused = folder.newest_state(&log, Offset(200), &mut |_| told += 1);
    match refused.err() {
        Some(SnapshotError::NothingFits { start, tried, .. }) => {
            assert_eq!((start, tried, told), (Offset(200), 2, 2));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_folder_that_cannot_be_written_leaves_no_half_file() {
    let random = &mut Random::new(13);
    let log = log_of(13, 100);
    let path = tempfile::tempdir().unwrap();
    let state = kept(&log, log.end(), random);
    // A folder stands where the file belongs: renaming fails after everything was written.
    let in_the_way = file_of(path.path(), log.end());
    std::fs::create_dir_all(in_the_way.join("occupied")).unwrap();
    let folder = SnapshotFolder::new(path.path());
    let failed = folder.write(&state, &log).unwrap_err();
    assert!(failed.to_string().contains("name snapshot"), "{failed}");
    std::fs::remove_dir_all(&in_the_way).unwrap();
    assert_eq!(
        newest(&log, path.path()).0,
        None,
        "an unfinished file is no snapshot"
    );
    folder.remove_unfinished().unwrap();
    assert_eq!(std::fs::read_dir(path.path()).unwrap().count(), 0);
}
