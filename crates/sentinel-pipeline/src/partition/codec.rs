//! The state of a partition as sections of a snapshot, and back.
//!
//! Promises that equal states give equal sections, and that a state read back goes on as the one written
//! would have. Trusts nothing that it reads: the sections' checksums held, and still what makes no sense is
//! refused.

use std::io::Write;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use sentinel_domain::{Activation, Entry, LogPosition, Offset, Outcome};
use sentinel_eventlog::{
    OutcomeEncoder, VersionsTable, decode_entry, decode_outcome, encode_entry,
};
use sentinel_features::{FeatureEngine, FeatureSet};

use super::{Fed, PartitionState, Switch, windows};
use crate::active::Active;
use crate::backfill::Backfilled;
use crate::idempotency::{Idempotency, Remembered};
use crate::planted::{self, Mistake};
use crate::snapshot::SnapshotError;
use crate::snapshot::fields::{Fields, put_time, put_u64};
use crate::snapshot::format::{Section, SectionReader, SectionWriter};
use crate::snapshot::head::Head;

/// Ids are written in pieces of about this many bytes.
const PIECE_BYTES: usize = 1 << 17;

/// Ids that are looked for in one go.
const IDS_FORESEEN: usize = 64;

/// Sections of ids that wait to be taken in, at most: 64 MiB, and where they were written with a MiB each, 512.
const SECTIONS_WAITING: usize = 512;

impl PartitionState {
    /// Writes everything that later outcomes depend on.
    pub(crate) fn write<W: Write>(&self, head: &Head, out: &mut SectionWriter<W>) {
        out.section(Section::Head, &head.encode());
        let mut counts = encode_counts(self.fed, self.backfilled);
        // Nothing at all where there is none, as before there were any.
        self.skipped
            .iter()
            .for_each(|one| put_u64(&mut counts, one.0));
        out.section(Section::Counts, &counts);
        let mut bytes = Vec::new();
        for content in self.active.contents() {
            bytes.clear();
            encode_entry(&Entry::Activation(Box::new(content.clone())), &mut bytes);
            out.section(Section::Content, &bytes);
        }
        let mut encoder = OutcomeEncoder::default();
        for switch in &self.switches {
            bytes.clear();
            put_u64(&mut bytes, switch.offset.0);
            put_time(&mut bytes, switch.log_time);
            let outcome = Outcome::Activated(Arc::clone(&switch.versions));
            encoder.encode(&outcome, 0, &mut bytes);
            out.section(Section::Switch, &bytes);
        }
        write_ids(&self.idempotency, Section::EventIds, out);
        write_ids(&self.labels, Section::LabelIds, out);
        self.engine.encode_pieces(&mut |piece| {
            if !out.has_failed() {
                out.section(Section::Windows, piece);
            }
        });
    }

    /// Reads what [`PartitionState::write`] wrote behind its head.
    pub(crate) fn read(head: &Head, from: &mut SectionReader) -> Result<Self, SnapshotError> {
        let mut state = Self::new(head.log, head.partition);
        state.next = head.next;
        let counts = from.expect(Section::Counts)?;
        (state.fed, state.backfilled, state.skipped) =
            decode_counts(&counts, head.next).map_err(|detail| from.damaged(detail))?;
        state.active = read_contents(from)?;
        state.read_switches(from)?;
        let (send, sections) = bounded(SECTIONS_WAITING);
        std::thread::scope(|scope| {
            // Ids are many, and of no concern to what comes behind them.
            let restoring = std::thread::Builder::new().name("ids-0".into());
            let restoring = restoring
                .spawn_scoped(scope, || restored(sections, head))
                .map_err(|error| from.io("start a thread that reads ids of", error))?;
            let read = state.read_behind_switches(head, from, send);
            match restoring.join() {
                Ok(Ok(ids)) => state.idempotency = ids,
                // What is wrong with them was there before what may be wrong behind them.
                Ok(Err((at, detail))) => return Err(from.damaged_at(at, detail)),
                Err(panic) => std::panic::resume_unwind(panic),
            }
            read
        })?;
        Ok(state)
    }

