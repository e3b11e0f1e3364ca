//! Which engine decided what is recorded: a release that would decide otherwise goes on with none of it.
//!
//! Reads what the first activation of the decision log says, or where logs have lost their beginning, the head of the newest
//! snapshot. Promises to refuse before anything is computed, so that nobody is told of differences in single decisions
//! where the whole is meant. Must never guess: logs of which nothing says it are not refused here.

use sentinel_domain::{Offset, Outcome};
use sentinel_eventlog::{LogError, RecordBatch};

use super::RecordedLogs;
use crate::active::ENGINE_SEMANTICS;
use crate::snapshot::SnapshotError;

/// The first activation stands among so many first outcomes.
const LOOKED_AT: usize = 256;

/// Why an engine does not go on with what is recorded.
#[derive(Debug, thiserror::Error)]
pub enum SemanticsError {
    /// Another engine decided it.
    #[error(
        "what is recorded here was decided by engine semantics {recorded}, and this release has {here}: it decides \
         otherwise, so it neither goes on with that nor checks it. Go on with a release of semantics {recorded}, and keep it \
         beside this directory: it alone can replay and verify these decisions. To change over, `sentinel log copy` fills a \
         new data directory with the entries of this log, and the next start there decides them anew"
    )]
    Other {
        /// Those of the record.
        recorded: u32,
        /// Those of this release.
        here: u32,
    },
    /// The decision log could not be read.
    #[error("look for the engine semantics of what is recorded")]
    Log(#[source] LogError),
    /// The snapshots could not be looked at.
    #[error("look for the engine semantics of what is recorded")]
    Snapshot(#[from] SnapshotError),
}

impl RecordedLogs {
    /// Refuses logs whose outcomes an engine of other semantics recorded.
    pub fn check_semantics(&self) -> Result<(), SemanticsError> {
        let first = self.first_activated()?;
        let recorded = match (first, self.snapshots()) {
            (None, Some(folder)) if self.first_kept() > Offset(0) => {
                folder.newest_semantics(&self.transactions)?
            }
            (first, _) => first,
        };
        match recorded {
            Some(recorded) if recorded != ENGINE_SEMANTICS => Err(SemanticsError::Other {
                recorded,
                here: ENGINE_SEMANTICS,
            }),
            _ => Ok(()),
        }
    }

    /// What the first activation says that took effect, where the decision log has its beginning.
    fn first_activated(&self) -> Result<Option<u32>, SemanticsError> {
        let log = &self.decisions;
        if log.start() > Offset(0) || log.end() == Offset(0) {
            return Ok(None);
        }
        let mut batch = RecordBatch::default();
        let read = log.read(Offset(0), LOOKED_AT, &mut batch);
        read.map_err(SemanticsError::Log)?;
        let versions = batch.iter().find_map(|record| match self.decode(&record) {
            Ok((Outcome::Activated(versions), _)) => Some(versions),
            // What cannot be read is found by whoever reads it for what it says.
            _ => None,
        });
        Ok(versions.map(|versions| versions.engine_semantics))
    }
}
