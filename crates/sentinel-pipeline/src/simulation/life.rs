//! One life of one data directory: what happens to it, step by step, as the dice of a seed say.

mod check;
mod harm;
mod start;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sentinel_delivery::{Inbox, Sink};
use sentinel_domain::{Instant, LogId};
use sentinel_eventlog::disk::simulated::{Dice, SimulatedDisk};
use sentinel_eventlog::{EmbeddedOptions, LogError, Payloads};
use tokio::runtime::Runtime;

use super::Planted;
use super::contents;
use super::oracle::{Oracle, Said};
use super::process::{Poison, Process, Stop, Told, options, stop_of};
use super::store_disk::StoreDisk;
use super::tally::Tally;
use super::world::World;
use crate::deliver;
use crate::planted::{self, Mistake};
use crate::retention::Retention;
use crate::snapshot::{SnapshotError, SnapshotFolder};
use crate::statistics::Statistics;

const STEPS: u64 = 60;
/// The last second that has four digits of a year.
const LAST_SECOND: i64 = 253_402_300_799;
/// Entries of a crowded life, about.
const CROWD_ENTRIES: u64 = 600;
const SECOND_US: i64 = 1_000_000;
const HOUR_US: i64 = 3_600 * SECOND_US;
const YEAR_US: i64 = 365 * 24 * HOUR_US;

/// A data directory with its process, and what is known of both.
pub(super) struct Life<'r> {
    dice: Dice,
    runtime: &'r Runtime,
    disk: SimulatedDisk,
    options: EmbeddedOptions,
    /// How often the decision log was set aside.
    decisions: u32,
    folder: tempfile::TempDir,
    store: StoreDisk,
    sink: Sink,
    inbox: Inbox,
    statistics: Arc<Statistics>,
    world: World,
    oracle: Oracle,
    told: Told,
    process: Option<Process>,
    /// The appender's clock.
    now: i64,
    is_frozen: bool,
    poison: Poison,
    /// The disk has a bound.
    is_short: bool,
    /// Snapshots that were damaged on purpose.
    damaged: u64,
    /// How much of the logs is kept.
    retention: Retention,
    /// No log begins behind it: what came before may be gone.
    first_kept: u64,
    /// Entries come in hundreds, so that runs, batches and sweeps are full.
    is_crowded: bool,
    pub steps: Vec<String>,
    pub tally: Tally,
}

impl<'r> Life<'r> {
    pub fn new(seed: u64, planted: Option<Planted>, runtime: &'r Runtime) -> Self {
        contents::keep_sets();
        let mut dice = Dice::new(seed);
        let disk = SimulatedDisk::new(dice.roll());
        planted::plant(None);
        match planted {
            Some(Planted::InLog(bug)) => disk.plant(bug),
            Some(Planted::InEngine(mistake)) => planted::plant(Some(mistake)),
            None => {}
        }
        let retention = match dice.below(6) {
            0 => Retention {
                age_us: dice.chance(1, 3).then_some(HOUR_US),
                bytes_max: Some(dice.below(20_000)),
            },
            _ => Retention::default(),
        };
        let segment_bytes_max = match retention.is_everything() {
            true => [3_000, 20_000, 1 << 20][below(&mut dice, 3)],
            false => [1_500, 3_000][below(&mut dice, 2)],
        };
        let options = EmbeddedOptions {
            segment_bytes_max,
            free_bytes_min: [Some(0), Some(2_000), Some(30_000)][below(&mut dice, 3)],
            ..options(LogId([7; 16]))
        };
        let is_crowded = dice.chance(1, 60);
        let folder = super::folder();
        let (sink, inbox) = Sink::memory();
        let store = StoreDisk::new(folder.path(), runtime);
        let world = World::new(dice.split());
        Self {
            dice,
            runtime,
            disk,
            options,
            decisions: 1,
            folder,
            store,
            sink,
            inbox,
            statistics: Arc::default(),
            world,
            oracle: Oracle::default(),
            told: Told::default(),
            process: None,
            now: 1_767_614_400 * SECOND_US,
            is_frozen: false,
            poison: Poison::default(),
            is_short: false,
            damaged: 0,
            retention,
            first_kept: 0,
            is_crowded,
            steps: Vec::new(),
            tally: Tally {
                crowds: u64::from(is_crowded),
                ..Tally::default()
            },
        }
    }

