//! What has to hold: after every start, and at the end of a life.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use sentinel_domain::{
    AlertId, CaseId, Degradation, Instant, Offset, Outcome, RejectionCode, Tier,
};
use sentinel_eventlog::{
    EventLog, OutcomeEncoder, Payloads, RecordBatch, VersionsTable, decode_outcome, outcome_body,
};
use sentinel_store::{AlertQuery, CaseQuery, Overridden};

use super::{HOUR_US, Life, below, stop_of};
use crate::PartitionState;
use crate::backfill::History;
use crate::recorded::RecordedLogs;
use crate::replay::replay_range;
use crate::simulation::oracle::{Expectation, Expected, Said};
use crate::simulation::process::{CHANNEL, Stop};
use crate::snapshot::SnapshotFolder;

/// So often a life may have to start at its end until everything is decided: poison stops three owners.
const LAST_STARTS_MAX: u32 = 12;

/// No wait between two tries is longer than an hour, and a clock that was put back by hours comes round.
const HOURS_OF_DELIVERY: u32 = 25;

impl Life<'_> {
    /// Everything recorded, told and followed so far is what the oracle says.
    pub(super) fn check(&mut self) -> Result<(), String> {
        let expected = self.oracle.outcomes(&self.told.filled);
        self.check_against(&expected)
    }

    fn check_against(&mut self, expected: &[Expected]) -> Result<(), String> {
        let logs = self.process().logs.clone();
        let followed = self.process().follower.next();
        self.disk.clear_faults();
        self.check_outcomes(&logs, expected)?;
        self.check_store(&logs, followed, expected)
    }

    fn check_outcomes(&self, logs: &RecordedLogs, expected: &[Expected]) -> Result<(), String> {
        let mut recorded: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
        let mut is_in_time = true;
        let walked = logs.decisions.walk(logs.decisions.start(), &mut |record| {
            let at = usize::try_from(record.offset.0).unwrap();
            let entry = self.oracle.list.get(at);
            is_in_time &= entry.is_none_or(|entry| entry.log_time == record.log_time);
            recorded.insert(record.offset.0, record.payload.to_vec());
        });
        walked.map_err(|(offset, error)| format!("outcome {offset} cannot be read: {error}"))?;
        if !is_in_time {
            return Err("an outcome has another time than its entry".into());
        }
        let (end, entries) = (logs.decisions.end().0, expected.len());
        if end > entries as u64 {
            return Err(format!("DOUBLED: {end} outcomes of {entries} entries"));
        }
        let mut versions = VersionsTable::default();
        for (at, expected) in (0..).zip(expected) {
            let recorded = recorded.get(&at);
            let told = self.told.bodies.get(&at);
            let body = recorded.map(|payload| outcome_body(payload));
            if let (Some(body), Some(told)) = (body, told)
                && body != told
            {
                return Err(format!("CONTRADICTED: outcome {at} was told otherwise"));
            }
            let Some(body) = body.or(told.map(Vec::as_slice)) else {
                continue;
            };
            let mut payload = vec![0; 4];
            payload.extend_from_slice(body);
            let log_time = self.oracle.list[usize::try_from(at).unwrap()].log_time;
            let position = logs.position(Offset(at));
            let decoded = decode_outcome(&payload, position, log_time, &versions);
            let (outcome, _) = decoded.map_err(|error| format!("outcome {at}: {error}"))?;
            if let Some(fault) = expected.fault(&outcome) {
                return Err(format!("WRONG: outcome {at}: {fault}"));
            }
            if let Outcome::Activated(active) = outcome {
                versions.insert(active);
            }
        }
        Ok(())
    }

    /// The rows of the store are those that follow from the entries before its progress, each once.
    fn check_store(
        &self,
        logs: &RecordedLogs,
        followed: Offset,
        expected: &[Expected],
    ) -> Result<(), String> {
        let (mut alerts, mut cases) = (BTreeMap::new(), BTreeSet::new());
        for (at, one) in (0..followed.0).zip(expected) {
            let position = logs.position(Offset(at));
            if let Some(due) = one.due() {
                alerts.insert(AlertId::at(position), self.alert_of(at, due));
                if due.said.tier == Tier::Critical {
                    cases.insert(CaseId::at(position));
                }
            }
        }
        self.check_overrides(logs, followed, expected)?;
        let store = self.store.store();
        let query = AlertQuery {
            limit: 1_000,
            ..AlertQuery::default()
        };
        let found = self.runtime.block_on(store.alerts(&query));
        let found = found
            .map_err(|error| format!("read alerts: {error}"))?
            .items;
        for alert in &found {
            let is_so = format!(
                "{} {} {} {}",
                alert.event_id, alert.amount_minor, alert.tier, alert.verdict
            );
            if alerts.get(&alert.alert_id) != Some(&is_so) {
                return Err(format!(
                    "ALERTS: {} before {followed} says {is_so}, not {:?}",
                    alert.alert_id,
                    alerts.get(&alert.alert_id)
                ));
            }
        }
        if found.len() != alerts.len() {
            return Err(format!(
                "ALERTS: {} of {} that are due before {followed}",
                found.len(),
                alerts.len()
            ));
        }
        let query = CaseQuery {
            limit: 1_000,
            ..CaseQuery::default()
        };
        let found = self.runtime.block_on(store.cases(&query));
        let found = found.map_err(|error| format!("read cases: {error}"))?.items;
        let ids: BTreeSet<CaseId> = found.iter().map(|case| case.case_id).collect();
        if ids != cases || found.len() != cases.len() {
            return Err(format!(
                "CASES: {} of {} before {followed}",
                found.len(),
                cases.len()
            ));
        }
        Ok(())
    }

    /// Overrides that took effect stand in the store, each once and as they came.
    fn check_overrides(
        &self,
        logs: &RecordedLogs,
        followed: Offset,
        expected: &[Expected],
    ) -> Result<(), String> {
        let store = self.store.store();
        let mut count = 0;
        let entries = self.oracle.list.iter().zip(expected);
        for (at, (entry, outcome)) in (0..followed.0).zip(entries) {
            let (Said::Override(says), Expected::Applied) = (&entry.said, outcome) else {
                continue;
            };
            count += 1;
            let wanted = Overridden {
                position: logs.position(Offset(at)),
                given_at: entry.log_time,
                says: (**says).clone(),
            };
            let found = self.runtime.block_on(store.override_at(wanted.position));
            let found = found.map_err(|error| format!("read override {at}: {error}"))?;
            if found.as_ref() != Some(&wanted) {
                return Err(format!("OVERRIDES: {at} says {wanted:?}, found {found:?}"));
            }
        }
        let found = self.runtime.block_on(store.overrides_from(Offset(0)));
        let found = found.map_err(|error| format!("count overrides: {error}"))?;
        (found == count)
            .then_some(())
            .ok_or_else(|| format!("OVERRIDES: {found} of {count} before {followed}"))
    }

    /// What an alert must say of its payment.
    fn alert_of(&self, at: u64, due: &Expectation) -> String {
        let said = &self.oracle.list[usize::try_from(at).unwrap()].said;
        let Said::Transaction(payment) = said else {
            panic!("only payments are decided");
        };
        let (tier, verdict) = (due.said.tier, due.said.verdict);
        let (id, amount) = (&payment.event_id, payment.amount_minor);
        format!("{id} {amount} {tier} {verdict}")
    }

    /// The end of a life: whatever is open is decided, followed and delivered, and all of it is held against the oracle.
    pub(super) fn finish(&mut self) -> Result<(), String> {
        if self.dice.chance(1, 3) {
            self.idle()?;
        }
        self.tell("the end");
        for _ in 0..LAST_STARTS_MAX {
            self.disk.clear_faults();
            self.make_room();
            match self.settled() {
                Ok(()) => return self.check_all(),
                Err(Stop::Panicked) => {
                    self.panicked();
                    self.kill()?;
                }
                Err(Stop::Disk(what) | Stop::Broken(what)) => return Err(what),
            }
        }
        Err("poison is never skipped".into())
    }

    /// Nothing comes for days, so the log is told the time; then the process ends.
    fn idle(&mut self) -> Result<(), String> {
        self.tell("nothing comes for days");
        self.now += 80 * HOUR_US;
        let now = Instant::from_micros(self.now);
        let mut payloads = Payloads::default();
        payloads.push(&Said::Tick.payload());
        self.append_said(now, vec![Said::Tick], &payloads)?;
        self.commit()?;
        self.work()?;
        self.commit_decisions()?;
        self.kill()
    }

    fn settled(&mut self) -> Result<(), Stop> {
        let runtime = self.runtime;
        let Self { process, told, .. } = self;
        let process = process.as_mut().expect("a process runs");
        process.set_short(false);
        let fault = |error| stop_of("flush", &error);
        process.logs.transactions.flush().map_err(fault)?;
        process.catch_up(told)?;
        process.logs.decisions.flush().map_err(fault)?;
        while process.follow(runtime)? {}
        for _ in 0..HOURS_OF_DELIVERY {
            while self.deliver_due().map_err(Stop::Broken)? {}
            let counts = self.runtime.block_on(self.store.store().counts());
            let counts = counts.map_err(|error| stop_of("count messages", &error))?;
            if counts.outbox_pending == 0 {
                return Ok(());
            }
            self.now += HOUR_US;
        }
        Err(Stop::Broken(
            "messages are not delivered within a day".into(),
        ))
    }

    fn check_all(&mut self) -> Result<(), String> {
        if let Some(contradiction) = self.told.contradiction.take() {
            return Err(contradiction);
        }
        let logs = self.process().logs.clone();
        let end = logs.transactions.end();
        let counts = (end.0, logs.decisions.end(), self.process().follower.next());
        if counts != (self.oracle.end(), end, end) {
            return Err(format!("entries, outcomes and progress differ: {counts:?}"));
        }
        let expected = self.oracle.outcomes(&self.told.filled);
        self.check_against(&expected)?;
        self.check_messages(&logs, &expected)?;
        self.check_letters()?;
        let first = self.oldest_state(&logs)?.next();
        let first = first.max(logs.decisions.start());
        let mut go_on = |_, _| ControlFlow::Continue(());
        if first < end {
            let found = replay_range(&logs, (first, end), &mut go_on);
            let found = found.map_err(|error| format!("replay: {error}"))?;
            if (found.compared, found.different) != (end.0 - first.0, 0) {
                let offsets = found.differences.iter().map(|one| one.position.offset.0);
                return Err(format!(
                    "{} of {} outcomes of a replay from {} differ: {:?}, ...; filled {:?}",
                    found.different,
                    found.compared,
                    found.began,
                    offsets.collect::<Vec<_>>(),
                    self.told.filled
                ));
            }
        }
        self.count_outcomes(&expected);
        let cut_short = self.told.filled.values().filter(|from| **from > 0);
        self.tally.backfills_cut_short += cut_short.count() as u64;
        let backfilled = self.process().worker.state().backfilled();
        self.tally.backfills += u64::from(backfilled.is_some());
        self.check_cutting(&logs)
    }

    /// One message an alert at least, each under its id, all of them the same.
    fn check_messages(&self, logs: &RecordedLogs, expected: &[Expected]) -> Result<(), String> {
        let due = (0..).zip(expected).filter(|(_, one)| one.due().is_some());
        let due: BTreeSet<String> = due
            .map(|(at, _)| AlertId::at(logs.position(Offset(at))))
            .map(|id| format!("{id}/{CHANNEL}/alert.raised"))
            .collect();
        let lines: BTreeSet<String> = self.inbox.lines().into_iter().collect();
        let told = |line: &String| {
            let read: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
            read["id"].as_str().unwrap_or_default().to_owned()
        };
        let ids: BTreeSet<String> = lines.iter().map(told).collect();
        if ids != due || lines.len() != due.len() {
            return Err(format!(
                "MESSAGES: {} of {} ids for {} alerts; the first {:?}",
                lines.len(),
                ids.len(),
                due.len(),
                lines.first()
            ));
        }
        Ok(())
    }

    /// The dead letters are the entries that were skipped, and nothing else.
    fn check_letters(&self) -> Result<(), String> {
        let file = self.folder.path().join("letters.jsonl");
        let letters = std::fs::read_to_string(file).unwrap_or_default();
        let row = |line: &str| {
            let read: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
            read["row"].as_u64().unwrap_or(u64::MAX)
        };
        let rows: BTreeSet<u64> = letters.lines().map(row).collect();
        let skipped = self.oracle.list.iter().filter_map(|one| match one.said {
            Said::Skip(skipped) => Some(skipped),
            _ => None,
        });
        let skipped: BTreeSet<u64> = skipped.collect();
        (rows == skipped)
            .then_some(())
            .ok_or_else(|| format!("LETTERS of {rows:?} for the skipped {skipped:?}"))
    }

    /// Counts what became of the entries.
    fn count_outcomes(&mut self, expected: &[Expected]) {
        let tally = &mut self.tally;
        let mut seen = BTreeSet::new();
        for (one, entry) in expected.iter().zip(&self.oracle.list) {
            match one {
                Expected::Decided(decided) => {
                    tally.decided += 1;
                    if let Said::Transaction(payment) = &entry.said {
                        tally.decided_anew += u64::from(!seen.insert(payment.event_id.clone()));
                    }
                    for flag in &decided.degraded {
                        match flag {
                            Degradation::LateEvent => tally.late += 1,
                            Degradation::TooLateEvent => tally.too_late += 1,
                            _ => tally.without_rate += 1,
                        }
                    }
                    tally.listed += u64::from(decided.hits("listed"));
                    tally.alerts += u64::from(decided.is_due());
                    tally.cases += u64::from(decided.said.tier == Tier::Critical);
                }
                Expected::Repeated(_) => tally.repeated += 1,
                Expected::Conflicted(_) => tally.conflicted += 1,
                Expected::Applied => match &entry.said {
                    Said::Erase(_) => tally.erased += 1,
                    Said::Tick => tally.ticks += 1,
                    Said::Override(_) => tally.overridden += 1,
                    _ => tally.labels += 1,
                },
                Expected::Ignored if matches!(entry.said, Said::Override(_)) => {
                    tally.overridden_again += 1;
                }
                Expected::Refused(RejectionCode::UnknownDecision) => {
                    tally.no_decision_to_override += 1;
                }
                Expected::Activated(..) => tally.activated += 1,
                Expected::Ignored => tally.ignored += 1,
                Expected::Refused(_) => tally.refused += 1,
            }
        }
    }

    /// The state before the log's first entry; where it has lost that, the one of its oldest snapshot that nobody damaged.
    fn oldest_state(&self, logs: &RecordedLogs) -> Result<PartitionState, String> {
        let log = &logs.transactions;
        if log.start() == Offset(0) {
            return Ok(PartitionState::new(log.log_id(), log.partition()));
        }
        let folder = self.ground().snapshots();
        let fault = |error| format!("look for the oldest snapshot: {error}");
        for stone in folder.stones(log).map_err(fault)? {
            if let Some(state) = folder.state_at(log, stone.next).map_err(fault)? {
                return Ok(state);
            }
        }
        Err("no snapshot stands for what the log has lost".into())
    }

    /// Another cutting of the log into batches gives the same bytes.
    fn check_cutting(&mut self, logs: &RecordedLogs) -> Result<(), String> {
        let log = &logs.transactions;
        let mut state = self.oldest_state(logs)?;
        let (mut batch, mut settled) = (RecordBatch::default(), Vec::new());
        while state.next() < log.end() {
            let size = 1 + below(&mut self.dice, 20);
            let fault = |error| format!("cut again: {error}");
            log.read(state.next(), size, &mut batch).map_err(fault)?;
            let mut go_on = |_, _| ControlFlow::Continue(());
            let mut history = History::new(log, &mut go_on);
            let applied = state.apply(&batch, &mut history, &mut settled);
            applied.map_err(|error| format!("cut again: {error}"))?;
        }
        self.check_state(&state, log)?;
        let mut encoder = OutcomeEncoder::default();
        for one in &settled {
            let mut bytes = Vec::new();
            encoder.encode(&one.outcome, 0, &mut bytes);
            if self.told.bodies.get(&one.offset.0).map(Vec::as_slice) != Some(outcome_body(&bytes))
            {
                return Err(format!("outcome {} depends on the batch", one.offset));
            }
        }
        Ok(())
    }

    /// The owner's state, which went through snapshots and starts, is the one that the log gives: equal states are equal
    /// bytes.
    fn check_state(&self, computed: &PartitionState, log: &EventLog) -> Result<(), String> {
        let process = self.process.as_ref().expect("a process runs");
        let write = |state: &PartitionState, name: &str| {
            let folder = SnapshotFolder::new(&self.folder.path().join(name));
            let written = folder.write(state, log);
            let written = written.map_err(|error| format!("write a state: {error}"))?;
            Ok::<_, String>(written.map(|written| std::fs::read(written.file).unwrap()))
        };
        let (owned, computed) = (
            write(process.worker.state(), "owned")?,
            write(computed, "computed")?,
        );
        match owned == computed {
            true => Ok(()),
            false => Err("STATES: the owner's is not the one that its log gives".into()),
        }
    }
}
