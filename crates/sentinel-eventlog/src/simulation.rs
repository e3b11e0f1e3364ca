//! The simulation of the embedded log: seeds drive a real log on a simulated disk, and a plain list of
//! what was appended says what must be there.
//!
//! Each seed is one life of one log: appends of all sizes, commits, reads, truncations, cuts, closes,
//! kills, power cuts, a full disk, failing operations. After every recovery everything acknowledged is
//! there unchanged, nothing else is, offsets have no gaps, log time and source progress are exactly those
//! of the records that are left. The log never refuses what an honest disk left behind.
//!
//! `SENTINEL_SIMULATION_SEEDS=N` runs N seeds instead of a few, `SENTINEL_SIMULATION_SEED=n` one of them
//! and tells its steps.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "dice are thrown in u64 and used as small numbers of any kind"
)]

mod damage;
mod life;
mod oracle;

use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use sentinel_domain::{Instant, LogId, Offset};

use crate::disk::simulated::SimulatedDisk;
use crate::disk::{Disk, PlantedBug};
use crate::{Commits, Durability, EmbeddedOptions, EventLog, Payloads};
use life::{Life, Tally};

/// Lives in the suite, some ten seconds.
const SEEDS: u64 = 5_000;
/// A planted mistake must show within so many lives.
const SEEDS_PLANTED: u64 = 4_000;

fn number_in(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable}={text} is not a number")),
    )
}

/// Lives one life; `Err` tells what was broken and how it came to that.
fn live(seed: u64, planted: Option<PlantedBug>) -> Result<Tally, String> {
    let mut life = Life::new(seed, planted);
    let lived = catch_unwind(AssertUnwindSafe(|| life.live()));
    let broken = match lived {
        Ok(Ok(())) => return Ok(life.tally),
        Ok(Err(broken)) => broken,
        Err(panic) => match panic.downcast_ref::<String>() {
            Some(text) => format!("a panic: {text}"),
            None => "a panic".to_owned(),
        },
    };
    let mut told = format!("{broken}\nafter:\n");
    for step in &life.steps {
        let _ = writeln!(told, "  {step}");
    }
    Err(told)
}

#[test]
fn whatever_the_disk_does_nothing_acknowledged_is_lost_and_nothing_else_is_there() {
    if let Some(seed) = number_in("SENTINEL_SIMULATION_SEED") {
        let told = live(seed, None);
        assert!(told.is_ok(), "seed {seed}: {}", told.unwrap_err());
        return;
    }
    let seeds = number_in("SENTINEL_SIMULATION_SEEDS").unwrap_or(SEEDS);
    let mut all = Tally::default();
    for seed in 0..seeds {
        match live(seed, None) {
            Ok(tally) => all.add(&tally),
            Err(told) => panic!(
                "seed {seed}: {told}replay it: SENTINEL_SIMULATION_SEED={seed} \
                 cargo test -p sentinel-eventlog --lib simulation::whatever"
            ),
        }
    }
    println!("{seeds} lives: {all:?}");
    assert!(
        all.reached_everything(),
        "something was never tried: {all:?}"
    );
}

#[test]
fn one_seed_is_one_run() {
    for seed in 0..20 {
        let told = || {
            let mut life = Life::new(seed, None);
            life.live().unwrap();
            (life.steps, life.tally)
        };
        assert_eq!(told(), told());
    }
}

/// The first seed that notices a mistake.
fn caught(bug: PlantedBug) -> u64 {
    let mut seeds = 0..SEEDS_PLANTED;
    let found = seeds.find(|seed| live(*seed, Some(bug)).is_err());
    let seed = found.unwrap_or_else(|| panic!("no seed notices {bug:?}"));
    println!("{bug:?} is noticed by seed {seed}");
    seed
}

#[test]
fn a_skipped_sync_of_the_file_is_caught() {
    caught(PlantedBug::SkipFileSync);
}

#[test]
fn a_skipped_sync_of_the_directory_is_caught() {
    caught(PlantedBug::SkipDirectorySync);
}

#[test]
fn a_torn_tail_that_is_not_cut_is_caught() {
    caught(PlantedBug::LeaveTornTail);
}

#[test]
fn an_acknowledgement_before_the_sync_is_caught() {
    caught(PlantedBug::AcknowledgeBeforeSync);
}

#[test]
fn a_tail_that_a_failed_sync_left_in_memory_and_is_trusted_is_caught() {
    caught(PlantedBug::TrustUnsyncedTail);
}

/// Whoever syncs another log on the same disk must not find half a minute's writing in front of it.
#[test]
fn a_log_without_sync_never_has_much_that_a_power_cut_takes() {
    let options = EmbeddedOptions {
        durability: Durability::Never,
        commits: Commits::ByCaller,
        ..EmbeddedOptions::new(LogId([1; 16]))
    };
    for seed in 0..20 {
        let disk = SimulatedDisk::new(seed);
        let on = Disk::Simulated(disk.clone());
        let open = || EventLog::open_on(&on, Path::new("log"), options.clone()).unwrap();
        let (log, _) = open();
        for _ in 0..100 {
            let mut payloads = Payloads::default();
            payloads.push(&[7; 64 * 1024]);
            log.append(Instant::default(), None, &payloads).unwrap();
            log.commit_queued().unwrap();
        }
        disk.crash(seed);
        drop(log);
        let (log, _) = open();
        // Of 6.25 MiB one is not synced, and the frame that would have filled it.
        assert!(log.end() >= Offset(100 - 17), "seed {seed}: {}", log.end());
    }
}
