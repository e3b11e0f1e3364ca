//! Damage of every kind to the files of a log: refused, repaired with a report, or found by the
//! examination; never taken for what was written.
//!
//! `SENTINEL_MUTATIONS=N` makes N mutations instead of a few.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sentinel_domain::{Instant, LogId, Offset};

use crate::disk::simulated::{Dice, SimulatedDisk};
use crate::{
    Commits, Disk, EmbeddedOptions, EventLog, Examination, Judgement, LogError, Payloads,
    RecordBatch, SourceProgress, examine,
};

const DIRECTORY: &str = "log";
const MUTATIONS: u64 = 10_000;
const PAGE_BYTES: usize = 4_096;

type Records = Vec<(i64, Vec<u8>)>;

fn options() -> EmbeddedOptions {
    EmbeddedOptions {
        segment_bytes_max: 20_000,
        commits: Commits::ByCaller,
        free_bytes_min: Some(0),
        ..EmbeddedOptions::new(LogId([6; 16]))
    }
}

fn open(disk: &SimulatedDisk) -> Result<(EventLog, Option<u64>), LogError> {
    let on = Disk::Simulated(disk.clone());
    let (log, report) = EventLog::open_on(&on, Path::new(DIRECTORY), options())?;
    Ok((log, report.torn.map(|torn| torn.bytes)))
}

fn examined(disk: &SimulatedDisk) -> Examination {
    let on = Disk::Simulated(disk.clone());
    examine(&on, Path::new(DIRECTORY), &mut |_, _| Judgement::Good).unwrap()
}

fn read_all(log: &EventLog) -> Result<Records, LogError> {
    let (mut found, mut batch) = (Vec::new(), RecordBatch::default());
    let mut next = log.start();
    while next < log.end() {
        log.read(next, 100, &mut batch)?;
        for record in batch.iter() {
            found.push((record.log_time.micros(), record.payload.to_vec()));
        }
        next = next.plus(batch.len() as u64);
    }
    Ok(found)
}

/// A log of some segments, its head truncated, closed in order or killed.
fn grown(dice: &mut Dice, orderly: bool) -> (SimulatedDisk, Records, BTreeMap<u64, u64>) {
    let disk = SimulatedDisk::new(dice.roll());
    let (log, _) = open(&disk).unwrap();
    let mut sources = BTreeMap::new();
    for at in 0..60 {
        let mut payloads = Payloads::default();
        for _ in 0..=dice.below(4) {
            let mut payload = vec![0; dice.below(1_500) as usize];
            payload.fill_with(|| dice.roll() as u8);
            payloads.push(&payload);
        }
        let source = 1 + dice.below(2);
        let next = log.source_next(source) + payloads.len() as u64;
        let progress = Some(SourceProgress { source, next });
        sources.insert(source, next);
        log.append(Instant::from_micros(at), progress, &payloads)
            .unwrap();
        if dice.chance(2, 3) {
            log.flush().unwrap();
        }
    }
    log.flush().unwrap();
    log.truncate_before(Offset(20)).unwrap();
    let records = read_all(&log).unwrap();
    if orderly {
        log.close().unwrap();
    } else {
        disk.kill();
    }
    drop(log);
    (disk.copy(1), records, sources)
}

fn files(disk: &SimulatedDisk) -> Vec<PathBuf> {
    let found = examined(disk);
    let mut files: Vec<PathBuf> = found.segments.into_iter().map(|one| one.file).collect();
    files.push(Path::new(DIRECTORY).join("EXTENT"));
    files
}

