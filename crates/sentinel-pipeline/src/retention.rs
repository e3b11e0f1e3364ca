//! Retention: how much of the two logs is kept.
//!
//! ```text
//!            ✂ dropped in whole segments                    always kept: the two newest
//!  ──────────┬─────────────────────────────────────────────────────────────┬──────┬──▶ log
//!            ▲ stone         ▲ stone          ▲ stone         ▲ stone       ▲ newer ▲ newest   snapshots
//!            └ the oldest entry of which everything behind can be computed again
//! ```
//!
//! The logs are only ever cut at a snapshot that stays: it gives the state that the entries before it would give, so
//! every decision that is kept can be replayed. So that there is a place to cut at, a few snapshots are kept as
//! stepping stones, a quarter of what is retained apart (`docs/adr/0017-retention-cuts-at-snapshots.md`).
//!
//! **Promises:** what is younger than asked for stays, unless the bytes are bounded too; nothing is dropped that a start
//! with the second newest snapshot needs, that alerts have not followed, or that whoever fills features or replays is
//! reading. **Must never:** run on the owner's thread; drop anything where nobody asked for it.

use sentinel_domain::{Instant, Offset};
use sentinel_eventlog::{EventLog, LogError, SegmentSize};
use sentinel_features::FeatureSet;
use sentinel_store::{Store, StoreError};

use crate::backfill::Backfilled;
use crate::handle::Handle;
use crate::planted::{self, Mistake};
use crate::recorded::RecordedLogs;
use crate::snapshot::SnapshotError;
use crate::snapshot::folder::{SnapshotFolder, Stone};

/// A day of log time, microseconds.
const DAY_US: i64 = 86_400_000_000;

/// Event ids are remembered for so long: a repeat is answered with the decision of then.
const REMEMBERED_US: i64 = 3 * DAY_US;

/// Stepping stones are not nearer to each other than this, however little is kept.
const STEP_BYTES_MIN: u64 = 32 * 1024 * 1024;

/// How much of the logs is kept. Where neither is given, everything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Entries that are so much older than the newest may go, microseconds of log time.
    pub age_us: Option<i64>,
    /// The oldest entries go while both logs together are longer than this, however young they are.
    pub bytes_max: Option<u64>,
}

impl Retention {
    /// Whether nothing is ever dropped.
    pub fn is_everything(&self) -> bool {
        self.age_us.is_none() && self.bytes_max.is_none()
    }

    /// The same, where the age is at least the longest window of a feature set and a day: new features are filled with
    /// that much, and repeats find the decision of then.
    #[must_use]
    pub fn for_features(self, set: &FeatureSet) -> Self {
        let least_us = least_age_us(set);
        Self {
            age_us: self.age_us.map(|age_us| age_us.max(least_us)),
            ..self
        }
    }

    /// Whether a snapshot is far enough behind another one to be a stepping stone.
    pub(crate) fn is_step(&self, from: &Stone, to: &Stone, lengths: &Lengths) -> bool {
        let age_us = to.last_log_time.micros() - from.last_log_time.micros();
        let by_age = self.age_us.is_some_and(|kept_us| age_us >= kept_us / 4);
        // Of one log, and both are about as long.
        let by_bytes = self.bytes_max.is_some_and(|kept| {
            lengths.between(from.next, to.next) >= (kept / 8).max(STEP_BYTES_MIN)
        });
        by_age || by_bytes
    }
}

/// The least age that is kept with a feature set.
pub fn least_age_us(set: &FeatureSet) -> i64 {
    let windows = set.features().iter().filter_map(|feature| feature.window());
    let longest_ms = windows.map(|window| window.length_ms).max().unwrap_or(0);
    (longest_ms * 1_000).max(REMEMBERED_US) + DAY_US
}

/// How long a log is, by its segments.
#[derive(Debug, Default)]
pub(crate) struct Lengths(Vec<SegmentSize>);

impl Lengths {
    pub(crate) fn of(log: &EventLog) -> Result<Self, LogError> {
        log.segments().map(Self)
    }

    fn total(&self) -> u64 {
        self.0.iter().map(|one| one.bytes).sum()
    }

    /// What stays where everything before an offset is dropped.
    fn kept_from(&self, offset: Offset) -> u64 {
        let last = self.0.len().saturating_sub(1);
        let stays = |(at, one): &(usize, &SegmentSize)| one.end > offset || *at == last;
        let kept = self.0.iter().enumerate().filter(stays);
        kept.map(|(_, one)| one.bytes).sum()
    }

    /// About how many bytes lie between two offsets.
    fn between(&self, from: Offset, to: Offset) -> u64 {
        let share = |one: &SegmentSize| {
            let (first, end) = (from.max(one.base), to.min(one.end));
            let entries = u128::from(end.0.saturating_sub(first.0));
            let of = u128::from((one.end.0 - one.base.0).max(1));
            u64::try_from(u128::from(one.bytes) * entries / of).unwrap_or(u64::MAX)
        };
        self.0.iter().map(share).sum()
    }
}