    /// Reads what stands behind the switches; event ids are handed on.
    fn read_behind_switches(
        &mut self,
        head: &Head,
        from: &mut SectionReader,
        ids: Sender<(u64, Vec<u8>)>,
    ) -> Result<(), SnapshotError> {
        let state = self;
        let mut bytes = Vec::new();
        while from.next(Section::EventIds, &mut bytes)? {
            if ids
                .send((from.last_at(), std::mem::take(&mut bytes)))
                .is_err()
            {
                return Ok(());
            }
        }
        drop(ids);
        while from.next(Section::LabelIds, &mut bytes)? {
            restore_ids(&mut state.labels, (Section::LabelIds, &bytes), head)
                .map_err(|detail| from.damaged(detail))?;
        }
        if planted::is(Mistake::ForgetLabels) {
            state.labels = Idempotency::default();
        }
        let set = match state.active.decider() {
            Some(decider) => decider.features.clone(),
            None => FeatureSet::shipped(),
        };
        if set.state_hash() != head.features_state {
            return Err(from.unfit("its windows were kept for other features"));
        }
        state.engine = windows::read(set, from)?;
        if planted::is(Mistake::ForgetWindows) {
            state.engine = FeatureEngine::new(state.engine.set().clone());
        }
        Ok(())
    }

    fn read_switches(&mut self, from: &mut SectionReader) -> Result<(), SnapshotError> {
        let (mut bytes, mut before) = (Vec::new(), None);
        while from.next(Section::Switch, &mut bytes)? {
            let switch = self
                .decode_switch(&bytes)
                .map_err(|detail| from.damaged(detail))?;
            if switch.offset >= self.next || before.is_some_and(|before| before >= switch.offset) {
                return Err(from.damaged("an activation out of its place"));
            }
            before = Some(switch.offset);
            self.switches.push(switch);
        }
        // What is bound of the contents now must be called what decisions call it.
        let last = self.switches.last().map(|switch| &*switch.versions);
        match self.active.decider() {
            Some(decider) if last != Some(&*decider.versions) => {
                Err(from.unfit("its contents mean something else to this engine"))
            }
            _ => Ok(()),
        }
    }

