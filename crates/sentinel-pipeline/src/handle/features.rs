//! Adding features through the handle: one activation at a time, told when it is live.
//!
//! Promises that two callers at once cannot take the same version. Must never decide what is active: that
//! follows from the log.

use std::sync::Arc;

use sentinel_domain::{ContentHash, Entry, Instant, Offset, Outcome};
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use super::{Handle, SubmitError, Told};
use crate::active::Active;
use crate::backfill::Backfilled;
use crate::definitions::{self, Addition, AdditionError};
use crate::models::ActivatedModel;

/// What decisions are made with, as the worker told it last.
#[derive(Default, Clone)]
pub struct InForce {
    /// The contents.
    pub active: Active,
    /// The newest backfill.
    pub backfilled: Option<Backfilled>,
    /// The models that were activated, the newest last.
    pub models: Arc<Vec<ActivatedModel>>,
}

/// Definitions that were added.
#[derive(Debug)]
pub struct FeaturesAdded {
    /// The version of features that holds them.
    pub version: u32,
    /// The hash by which decisions made with it name the set.
    pub feature_set: ContentHash,
    /// The names that are new; none where every definition was active already.
    pub added: Vec<String>,
    /// The activation's place in the log: they are live from there on. `None` where none was needed.
    pub offset: Option<Offset>,
    /// Whether they are live now; false while they are still being filled from the log.
    pub is_live: bool,
    /// What they were filled with; `None` where the windows served them already.
    pub backfilled: Option<Backfilled>,
}

/// Why definitions were not added.
#[derive(Debug, thiserror::Error)]
pub enum FeaturesError {
    /// They have faults, or do not fit.
    #[error(transparent)]
    Addition(#[from] AdditionError),
    /// Others are being filled from the log.
    #[error("features appended at offset {offset} are still being filled from the log; try again")]
    Busy {
        /// Their activation.
        offset: Offset,
    },
    /// The log did not take the activation, or the worker is gone.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

/// An activation whose outcome nobody has heard yet.
pub(super) type Unheard = Option<(Offset, oneshot::Receiver<Told>)>;

impl Handle {
    /// What decisions are made with now.
    pub fn in_force(&self) -> InForce {
        self.inner.in_force.borrow().clone()
    }

    /// Appends the active set with these definitions behind it, and waits until they are live, at most as
    /// long as a caller waits for a decision.
    pub async fn add_features(
        &self,
        definitions: &str,
        now: Instant,
    ) -> Result<FeaturesAdded, FeaturesError> {
        // Held until the outcome is known or noted as unheard: the next version follows from it.
        let mut unheard = self.inner.activating.lock().await;
        if let Some((offset, answered)) = unheard.as_mut() {
            if matches!(answered.try_recv(), Err(TryRecvError::Empty)) {
                return Err(FeaturesError::Busy { offset: *offset });
            }
            *unheard = None;
        }
        let addition = definitions::add(&self.in_force().active, definitions)?;
        let Addition {
            activation,
            added,
            version,
            features,
        } = addition;
        let mut told = FeaturesAdded {
            version,
            feature_set: features.content_hash(),
            added,
            offset: None,
            is_live: true,
            backfilled: None,
        };
        let Some(activation) = activation else {
            return Ok(told);
        };
        let entry = Entry::Activation(Box::new(activation));
        let (offset, answered) = self.append(&entry, now)?;
        told.offset = Some(offset);
        // Noted before the wait: a caller that goes away while it waits leaves the note behind, and the
        // next one does not take the same version.
        let (_, answered) = unheard.insert((offset, answered));
        let heard = tokio::time::timeout(self.inner.deadline, answered).await;
        if heard.is_ok() {
            *unheard = None;
        }
        match heard {
            Ok(Ok(Told::Switched(outcome, backfilled))) => {
                refused(outcome)?;
                told.backfilled = backfilled.filter(|one| one.to == offset);
            }
            Ok(Ok(_)) => {}
            Ok(Err(_)) => {
                return Err(SubmitError::Unavailable("the worker has stopped".into()).into());
            }
            Err(_) => told.is_live = false,
        }
        Ok(told)
    }
}

/// An activation that passed the check is refused only where another one came between.
fn refused(outcome: Outcome) -> Result<(), AdditionError> {
    match outcome {
        Outcome::Refused(rejection) => Err(AdditionError::Unfit(rejection.to_string())),
        Outcome::Ignored => Err(AdditionError::Unfit(
            "another activation took the version; try again".into(),
        )),
        _ => Ok(()),
    }
}
