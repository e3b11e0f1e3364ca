//! The straight way: one transaction from the log to its decision, and what follows from it.
//!
//! ```text
//!          fast lane: one owner per partition                        slow lane: own durable cursor
//!  log ─▶ intake ─▶ features ─▶ score ─▶ decide ─▶ record ─▶ decision log ─▶ alert ─▶ case ─▶ deliver
//!         decode     windows     model    rules,     one outcome an entry,     store, outbox   sink
//!         repeats                         policy     at the entry's offset
//! ```
//!
//! **Enters:** entries of the transaction log. **Leaves:** outcomes in the decision log, answers to
//! whoever waits, alerts and cases in the store.
//!
//! **Promises:** `decision = f(log prefix)`. The fast lane up to `decide` reads nothing but the log
//! ([`partition`]); clocks serve figures and deadlines only. An answer is given after its transaction is
//! durable. The slow lane may be repeated without harm. **Must never:** let a store, a sink or a
//! subscriber hold up a decision.
//!
//! Start reading at [`partition`] (the stages in order), then [`worker`] (the loop), then [`handle`]
//! (the door).

// Fast lane, in the order of the way.
pub mod intake;
pub mod features;
pub mod score;
pub mod decide;
pub mod record;
// Slow lane.
pub mod alert;
pub mod case;
pub mod deliver;
// Machinery.
pub mod active;
pub mod rates;
pub mod mapping;
pub mod idempotency;
pub mod backfill;
pub mod definitions;
pub mod models;
pub mod trust;
mod crew;
pub mod partition;
pub mod worker;
pub mod follow;
pub mod recorded;
pub mod snapshot;
pub mod retention;
pub mod poison;
mod planted;
pub mod replay;
pub mod verify;
pub mod statistics;
pub mod dead_letter;
pub mod handle;
pub mod pipeline;
#[cfg(test)]
mod simulation;

pub use backfill::{Backfilled, History};
pub use handle::features::{FeaturesAdded, FeaturesError};
pub use handle::models::{ModelActivated, ModelsError};
pub use handle::{Answer, Handle, SubmitError};
pub use partition::{PartitionState, Settled};
pub use pipeline::{Pipeline, PipelineError, PipelineOptions};
pub use recorded::{Decided, LookupError, RecordedLogs};
pub use retention::Retention;
pub use snapshot::{SnapshotError, SnapshotFigures, SnapshotFolder, SnapshotOptions};