    fn decode_switch(&self, bytes: &[u8]) -> Result<Switch, String> {
        let mut fields = Fields(bytes);
        let offset = fields.offset("an activation")?;
        let log_time = fields.time("an activation's time")?;
        let position = LogPosition {
            log: self.log,
            partition: self.partition,
            offset,
        };
        match decode_outcome(fields.0, position, log_time, &VersionsTable::default()) {
            Ok((Outcome::Activated(versions), _)) => Ok(Switch {
                offset,
                log_time,
                versions,
            }),
            Ok(_) => Err("an outcome that is no activation".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn encode_counts(fed: Fed, backfilled: Option<Backfilled>) -> Vec<u8> {
    let mut out = Vec::new();
    put_u64(&mut out, fed.transactions);
    put_u64(&mut out, fed.labels);
    put_u64(&mut out, u64::from(backfilled.is_some()));
    if let Some(backfilled) = backfilled {
        put_u64(&mut out, backfilled.from.0);
        put_u64(&mut out, backfilled.to.0);
        put_u64(&mut out, backfilled.transactions);
        put_u64(&mut out, backfilled.labels);
    }
    out
}

/// What a snapshot says to skip, by its first sections.
pub(crate) fn read_skipped(
    head: &Head,
    from: &mut SectionReader,
) -> Result<Vec<Offset>, SnapshotError> {
    let counts = from.expect(Section::Counts)?;
    let decoded = decode_counts(&counts, head.next);
    decoded
        .map(|(_, _, skipped)| skipped)
        .map_err(|detail| from.damaged(detail))
}

type Counts = (Fed, Option<Backfilled>, Vec<Offset>);

fn decode_counts(bytes: &[u8], next: Offset) -> Result<Counts, String> {
    let mut fields = Fields(bytes);
    let fed = Fed {
        transactions: fields.u64("transactions taken in")?,
        labels: fields.u64("labels taken in")?,
    };
    let backfilled = match fields.u64("a backfill")? {
        0 => None,
        1 => Some(Backfilled {
            from: fields.offset("a backfill's start")?,
            to: fields.offset("a backfill's end")?,
            transactions: fields.u64("a backfill's transactions")?,
            labels: fields.u64("a backfill's labels")?,
        }),
        other => return Err(format!("a backfill is there or not, and not {other}")),
    };
    let mut skipped = Vec::new();
    while !fields.0.is_empty() {
        let one = fields.offset("an entry to skip")?;
        if one >= next {
            return Err(format!("an order to skip {one}, which comes later"));
        }
        skipped.push(one);
    }
    Ok((fed, backfilled, skipped))
}

fn read_contents(from: &mut SectionReader) -> Result<Active, SnapshotError> {
    let mut contents: Vec<Activation> = Vec::new();
    let mut bytes = Vec::new();
    while from.next(Section::Content, &mut bytes)? {
        match decode_entry(&bytes) {
            Ok(Entry::Activation(content))
                if contents
                    .last()
                    .is_none_or(|last| last.kind.code() < content.kind.code()) =>
            {
                contents.push(*content);
            }
            Ok(_) => return Err(from.damaged("a content out of its place")),
            Err(error) => return Err(from.damaged(error.to_string())),
        }
    }
    Active::of_contents(contents).map_err(|detail| {
        from.unfit(format!(
            "its contents do not fit together any more: {detail}"
        ))
    })
}

/// Labels are known by their ids alone.
fn has_fingerprints(kind: Section) -> bool {
    kind == Section::EventIds
}

fn write_ids<W: Write>(ids: &Idempotency, kind: Section, out: &mut SectionWriter<W>) {
    let mut bytes = Vec::with_capacity(PIECE_BYTES + 64);
    for one in ids.iter() {
        put_time(&mut bytes, one.log_time);
        put_u64(&mut bytes, one.offset.0);
        bytes.extend_from_slice(&one.key);
        if has_fingerprints(kind) {
            bytes.extend_from_slice(&one.fingerprint);
        }
        if bytes.len() >= PIECE_BYTES {
            out.section(kind, &bytes);
            bytes.clear();
        }
    }
    if !bytes.is_empty() {
        out.section(kind, &bytes);
    }
}

/// Event ids of sections, each with its place in the file; what is wrong, and where.
fn restored(sections: Receiver<(u64, Vec<u8>)>, head: &Head) -> Result<Idempotency, (u64, String)> {
    let mut ids = Idempotency::default();
    for (at, bytes) in sections {
        restore_ids(&mut ids, (Section::EventIds, &bytes), head).map_err(|detail| (at, detail))?;
    }
    Ok(ids)
}

/// Remembers the ids of a section.
fn restore_ids(
    ids: &mut Idempotency,
    (kind, bytes): (Section, &[u8]),
    head: &Head,
) -> Result<(), String> {
    let mut fields = Fields(bytes);
    let mut some = Vec::with_capacity(IDS_FORESEEN);
    while !fields.0.is_empty() {
        some.clear();
        while !fields.0.is_empty() && some.len() < IDS_FORESEEN {
            some.push(decode_id(&mut fields, kind)?);
        }
        ids.foresee(some.iter().map(|one| &one.key));
        for one in &some {
            let is_before = one.offset < head.next && one.log_time <= head.last_log_time;
            if !is_before || !ids.restore(one) {
                return Err("an id out of its place".to_owned());
            }
        }
    }
    Ok(())
}

fn decode_id(fields: &mut Fields<'_>, kind: Section) -> Result<Remembered, String> {
    Ok(Remembered {
        log_time: fields.time("an id's time")?,
        offset: fields.offset("an id's entry")?,
        key: fields.array("an id")?,
        fingerprint: if has_fingerprints(kind) {
            fields.array("an id's fingerprint")?
        } else {
            [0; 16]
        },
    })
}
