//! Starts of a process, again and again while something is in the way.

use std::sync::Arc;

use sentinel_domain::Instant;
use sentinel_eventlog::{EventLog, Payloads};

use super::{Life, decisions_path};
use crate::planted;
use crate::recorded::RecordedLogs;
use crate::simulation::oracle::Said;
use crate::simulation::process::{Beginning, Ground, Process, Stop, stop_of};
use crate::snapshot::SnapshotError;

/// Faults are in the way of so many starts at most; poison of some more.
const FAULTY_STARTS_MAX: u32 = 3;
const STARTS_MAX: u32 = 30;

impl<'r> Life<'r> {
    pub(super) fn ground(&self) -> Ground<'r> {
        Ground {
            disk: self.disk.clone(),
            options: self.options.clone(),
            decisions: decisions_path(self.decisions),
            folder: self.folder.path().to_owned(),
            retention: self.retention,
            store: self.store.store().clone(),
            runtime: self.runtime,
            statistics: Arc::clone(&self.statistics),
            poison: self.poison.clone(),
            now: Instant::from_micros(self.now),
            is_short: self.is_short,
        }
    }

    pub(super) fn begin(&mut self) -> Result<(), String> {
        for start in 0..STARTS_MAX {
            if start >= FAULTY_STARTS_MAX {
                self.disk.clear_faults();
                self.make_room();
            } else if self.dice.chance(1, 6) {
                self.plan_fault();
            }
            self.tell("start");
            match self.try_begin() {
                Ok(process) => {
                    self.process = Some(process);
                    self.tally.starts += 1;
                    self.acknowledge();
                    return self.check();
                }
                Err(Stop::Broken(what)) => return Err(what),
                Err(Stop::Panicked) => {
                    self.tell("the owner panicked");
                    self.tally.panics += 1;
                    self.disk.kill();
                }
                Err(Stop::Disk(what)) => {
                    self.tell(what);
                    self.tally.failed_starts += 1;
                    if self.is_short && self.dice.chance(2, 3) {
                        self.make_room();
                    }
                    if !self.disk.powered() || self.dice.chance(1, 4) {
                        self.tell("power cut");
                        self.cut_power();
                    } else {
                        self.disk.kill();
                    }
                }
            }
        }
        Err("it does not start although nothing is in the way".into())
    }

    fn try_begin(&mut self) -> Result<Process, Stop> {
        let ground = self.ground();
        let transactions = ground.transactions()?;
        self.recovered(&transactions)?;
        let logs = RecordedLogs::new(transactions, ground.decisions()?);
        let logs = logs.with_snapshots(&self.snapshots());
        if logs.first_kept().0 > self.first_kept {
            let first = logs.first_kept();
            return Err(Stop::Broken(format!("LOST: the logs begin at {first}")));
        }
        let follower = self.skipping(&logs, &ground)?;
        let ground = self.ground();
        let beginning = Beginning {
            with_snapshots: self.dice.chance(5, 6),
            on_two_threads: self.dice.chance(1, 3),
        };
        let state = if beginning.with_snapshots || logs.first_kept().0 > 0 {
            self.state(&logs, &follower, &ground)?
        } else {
            self.tell("from the start of the log");
            let log = &logs.transactions;
            crate::PartitionState::new(log.log_id(), log.partition())
        };
        self.first_contents(&logs)?;
        let begun = ground.begin(logs.clone(), follower, state, (beginning, &mut self.told));
        if matches!(begun, Err(Stop::Panicked)) && self.dice.chance(3, 4) {
            // As the log's own thread would most often have done; a failure ends what has ended.
            let _ = logs.decisions.commit_queued();
        }
        begun
    }

    /// Holds what the log recovered against what was appended; nothing planned shall hit the comparison.
    fn recovered(&mut self, transactions: &EventLog) -> Result<(), Stop> {
        self.disk.clear_faults();
        let lost = self.oracle.recovered(transactions).map_err(Stop::Broken)?;
        self.tally.lost_unacknowledged += lost;
        let end = self.oracle.end();
        self.poison.keep_before(end);
        let poison = self.poison.get();
        if poison.is_some_and(|poison| self.oracle.is_skipped(poison)) {
            self.poison.clear();
        }
        if self.dice.chance(1, 8) {
            self.plan_fault();
        }
        Ok(())
    }

    /// The follower, after the entry that stopped the last owners was skipped where it had to be.
    fn skipping(
        &mut self,
        logs: &RecordedLogs,
        ground: &Ground<'_>,
    ) -> Result<crate::follow::Follower, Stop> {
        let taken = ground.take_over(logs);
        if logs.transactions.appended_end().0 > self.oracle.end() {
            // It stays one until its skip is known to be on the disk: one that is lost is written again.
            let Some(poison) = self.poison.get() else {
                return Err(Stop::Broken(
                    "an entry was skipped that is no poison".into(),
                ));
            };
            self.tell(format!("entry {poison} is skipped"));
            self.tally.skips += 1;
            self.oracle.append(ground.now, Said::Skip(poison));
            if taken.is_ok() {
                self.poison.clear();
            }
        }
        taken
    }

    fn state(
        &mut self,
        logs: &RecordedLogs,
        follower: &crate::follow::Follower,
        ground: &Ground<'_>,
    ) -> Result<crate::PartitionState, Stop> {
        let (mut damaged, mut unfit) = (0, 0);
        let state = ground.state(logs, follower, &mut |error| match error {
            SnapshotError::Damaged { .. } => damaged += 1,
            _ => unfit += 1,
        })?;
        let next = state.next().0;
        self.tell(format!(
            "from a snapshot of {next}, {damaged} damaged, {unfit} do not fit"
        ));
        self.tally.snapshots_used += u64::from(next > 0);
        self.tally.snapshots_damaged += damaged;
        self.tally.snapshots_unfit += unfit;
        if damaged > self.damaged {
            return Err(Stop::Broken(
                "a snapshot is damaged that nobody damaged".into(),
            ));
        }
        self.damaged -= damaged;
        Ok(state)
    }

    /// An empty log begins with what is decided with.
    fn first_contents(&mut self, logs: &RecordedLogs) -> Result<(), Stop> {
        let log = &logs.transactions;
        if log.appended_end().0 > 0 {
            return Ok(());
        }
        let now = Instant::from_micros(self.now);
        planted::set_wall(now);
        let contents = self.world.first_contents(now);
        let mut payloads = Payloads::default();
        contents
            .iter()
            .for_each(|one| payloads.push(&one.payload()));
        let appended = log.append(now, None, &payloads);
        appended.map_err(|error| stop_of("append the first contents", &error))?;
        let all = contents.into_iter();
        all.for_each(|one| self.oracle.append(now, one));
        let flushed = log.flush();
        flushed.map_err(|error| stop_of("flush the first contents", &error))
    }
}
