//! A real disk that is full: a small tmpfs where the machine mounts one for us.
//!
//! Where it does not (no privilege), that is said and the simulated disk and `/dev/full` stand for it.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use sentinel_domain::{Instant, LogId, Offset};
use sentinel_eventlog::{EmbeddedOptions, EventLog, LogError};

use crate::{append, batch_of, texts};

const DISK_BYTES: u64 = 8 * 1024 * 1024;

/// A file system of eight MiB, gone at the end of the test.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    #[allow(clippy::print_stdout, reason = "what is not tried is said")]
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let size = format!("size={DISK_BYTES}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(directory.path())
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(directory)),
            refused => {
                println!("not tried on a real full disk, this machine mounts none: {refused:?}");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes what is free but `left_bytes`.
    fn fill(&self, left_bytes: usize) {
        let file = fs::File::create(self.path().join("ballast")).unwrap();
        let mut at = 0;
        while file.write_all_at(&[1; 4_096], at).is_ok() {
            at += 4_096;
        }
        file.set_len(at.saturating_sub(left_bytes as u64)).unwrap();
    }

    fn free(&self) {
        fs::remove_file(self.path().join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

/// The kernel may take a moment to give freed pages back.
fn append_when_there_is_room(log: &EventLog, text: &str) {
    let attempts = (0..10_000_000).find(|_| {
        std::thread::yield_now();
        match log.append(Instant::default(), None, &batch_of([text])) {
            Ok(_) => true,
            Err(LogError::DiskFull { .. }) => false,
            Err(error) => panic!("{error}"),
        }
    });
    assert!(attempts.is_some(), "the log did not resume");
}

#[test]
fn a_full_disk_refuses_appends_until_there_is_room_fifty_times() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let options = EmbeddedOptions::new(LogId([3; 16]));
    let (log, _) = EventLog::open(&disk.path().join("log"), options).unwrap();
    let mut expected = Vec::new();
    for round in 0..50 {
        let text = format!("before {round}");
        append(&log, 1, &[&text]);
        log.flush().unwrap();
        disk.fill(300_000);
        // What the disk said a moment ago may be believed for a moment; then it is full.
        let refused = loop {
            match log.append(Instant::default(), None, &batch_of(["x"])) {
                Ok(_) => {
                    log.flush().unwrap();
                    expected.push(None);
                }
                Err(error) => break error,
            }
        };
        let LogError::DiskFull {
            free_bytes,
            needed_bytes,
        } = refused
        else {
            panic!("round {round}: {refused}");
        };
        assert!(free_bytes < needed_bytes && needed_bytes > DISK_BYTES / 100 * 5);
        log.flush().unwrap();
        disk.free();
        let after = format!("after {round}");
        append_when_there_is_room(&log, &after);
        log.flush().unwrap();
        expected.push(Some((text, after)));
    }
    let rounds = expected.iter().flatten().count();
    assert_eq!(rounds, 50);
    let others = expected.len() - rounds;
    assert_eq!(log.end(), Offset(others as u64 + 100), "{others} others");
    let found = texts(&log);
    let kept = found.iter().filter(|text| !text.starts_with('x'));
    let told = expected.iter().flatten();
    let told: Vec<&String> = told.flat_map(|(one, other)| [one, other]).collect();
    assert_eq!(kept.collect::<Vec<_>>(), told);
}

#[test]
fn a_write_that_meets_a_full_disk_loses_nothing_that_was_acknowledged() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let directory = disk.path().join("log");
    let blind = EmbeddedOptions {
        free_bytes_min: Some(0),
        ..EmbeddedOptions::new(LogId([3; 16]))
    };
    let (log, _) = EventLog::open(&directory, blind.clone()).unwrap();
    let kept = append(&log, 1, &["kept"]);
    log.flush().unwrap();
    disk.fill(8_192);
    let large = "x".repeat(100_000);
    append(&log, 1, &[&large]);
    assert!(matches!(log.flush(), Err(LogError::Poisoned { .. })));
    assert_eq!(log.end(), kept.plus(1));
    drop(log);
    // As long as the disk is full there is no room to keep the torn tail: it stays where it is.
    let mut refusals = 0;
    for _ in 0..3 {
        match EventLog::open(&directory, blind.clone()) {
            Ok((log, _)) => assert_eq!(texts(&log), ["kept"]),
            Err(error) => {
                assert!(matches!(error, LogError::Io { .. }), "{error}");
                refusals += 1;
            }
        }
    }
    let names = fs::read_dir(&directory).unwrap();
    let kept = names.filter(|entry| {
        let path = entry.as_ref().unwrap().path();
        path.to_str().unwrap().contains(".torn")
    });
    assert!(
        kept.count() + refusals <= 3,
        "a refusal leaves nothing behind"
    );
    disk.free();
    let (log, _) = EventLog::open(&directory, blind).unwrap();
    assert_eq!(texts(&log), ["kept"]);
    append(&log, 1, &["and on"]);
    log.flush().unwrap();
    assert_eq!(texts(&log), ["kept", "and on"]);
}