/// Does one thing to one file; says what.
fn mutate(disk: &SimulatedDisk, dice: &mut Dice) -> String {
    let files = files(disk);
    let pick = |dice: &mut Dice| files[dice.below(files.len() as u64) as usize].clone();
    let file = pick(dice);
    let mut bytes = disk.bytes_of(&file).unwrap();
    let length = bytes.len() as u64;
    let at = dice.below(length) as usize;
    let name = file.display().to_string();
    match dice.below(7) {
        0 | 1 => {
            bytes[at] ^= 1 << dice.below(8);
            disk.overwrite(&file, bytes).unwrap();
            format!("flip a bit of byte {at} of {name}")
        }
        2 => {
            let start = at / PAGE_BYTES * PAGE_BYTES;
            let end = bytes.len().min(start + PAGE_BYTES);
            bytes[start..end].fill(0);
            disk.overwrite(&file, bytes).unwrap();
            format!("zero the page at {start} of {name}")
        }
        3 => {
            bytes.truncate(at);
            disk.overwrite(&file, bytes).unwrap();
            format!("cut {name} at {at} of {length}")
        }
        4 => {
            disk.lose(&file).unwrap();
            format!("remove {name}")
        }
        5 => {
            let other = pick(dice);
            let theirs = disk.bytes_of(&other).unwrap();
            disk.overwrite(&other, bytes).unwrap();
            disk.overwrite(&file, theirs).unwrap();
            format!("swap {name} and {}", other.display())
        }
        _ => {
            let from = dice.below(length) as usize;
            let count = (1 + dice.below(2_000) as usize).min(bytes.len() - at.max(from));
            let piece = bytes[from..from + count].to_vec();
            bytes[at..at + count].copy_from_slice(&piece);
            disk.overwrite(&file, bytes).unwrap();
            format!("copy {count} bytes of {name} from {from} to {at}")
        }
    }
}

#[derive(Debug, Default)]
struct Tally {
    refused: u64,
    repaired: u64,
    found_when_read: u64,
    harmless: u64,
}

/// What becomes of a mutated log; `Err` where damage was accepted in silence.
fn judge(
    disk: &SimulatedDisk,
    records: &Records,
    sources: &BTreeMap<u64, u64>,
    tally: &mut Tally,
) -> Result<(), String> {
    let seen = examined(disk);
    let is_noticed = !seen.damage.is_empty() || seen.unfinished.is_some();
    let (log, torn) = match open(disk) {
        Err(LogError::Corrupt { .. } | LogError::Mismatch { .. }) if is_noticed => {
            tally.refused += 1;
            return Ok(());
        }
        Err(error) => return Err(format!("refused, but not noticed or not so: {error:?}")),
        Ok(opened) => opened,
    };
    let read = match read_all(&log) {
        Err(LogError::Corrupt { .. }) if !seen.damage.is_empty() => {
            tally.found_when_read += 1;
            return Ok(());
        }
        Err(error) => return Err(format!("{error:?} when read, examined: {:?}", seen.damage)),
        Ok(read) => read,
    };
    let progress = |source| (log.source_next(source), sources.get(&source).copied());
    let same_progress = (1..=2).all(|source| Some(progress(source).0) == progress(source).1);
    match torn {
        Some(_) if is_noticed && records.starts_with(&read) => tally.repaired += 1,
        None if read == *records && same_progress => tally.harmless += 1,
        _ => {
            return Err(format!(
                "{} of {} records, torn {torn:?}, accepted",
                read.len(),
                records.len()
            ));
        }
    }
    Ok(())
}

#[test]
fn no_mutation_of_a_log_is_accepted_in_silence() {
    let mutations = std::env::var("SENTINEL_MUTATIONS");
    let mutations = mutations.map_or(MUTATIONS, |text| text.parse().unwrap());
    let mut tally = Tally::default();
    let mut dice = Dice::new(17);
    let mut logs: Vec<_> = [true, true, false, false]
        .map(|orderly| grown(&mut dice, orderly))
        .into();
    for (disk, records, _) in &mut logs {
        let found = examined(disk);
        assert_eq!((&found.damage, &found.unfinished), (&vec![], &None));
        assert!(found.segments.len() > 3 && records.len() > 60);
    }
    for seed in 0..mutations {
        let (disk, records, sources) = &logs[(seed % 4) as usize];
        let copy = disk.copy(seed);
        let mut dice = Dice::new(seed);
        let what = mutate(&copy, &mut dice);
        let judged = judge(&copy, records, sources, &mut tally);
        assert!(judged.is_ok(), "seed {seed}, {what}: {judged:?}");
    }
    println!("{mutations} mutations: {tally:?}");
    assert!(tally.refused > 0 && tally.found_when_read > 0 && tally.repaired > 0);
}
