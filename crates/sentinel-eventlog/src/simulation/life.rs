//! One life of one log: what happens to it, step by step, as the dice of a seed say.

use std::path::Path;

use sentinel_domain::{Instant, LogId, Offset};

use super::oracle::{Oracle, SOURCES};
use crate::disk::simulated::{Dice, Fault, SimulatedDisk};
use crate::disk::{Disk, PlantedBug};
use crate::error::LogError;
use crate::event_log::{Commits, Durability, EmbeddedOptions, EventLog};
use crate::payloads::{Payloads, SourceProgress};

const DIRECTORY: &str = "data/log";
const STEPS: u64 = 120;
/// An open that meets faults is tried again; without faults it has to succeed.
const OPENS_MAX: u32 = 6;

/// What happened, to show that everything did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    pub records: u64,
    pub reopened: u64,
    pub killed: u64,
    pub power_cuts: u64,
    pub torn: u64,
    pub failed: u64,
    pub failed_opens: u64,
    pub disk_full: u64,
    pub cuts: u64,
    pub truncations: u64,
    pub lost_unacknowledged: u64,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.all_mut().into_iter().zip(other.clone().all_mut()) {
            *mine += *theirs;
        }
    }

    pub(super) fn reached_everything(mut self) -> bool {
        self.all_mut().into_iter().all(|count| *count > 0)
    }

    fn all_mut(&mut self) -> [&mut u64; 11] {
        let Self {
            records,
            reopened,
            killed,
            power_cuts,
            torn,
            failed,
            failed_opens,
            disk_full,
            cuts,
            truncations,
            lost_unacknowledged,
        } = self;
        [
            records,
            reopened,
            killed,
            power_cuts,
            torn,
            failed,
            failed_opens,
            disk_full,
            cuts,
            truncations,
            lost_unacknowledged,
        ]
    }
}

/// A log with its disk and what is known of it.
pub(super) struct Life {
    dice: Dice,
    disk: SimulatedDisk,
    options: EmbeddedOptions,
    log: Option<EventLog>,
    oracle: Oracle,
    /// A cut that failed took back its promise for what lies behind.
    promised_most: u64,
    now: i64,
    serial: u64,
    pub steps: Vec<String>,
    pub tally: Tally,
}

impl Life {
    pub(super) fn new(seed: u64, planted: Option<PlantedBug>) -> Self {
        let mut dice = Dice::new(seed);
        let disk = SimulatedDisk::new(dice.roll());
        if let Some(bug) = planted {
            disk.plant(bug);
        }
        let options = EmbeddedOptions {
            segment_bytes_max: [300, 1_500, 6_000, 60_000][dice.below(4) as usize],
            pending_bytes_max: [200, 5_000, 1 << 20][dice.below(3) as usize],
            durability: match dice.below(5) {
                0 => Durability::Never,
                _ => Durability::Always,
            },
            commits: Commits::ByCaller,
            // Without a reserve the disk fills in the middle of a write, which must lose nothing either.
            free_bytes_min: [Some(0), Some(1_000), Some(20_000)][dice.below(3) as usize],
            ..EmbeddedOptions::new(LogId([5; 16]))
        };
        Self {
            dice,
            disk,
            options,
            log: None,
            oracle: Oracle::default(),
            promised_most: u64::MAX,
            now: 1_000_000,
            serial: 0,
            steps: Vec::new(),
            tally: Tally::default(),
        }
    }

    pub(super) fn live(&mut self) -> Result<(), String> {
        self.open(false)?;
        for _ in 0..STEPS {
            let step = self.dice.below(100);
            match step {
                0..45 => self.append()?,
                45..60 => self.commit()?,
                60..72 => self.read()?,
                72..76 => self.truncate()?,
                76..80 => self.cut()?,
                80..84 => self.close()?,
                84..88 => self.kill()?,
                88..92 => self.power_cut()?,
                92..97 => self.plan_fault(),
                _ => self.change_capacity(),
            }
            self.acknowledge();
        }
        self.kill()
    }

    fn tell(&mut self, step: impl Into<String>) {
        let operations = self.disk.operations();
        self.steps.push(format!("{operations}: {}", step.into()));
    }

    fn log(&self) -> EventLog {
        self.log.clone().expect("a log is open between two steps")
    }

    /// What can be read is promised.
    fn acknowledge(&mut self) {
        let end = self.log().end().0.min(self.promised_most);
        self.oracle.acknowledged = self.oracle.acknowledged.max(end);
        if self.options.durability == Durability::Always {
            self.oracle.durable = self.oracle.durable.max(end);
        }
    }

