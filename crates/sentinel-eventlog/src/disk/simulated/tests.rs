//! The simulated disk itself: synced bytes stay, others may go, faults come where they were put.

use std::collections::BTreeSet;

use super::*;
use crate::disk::Disk;

const FILE: &str = "d/file";

fn disk_with(content: &[u8]) -> SimulatedDisk {
    let simulated = SimulatedDisk::new(1);
    let disk = Disk::Simulated(simulated.clone());
    disk.create_directory(Path::new("d")).unwrap();
    disk.sync_directory(Path::new("")).unwrap();
    let file = disk.open(Path::new(FILE), Opening::New).unwrap();
    file.write_all_at(content, 0).unwrap();
    file.sync_data().unwrap();
    disk.sync_directory(Path::new("d")).unwrap();
    simulated
}

#[test]
fn synced_bytes_stay_and_every_mix_of_the_others_is_seen() {
    let mut seen = BTreeSet::new();
    for seed in 0..2_000 {
        let disk = disk_with(&[b'a'; 1_024]);
        let file = disk.open(Path::new(FILE), Opening::Write).unwrap();
        file.write_all_at(&[b'b'; 1_024], 512).unwrap();
        disk.crash(seed);
        assert!(
            file.sync_data().is_err(),
            "a file of before the crash is dead"
        );
        let left = disk.bytes_of(Path::new(FILE)).unwrap();
        assert!(left[..512].iter().all(|byte| *byte == b'a'), "seed {seed}");
        let second = left[512..1_024]
            .iter()
            .filter(|byte| **byte == b'b')
            .count();
        let third = (left.len() > 1_024)
            .then(|| left[1_024..].iter().filter(|byte| **byte == b'b').count());
        let class = |count: usize| match count {
            0 => "old",
            512 => "new",
            _ => "torn",
        };
        seen.insert((class(second), third.map(class)));
    }
    for second in ["old", "new", "torn"] {
        assert!(seen.contains(&(second, None)), "{second}: {seen:?}");
    }
    assert!(seen.contains(&("old", Some("new"))), "reordered: {seen:?}");
    assert!(seen.contains(&("new", Some("new"))), "{seen:?}");
    assert!(
        seen.contains(&("new", Some("old"))),
        "only the length: {seen:?}"
    );
}

#[test]
fn names_that_were_not_synced_come_and_go_in_any_mix() {
    let mut seen = BTreeSet::new();
    for seed in 0..200 {
        let disk = disk_with(b"content");
        disk.rename(Path::new(FILE), Path::new("d/renamed"))
            .unwrap();
        disk.open(Path::new("d/new"), Opening::New).unwrap();
        disk.crash(seed);
        let names = disk.list(Path::new("d")).unwrap();
        let names: Vec<_> = names
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let kept = ["d/file", "d/renamed"]
            .iter()
            .filter(|name| names.contains(&(**name).to_owned()));
        assert_eq!(kept.count(), 1, "a rename is whole: {names:?}");
        seen.insert(names);
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
}

#[test]
fn a_failed_sync_drops_pages_that_can_still_be_read() {
    let mut lost = 0;
    for seed in 0..50 {
        let disk = disk_with(b"");
        disk.platter().dice = Dice::new(seed);
        let file = disk.open(Path::new(FILE), Opening::Write).unwrap();
        file.write_all_at(&[7; 600], 0).unwrap();
        disk.fault_at(disk.operations() + 1, Fault::Failure);
        assert!(file.sync_data().is_err());
        file.sync_data().unwrap();
        assert_eq!(
            disk.bytes_of(Path::new(FILE)).unwrap(),
            [7; 600],
            "in the cache"
        );
        disk.crash(seed);
        lost += usize::from(disk.bytes_of(Path::new(FILE)).unwrap() != [7; 600]);
    }
    assert!(lost > 10, "{lost} of 50");
}

#[test]
fn a_full_disk_takes_a_part_and_a_killed_process_loses_nothing() {
    let disk = disk_with(b"12345");
    disk.set_capacity_bytes(10);
    let file = disk.open(Path::new(FILE), Opening::Write).unwrap();
    let full = file.write_all_at(b"67890ab", 5).unwrap_err();
    assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    disk.kill();
    assert_eq!(disk.bytes_of(Path::new(FILE)).unwrap(), b"1234567890");
    assert_eq!(disk.room().unwrap().free_bytes, 0);
}