/// The stepping stone at which the logs may be cut; `None` where everything is kept for now. The newest is none, so that
/// two are left.
fn place_to_cut<'s>(
    retention: &Retention,
    stones: &'s [Stone],
    newest: Option<Instant>,
    lengths: &[Lengths; 2],
) -> Option<&'s Stone> {
    let (_, candidates) = stones.split_last()?;
    let by_age = retention.age_us.zip(newest).and_then(|(age_us, newest)| {
        let before = newest.plus_micros(age_us.saturating_neg());
        candidates
            .iter()
            .rfind(|stone| stone.last_log_time <= before)
    });
    let by_bytes = retention.bytes_max.and_then(|bytes_max| {
        let kept = |offset| -> u64 { lengths.iter().map(|one| one.kept_from(offset)).sum() };
        let total: u64 = lengths.iter().map(Lengths::total).sum();
        if total <= bytes_max {
            return None;
        }
        let fits = |stone: &&Stone| kept(stone.needs()) <= bytes_max;
        candidates.iter().find(fits).or(candidates.last())
    });
    by_age.into_iter().chain(by_bytes).max_by_key(|it| it.next)
}

/// How much of the logs is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// The first entry that both keep.
    pub first: Offset,
    /// Length of the transaction log.
    pub log_bytes: u64,
    /// Length of the decision log.
    pub decision_log_bytes: u64,
}

impl Handle {
    /// How much of the logs is kept. A log whose length cannot be told has none.
    pub fn kept(&self) -> Kept {
        let logs = self.logs();
        let bytes = |log: &EventLog| {
            let segments = log.segments().unwrap_or_default();
            segments.iter().map(|one| one.bytes).sum()
        };
        Kept {
            first: logs.first_kept(),
            log_bytes: bytes(&logs.transactions),
            decision_log_bytes: bytes(&logs.decisions),
        }
    }
}

/// What was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dropped {
    /// The first entry that is kept.
    pub first: Offset,
    /// Bytes of both logs that went.
    pub bytes: u64,
}

/// Why the logs could not be cut. Nothing is lost by that; it is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RetentionError {
    /// A log failed.
    #[error("drop what the logs need not keep")]
    Log(#[from] LogError),
    /// The folder of snapshots could not be read.
    #[error("drop what the logs need not keep")]
    Snapshot(#[from] SnapshotError),
    /// What followed from the logs could not be forced to the disk.
    #[error("drop what the logs need not keep")]
    Store(#[from] StoreError),
}

/// What the logs are needed for besides.
pub(crate) trait InUse {
    /// Recorded and followed, and what followed is on the disk: alerts whose entries are gone are never made again.
    fn covered_for_good(&self) -> Result<Offset, StoreError>;

    /// The owner's newest backfill.
    fn backfilled(&self) -> Option<Backfilled>;
}

/// Forces what followed from the logs to the disk.
pub(crate) async fn sync(store: &Store) -> Result<(), StoreError> {
    match planted::is(Mistake::CutUnsynced) {
        true => Ok(()),
        false => store.sync().await,
    }
}

/// Drops what need not be kept, oldest first; `None` where that is nothing.
pub(crate) fn keep(
    retention: &Retention,
    folder: &SnapshotFolder,
    logs: &RecordedLogs,
    in_use: &dyn InUse,
) -> Result<Option<Dropped>, RetentionError> {
    let (transactions, decisions) = (&logs.transactions, &logs.decisions);
    let lengths = || -> Result<[Lengths; 2], LogError> {
        Ok([Lengths::of(transactions)?, Lengths::of(decisions)?])
    };
    let before = lengths()?;
    let stones = folder.stones(transactions)?;
    let newest = transactions.last_log_time();
    let Some(stone) = place_to_cut(retention, &stones, newest, &before) else {
        return Ok(None);
    };
    let covered = in_use.covered_for_good()?;
    let chosen = || {
        // Asked only now: nobody fills features from the log's start, and none begins to before this is over.
        let backfilled = in_use.backfilled();
        let needed = folder.needed_from(transactions, backfilled)?;
        let offset = kept_for(stone, backfilled).min(needed).min(covered);
        let offset = match planted::is(Mistake::CutTooFar) {
            true => offset.plus(1),
            false => offset,
        };
        if before.iter().any(|log| log.kept_from(offset) < log.total()) {
            // The log may still hold the entry by which an older one knows it, and not what features behind that were
            // filled from: its walk would fill them with less.
            folder.remove_before(stone.next)?;
        }
        // First the outcomes: whoever finds one finds its entry too.
        decisions.truncate_before(offset)?;
        Ok::<_, RetentionError>(offset)
    };
    transactions.truncate_by(chosen)?;
    let after = lengths()?;
    let total = |lengths: &[Lengths; 2]| -> u64 { lengths.iter().map(Lengths::total).sum() };
    let bytes = total(&before).saturating_sub(total(&after));
    let first = logs.first_kept();
    Ok((bytes > 0).then_some(Dropped { first, bytes }))
}

/// The first entry that has to be kept so that everything behind a snapshot can be computed again: the last one before
/// it, by which it knows its log, and what the newest backfill read where that is done again on the way. Backfills
/// between the two read no less far back, so none of them is cut off either.
fn kept_for(stone: &Stone, backfilled: Option<Backfilled>) -> Offset {
    let filled_again = backfilled.filter(|one| one.to >= stone.next);
    filled_again.map_or(stone.needs(), |one| stone.needs().min(one.from))
}

#[cfg(test)]
mod tests;