    pub fn live(&mut self) -> Result<(), String> {
        self.begin()?;
        for _ in 0..STEPS {
            let kinds = match self.retention.is_everything() {
                true => 100,
                false => 116,
            };
            match self.dice.below(kinds) {
                0..36 => self.append()?,
                36..46 => self.commit()?,
                46..60 => self.work()?,
                60..69 => self.follow()?,
                69..76 => self.commit_decisions()?,
                76..81 => self.snapshot()?,
                81..83 => self.stop()?,
                83..86 => self.kill()?,
                86..90 => self.power_cut()?,
                90..93 => self.plan_fault(),
                93..95 => self.change_capacity(),
                95 => self.damage_snapshot(),
                96 => self.lose_decisions()?,
                97 => self.usurp()?,
                100.. => self.retain()?,
                _ => self.change_clock(),
            }
            self.acknowledge();
            if let Some(contradiction) = self.told.contradiction.take() {
                return Err(contradiction);
            }
        }
        self.finish()
    }

    /// Every entry with what must become of it.
    pub fn log(&self) -> Vec<String> {
        let outcomes = self.oracle.outcomes(&self.told.filled);
        let all = (0..).zip(self.oracle.list.iter().zip(outcomes));
        all.map(|(at, (entry, outcome)): (u64, _)| {
            format!("{at} {} {}: {outcome:?}", entry.log_time, entry.said)
        })
        .collect()
    }

    /// Ends the use of what is no memory of its own.
    pub fn close(&mut self) {
        self.process = None;
        self.store.close(self.runtime);
    }

    fn tell(&mut self, step: impl Into<String>) {
        let operations = self.disk.operations();
        self.steps.push(format!("{operations}: {}", step.into()));
    }

    fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("a process runs between steps")
    }

    /// What can be read of the transaction log was acknowledged.
    fn acknowledge(&mut self) {
        if let Some(process) = &self.process {
            let end = process.logs.transactions.end().0;
            self.oracle.acknowledged = self.oracle.acknowledged.max(end);
        }
    }

    /// The appender's clock goes on, unless it is frozen.
    fn tick(&mut self) -> Instant {
        if !self.is_frozen {
            self.now += i64::try_from(self.dice.below(8_000_000)).unwrap();
        }
        let now = Instant::from_micros(self.now);
        planted::set_wall(now);
        now
    }

    fn append(&mut self) -> Result<(), String> {
        let now = self.tick();
        let count = match self.is_crowded && self.oracle.end() < CROWD_ENTRIES {
            true => 1 + self.dice.below(150),
            false => 1 + self.dice.below(5),
        };
        let (mut payloads, mut said) = (Payloads::default(), Vec::new());
        for _ in 0..count {
            let one = self.world.next(now, &self.oracle.list);
            payloads.push(&one.payload());
            said.push(one);
        }
        self.append_said(now, said, &payloads)
    }

    fn append_said(
        &mut self,
        now: Instant,
        said: Vec<Said>,
        payloads: &Payloads,
    ) -> Result<(), String> {
        let first = self.oracle.end();
        self.tell(format!("append {} entries at {first}", said.len()));
        let log = self.process().logs.transactions.clone();
        match log.append(now, None, payloads) {
            Ok(offset) if offset.0 == first => {
                let count = said.len() as u64;
                said.into_iter()
                    .for_each(|one| self.oracle.append(now, one));
                self.tally.entries += count;
                if !self.poison.is_set() && self.dice.chance(1, 40) {
                    let poison = first + self.dice.below(count);
                    self.tell(format!("entry {poison} is poison"));
                    self.poison.set(poison);
                }
                Ok(())
            }
            Ok(offset) => Err(format!("appended at {offset}, expected {first}")),
            Err(LogError::DiskFull { .. }) => {
                self.tally.disk_full += 1;
                if self.dice.chance(1, 2) {
                    self.make_room();
                }
                Ok(())
            }
            Err(error) => self.fell(stop_of("append", &error)),
        }
    }

    fn commit(&mut self) -> Result<(), String> {
        self.tell("commit");
        let log = self.process().logs.transactions.clone();
        match log.commit_queued() {
            Ok(()) => Ok(()),
            Err(error) => self.fell(stop_of("commit", &error)),
        }
    }

    fn work(&mut self) -> Result<(), String> {
        if self.dice.chance(1, 2) {
            self.commit()?;
        }
        self.tell("work");
        let is_short = self.is_short;
        let process = self.process.as_mut().expect("a process runs");
        process.set_short(is_short);
        let worked = process.work(&mut self.told);
        worked.map(drop).or_else(|stop| self.fell(stop))
    }

    fn follow(&mut self) -> Result<(), String> {
        self.tell("follow");
        let runtime = self.runtime;
        let followed = self.process().follow(runtime);
        if let Err(stop) = followed {
            return self.fell(stop);
        }
        if self.dice.chance(1, 3) {
            self.store.keep();
        }
        if self.dice.chance(1, 3) {
            self.deliver()?;
        }
        Ok(())
    }

    /// Delivers, or is refused.
    fn deliver(&mut self) -> Result<bool, String> {
        if self.dice.chance(1, 10) {
            self.tell("the sink refuses once");
            self.inbox.refuse(1);
            self.tally.sink_refusals += 1;
        }
        self.deliver_due()
    }

    fn deliver_due(&mut self) -> Result<bool, String> {
        let now = Instant::from_micros(self.now);
        let delivered = deliver::step(self.store.store(), &self.sink, now);
        let delivered = self.runtime.block_on(delivered);
        delivered.map_err(|error| format!("deliver: {error}"))
    }

    fn commit_decisions(&mut self) -> Result<(), String> {
        self.tell("commit decisions");
        let log = self.process().logs.decisions.clone();
        match log.commit_queued() {
            Ok(()) => Ok(()),
            Err(error) => self.fell(stop_of("commit decisions", &error)),
        }
    }

    fn snapshot(&mut self) -> Result<(), String> {
        let leave = self.dice.chance(1, 8);
        self.tell("make a snapshot");
        let folder = self.ground().snapshots();
        let ago = match self.dice.chance(1, 3) {
            true => self.dice.below(20),
            false => 0,
        };
        if self.process().is_uncompared() {
            return self.compare(&folder);
        }
        let room = self
            .dice
            .chance(1, 6)
            .then(|| below(&mut self.dice, 20_000));
        planted::set_room(room);
        let made = self.process().snapshot(&folder, (ago, leave));
        planted::set_room(None);
        match made {
            Ok(made) => {
                self.tally.snapshots += u64::from(made);
                Ok(())
            }
            Err(SnapshotError::Stopped | SnapshotError::Backfill(_)) if leave => Ok(()),
            Err(SnapshotError::Io { .. }) if room.is_some() => {
                self.tell("the disk has no room for it");
                self.tally.snapshots_cut_short += 1;
                Ok(())
            }
            Err(error) => self.fell(stop_of("make a snapshot", &error)),
        }
    }

    /// The second owner compares what the start has left to it, and writes what that gives as a snapshot.
    fn compare(&mut self, folder: &SnapshotFolder) -> Result<(), String> {
        let leave = self.dice.chance(1, 8);
        self.tell("compare behind the door");
        match self.process().compare(folder, leave) {
            Ok(compared) => {
                self.tally.compared_behind += u64::from(compared);
                Ok(())
            }
            Err(stop) => self.fell(stop),
        }
    }

    /// A clean stop: everything is decided, followed and closed.
    fn stop(&mut self) -> Result<(), String> {
        self.tell("stop");
        match self.drained() {
            Ok(()) => {
                self.tally.stops += 1;
                self.acknowledge();
                self.process = None;
                self.begin()
            }
            Err(stop) => self.fell(stop),
        }
    }

    fn drained(&mut self) -> Result<(), Stop> {
        let (runtime, is_short) = (self.runtime, self.is_short);
        let with_snapshot = self.dice.chance(1, 2);
        let folder = self.ground().snapshots();
        let Self { process, told, .. } = self;
        let process = process.as_mut().expect("a process runs");
        let fault = |what| move |error: LogError| stop_of(what, &error);
        process.set_short(is_short);
        process.logs.transactions.flush().map_err(fault("flush"))?;
        process.catch_up(told)?;
        process.logs.decisions.flush().map_err(fault("flush"))?;
        while process.follow(runtime)? {}
        process
            .worker
            .end()
            .map_err(|error| stop_of("end", &error))?;
        if with_snapshot && !process.is_uncompared() {
            process
                .logs
                .decisions
                .sync()
                .map_err(fault("sync decisions"))?;
            let written = folder.write(process.worker.state(), &process.logs.transactions);
            written.map_err(|error| stop_of("write a snapshot", &error))?;
        }
        process.logs.transactions.close().map_err(fault("close"))?;
        process.logs.decisions.close().map_err(fault("close"))
    }

    /// Something did not work: the process ends, perhaps with the machine.
    fn fell(&mut self, stop: Stop) -> Result<(), String> {
        match stop {
            Stop::Broken(what) => Err(what),
            Stop::Panicked => {
                self.panicked();
                self.kill()
            }
            Stop::Disk(what) => {
                self.tell(what);
                self.tally.failures += 1;
                if self.disk.powered() && self.dice.chance(1, 2) {
                    self.kill()
                } else {
                    self.power_cut()
                }
            }
        }
    }

    /// The owner panicked: the log's own thread would most often have written what was recorded before.
    fn panicked(&mut self) {
        self.tell("the owner panicked");
        self.tally.panics += 1;
        if let Some(process) = &self.process
            && self.dice.chance(3, 4)
        {
            // A failure ends the process, which has ended.
            let _ = process.logs.decisions.commit_queued();
        }
    }

    fn kill(&mut self) -> Result<(), String> {
        if !self.disk.powered() {
            return self.power_cut();
        }
        self.tell("kill");
        self.acknowledge();
        self.tally.kills += 1;
        self.process = None;
        self.disk.kill();
        self.begin()
    }

    fn power_cut(&mut self) -> Result<(), String> {
        self.tell("power cut");
        self.cut_power();
        self.begin()
    }

    fn cut_power(&mut self) {
        self.acknowledge();
        self.process = None;
        self.tally.power_cuts += 1;
        self.disk.crash(self.dice.roll());
        if self.store.power_cut(&mut self.dice, self.runtime) {
            self.tell("the store is one of before");
            self.tally.stores_of_before += 1;
        }
        if self.dice.chance(1, 8) {
            // Its name was never forced to the disk.
            let _ = std::fs::remove_file(self.folder.path().join("attempts"));
        }
        if self.dice.chance(1, 8) {
            // What was being written.
            let name = format!("{:020}.unfinished", self.dice.below(100));
            let folder = self.snapshots();
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(name), b"SENTSNP\n").unwrap();
        }
    }

    /// A snapshot is made, and what need not be kept of the logs is dropped.
    fn retain(&mut self) -> Result<(), String> {
        self.work()?;
        self.commit_decisions()?;
        self.follow()?;
        self.snapshot()?;
        if self.process().is_uncompared() {
            return Ok(());
        }
        self.tell("drop what need not be kept");
        let folder = self.ground().snapshots();
        let decider = self.process().worker.state().active().decider().cloned();
        let Some(decider) = decider else {
            return Ok(());
        };
        let retention = self.retention.for_features(&decider.features);
        let in_store = (self.store.store().clone(), self.runtime);
        let (before, needed) = (self.process().logs.first_kept(), self.needed_from());
        let kept = self
            .process()
            .retain(&retention, &folder, (&in_store.0, in_store.1));
        let first = match kept {
            Ok(first) => first,
            Err(stop) => {
                // How far it came is not known: as far as it may go.
                self.first_kept = self.first_kept.max(needed);
                self.synced();
                return self.fell(stop);
            }
        };
        if first > before {
            self.tell(format!("the logs begin at {first}"));
            self.tally.truncations += 1;
            self.synced();
        }
        if first > before && first.0 > needed {
            return Err(format!(
                "CUT: the logs begin at {first}, {needed} is needed"
            ));
        }
        self.first_kept = self.first_kept.max(first.0);
        Ok(())
    }

    fn synced(&mut self) {
        if !planted::is(Mistake::CutUnsynced) {
            self.store.synced();
        }
    }

    /// The last entry before the second newest snapshot: a start may need it.
    fn needed_from(&self) -> u64 {
        let listed = self.ground().snapshots().list().unwrap();
        let second = listed.get(1).map_or(0, |(next, _)| next.0);
        second.saturating_sub(1)
    }

    fn snapshots(&self) -> PathBuf {
        self.folder.path().join("snapshots")
    }
}

/// A number below a bound, for a place in a list.
fn below(dice: &mut Dice, bound: u64) -> usize {
    usize::try_from(dice.below(bound)).unwrap()
}

/// Where the decision log lies that was not set aside.
fn decisions_path(serial: u32) -> PathBuf {
    Path::new("data").join(format!("decisions-{serial}"))
}