    fn payloads(&mut self) -> Payloads {
        let mut payloads = Payloads::default();
        let many = self.dice.chance(1, 300);
        let count = if many { 5_000 } else { self.dice.below(5) };
        for _ in 0..count {
            let bytes = match self.dice.below(10) {
                _ if many => 8,
                0 => 0,
                1..7 => 8 + self.dice.below(60),
                7 | 8 => 100 + self.dice.below(2_000),
                _ => self.options.segment_bytes_max + self.dice.below(3_000),
            };
            self.serial += 1;
            let mut payload = self.serial.to_le_bytes().to_vec();
            let mut filler = Dice::new(self.serial);
            payload.resize_with(bytes as usize, || filler.roll() as u8);
            if self.dice.chance(1, 8) {
                let time = Instant::from_micros(self.now + self.dice.below(90) as i64 - 30);
                payloads.push_at(time, |out| out.extend_from_slice(&payload));
            } else {
                payloads.push(&payload);
            }
        }
        payloads
    }

    fn append(&mut self) -> Result<(), String> {
        self.now += self.dice.below(40) as i64 - 10;
        let payloads = self.payloads();
        let source = self.dice.below(SOURCES + 1);
        let source = (source > 0).then(|| SourceProgress {
            source,
            next: self.oracle.source_next(source) + payloads.len() as u64,
        });
        let (count, bytes) = (payloads.len(), payloads.bytes_len());
        self.tell(format!(
            "append {count} records of {bytes} bytes, {source:?}"
        ));
        let now = Instant::from_micros(self.now);
        match self.log().append(now, source, &payloads) {
            Ok(first) if first.0 == self.oracle.end() => {
                self.oracle.append(now, source, &payloads);
                self.tally.records += count as u64;
                self.oracle.check(&self.log())
            }
            Ok(first) => Err(format!(
                "appended at {first}, expected {}",
                self.oracle.end()
            )),
            Err(LogError::DiskFull {
                free_bytes,
                needed_bytes,
            }) => {
                self.tally.disk_full += 1;
                self.refused_for_room(free_bytes, needed_bytes)
            }
            Err(error) => self.failed("append", &error),
        }
    }

    /// A refusal is told only where room is short, changes nothing, and ends when there is room.
    fn refused_for_room(&mut self, free_bytes: u64, needed_bytes: u64) -> Result<(), String> {
        self.tell(format!(
            "refused: {free_bytes} of {needed_bytes} bytes are free"
        ));
        let reserve = self.options.free_bytes_min.unwrap_or(u64::MAX);
        if reserve == 0 || free_bytes >= needed_bytes || needed_bytes < reserve {
            return Err(format!(
                "refused with {free_bytes} bytes free, {needed_bytes} needed, reserve {reserve}"
            ));
        }
        let log = self.log();
        self.oracle.check(&log)?;
        if self.dice.chance(1, 2) {
            return Ok(());
        }
        self.disk.set_capacity_bytes(u64::MAX);
        let mut payloads = Payloads::default();
        payloads.push(b"there is room again");
        match log.append(Instant::from_micros(self.now), None, &payloads) {
            Ok(_) => {
                let now = Instant::from_micros(self.now);
                self.oracle.append(now, None, &payloads);
                self.oracle.check(&log)
            }
            Err(error) => self.failed("append with room again", &error),
        }
    }

    fn commit(&mut self) -> Result<(), String> {
        let flush = self.dice.chance(1, 2);
        self.tell(if flush { "flush" } else { "commit" });
        let log = self.log();
        let done = if flush {
            log.flush()
        } else {
            log.commit_queued()
        };
        match done {
            Ok(()) if log.end().0 == self.oracle.end() => Ok(()),
            Ok(()) => Err("not everything was committed".to_owned()),
            Err(error) => self.failed("commit", &error),
        }
    }

    fn read(&mut self) -> Result<(), String> {
        let log = self.log();
        let (start, end) = (log.start().0, log.end().0);
        let from = start + self.dice.below(end - start + 1);
        let count = 1 + self.dice.below(20);
        self.tell(format!("read {count} from {from}"));
        // A read may meet a planned fault, so only what it gives is judged.
        match self.oracle.check_records(&log, from, count) {
            Err(told) if !told.contains("read segment") && !told.contains("measure") => Err(told),
            _ => Ok(()),
        }
    }

    fn truncate(&mut self) -> Result<(), String> {
        let log = self.log();
        let offset = self.dice.below(log.end().0 + 1);
        self.tell(format!("truncate before {offset}"));
        self.oracle.start_most = self.oracle.start_most.max(offset);
        match log.truncate_before(Offset(offset)) {
            Ok(()) => {
                self.tally.truncations += u64::from(log.start().0 > self.oracle.start_least);
                self.oracle.start_least = log.start().0;
                Ok(())
            }
            Err(error) => self.failed("truncate", &error),
        }
    }

    fn cut(&mut self) -> Result<(), String> {
        let log = self.log();
        let back = self.dice.below(12).min(self.oracle.end());
        let end = self.oracle.end() - back;
        self.tell(format!("cut at {end}"));
        match log.cut(Offset(end)) {
            Ok(()) => {
                self.tally.cuts += u64::from(back > 0);
                self.oracle.cut(end);
                self.oracle.check(&log)
            }
            Err(LogError::BeforeStart { .. }) if end < log.start().0 => Ok(()),
            Err(error) => {
                self.oracle.acknowledged = self.oracle.acknowledged.min(end);
                self.oracle.durable = self.oracle.durable.min(end);
                self.promised_most = end;
                self.failed("cut", &error)
            }
        }
    }

    fn close(&mut self) -> Result<(), String> {
        self.tell("close");
        let log = self.log();
        match log.close() {
            Ok(()) => {
                self.oracle.acknowledged = self.oracle.end();
                self.oracle.durable = self.oracle.end();
                self.tally.reopened += 1;
                self.log = None;
                self.open(false)
            }
            Err(error) => self.failed("close", &error),
        }
    }

    /// Something did not work: the process ends, perhaps with the machine.
    fn failed(&mut self, what: &str, error: &LogError) -> Result<(), String> {
        self.tell(format!("{what} failed: {}", error.one_line()));
        self.acknowledge();
        match error {
            LogError::Io { .. } | LogError::Poisoned { .. } => {}
            other => return Err(format!("{what}: {}", other.one_line())),
        }
        self.tally.failed += 1;
        if self.disk.powered() && self.dice.chance(1, 2) {
            self.kill()
        } else {
            self.power_cut()
        }
    }

    fn kill(&mut self) -> Result<(), String> {
        if !self.disk.powered() {
            return self.power_cut();
        }
        self.tell("kill");
        self.acknowledge();
        self.tally.killed += 1;
        self.disk.kill();
        self.log = None;
        self.open(false)
    }

    fn power_cut(&mut self) -> Result<(), String> {
        self.tell("power cut");
        self.acknowledge();
        self.cut_power();
        self.log = None;
        self.open(true)
    }

    fn cut_power(&mut self) {
        self.tally.power_cuts += 1;
        self.disk.crash(self.dice.roll());
    }

    fn plan_fault(&mut self) {
        let at = self.disk.operations() + 1 + self.dice.below(15);
        let fault = Fault::any(&mut self.dice);
        self.tell(format!("{fault:?} at operation {at}"));
        self.disk.fault_at(at, fault);
    }

    fn change_capacity(&mut self) {
        let more = self.dice.below(6_000);
        let bytes = match self.dice.below(3) {
            0 => u64::MAX,
            _ => self.disk.used_bytes() + more,
        };
        self.tell(format!("capacity {bytes} bytes"));
        self.disk.set_capacity_bytes(bytes);
    }

    /// Opens the log, again and again while faults are in the way, and holds it against the oracle.
    fn open(&mut self, mut power_was_cut: bool) -> Result<(), String> {
        for attempt in 0..OPENS_MAX {
            if attempt + 2 >= OPENS_MAX {
                self.disk.clear_faults();
                self.disk.set_capacity_bytes(u64::MAX);
            } else if self.dice.chance(1, 5) {
                self.plan_fault();
            }
            self.tell("open");
            let disk = Disk::Simulated(self.disk.clone());
            match EventLog::open_on(&disk, Path::new(DIRECTORY), self.options.clone()) {
                Ok((log, report)) => {
                    self.tally.torn += u64::from(report.torn.is_some());
                    // Whatever was planned shall not hit the comparison.
                    self.disk.clear_faults();
                    let must_stay = match power_was_cut {
                        true => self.oracle.durable,
                        false => self.oracle.acknowledged,
                    };
                    self.tally.lost_unacknowledged +=
                        self.oracle.end() - log.end().0.min(self.oracle.end());
                    self.oracle.recovered(&log, must_stay)?;
                    self.promised_most = u64::MAX;
                    self.log = Some(log);
                    return Ok(());
                }
                Err(error @ LogError::Io { .. }) => {
                    self.tell(format!("open failed: {}", error.one_line()));
                    self.tally.failed_opens += 1;
                    if !self.disk.powered() || self.dice.chance(1, 4) {
                        self.tell("power cut");
                        self.cut_power();
                        power_was_cut = true;
                    } else {
                        self.disk.kill();
                    }
                }
                Err(error) => return Err(format!("open: {}", error.one_line())),
            }
        }
        Err("the log does not open although nothing is in the way".to_owned())
    }
}
