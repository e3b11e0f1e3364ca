//! Activating a model through the handle: one activation at a time, told when decisions are made with it.
//!
//! Promises that nothing is appended that is not trusted or does not fit. Must never decide what is active:
//! that follows from the log.

use std::sync::Arc;

use sentinel_domain::{ContentHash, Entry, Instant, Offset, Outcome, Text, Versions};
use tokio::sync::oneshot::error::TryRecvError;

use super::{Handle, SubmitError, Told};
use crate::models::{self, ActivatedModel, ModelRefused};
use crate::trust::ModelTrust;

/// How many activations of models are remembered for those who ask; older ones stand in the log.
const REMEMBERED_MAX: usize = 1_000;

/// A model that was activated, or found to be active.
#[derive(Debug)]
pub struct ModelActivated {
    /// The name of its activation.
    pub name: Text,
    /// The version of its activation.
    pub version: u32,
    /// The hash by which decisions name it.
    pub hash: ContentHash,
    /// The activation's place in the log; `None` where none was needed, or only a check was asked for.
    pub offset: Option<Offset>,
    /// Whether it decides now.
    pub is_live: bool,
}

/// Why a model was not activated.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// It cannot be put in force.
    #[error(transparent)]
    Refused(#[from] ModelRefused),
    /// Another activation is on its way.
    #[error("what was appended at offset {offset} is not in force yet; try again")]
    Busy {
        /// That activation.
        offset: Offset,
    },
    /// The log did not take the activation, or the worker is gone.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

impl Handle {
    /// Which models may be put in force.
    pub fn model_trust(&self) -> &Arc<ModelTrust> {
        &self.inner.trust
    }

    /// Appends a model under the next version, and waits until decisions are made with it, at most as long as
    /// a caller waits for a decision. With `dry_run` it is only checked.
    pub async fn activate_model(
        &self,
        name: Option<String>,
        content: Vec<u8>,
        dry_run: bool,
        now: Instant,
    ) -> Result<ModelActivated, ModelsError> {
        // Held until the outcome is known or noted as unheard: the next version follows from it.
        let mut unheard = self.inner.activating.lock().await;
        if let Some((offset, answered)) = unheard.as_mut() {
            if matches!(answered.try_recv(), Err(TryRecvError::Empty)) {
                return Err(ModelsError::Busy { offset: *offset });
            }
            *unheard = None;
        }
        let active = self.in_force().active;
        let own = active.content(sentinel_domain::ActivationKind::Model);
        let (own_name, own_version) =
            own.map_or((Text::default(), 0), |own| (own.name.clone(), own.version));
        let trust = Arc::clone(&self.inner.trust);
        // A large model takes a while to read: no thread that answers others is held up by it.
        let planned = tokio::task::spawn_blocking(move || {
            models::plan(&active, &trust, name.as_deref(), &content)
        });
        let (model, activation) = planned
            .await
            .map_err(|error| SubmitError::Unavailable(error.to_string()))??;
        let hash = model.content_hash();
        let Some(activation) = activation else {
            return Ok(ModelActivated {
                name: own_name,
                version: own_version,
                hash,
                offset: None,
                is_live: true,
            });
        };
        let mut told = ModelActivated {
            name: activation.name.clone(),
            version: activation.version,
            hash,
            offset: None,
            is_live: false,
        };
        if dry_run {
            return Ok(told);
        }
        let (offset, answered) = self.append(&Entry::Activation(Box::new(activation)), now)?;
        told.offset = Some(offset);
        // Noted before the wait, as for features: the next caller must not take the same version.
        let (_, answered) = unheard.insert((offset, answered));
        let heard = tokio::time::timeout(self.inner.deadline, answered).await;
        if heard.is_ok() {
            *unheard = None;
        }
        match heard {
            Ok(Ok(Told::Switched(outcome, _))) => refused(outcome)?,
            Ok(Ok(_)) => {}
            Ok(Err(_)) => {
                return Err(SubmitError::Unavailable("the worker has stopped".into()).into());
            }
            Err(_) => return Ok(told),
        }
        told.is_live = true;
        Ok(told)
    }
}

/// A model that passed the check is refused only where another activation came between.
fn refused(outcome: Outcome) -> Result<(), ModelRefused> {
    match outcome {
        Outcome::Refused(rejection) => Err(ModelRefused::Unfit(rejection.to_string())),
        Outcome::Ignored => Err(ModelRefused::Unfit(
            "another activation took the version; try again".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// The models with those behind them that these activations put in force.
pub(super) fn remembered<'a>(
    before: &Arc<Vec<ActivatedModel>>,
    switches: impl Iterator<Item = (Offset, Instant, &'a Versions)>,
) -> Arc<Vec<ActivatedModel>> {
    let mut models = Arc::clone(before);
    for (offset, log_time, versions) in switches {
        let (name, version, hash) = &versions.model;
        // Activations of other kinds name the model that was there before.
        let known = models.last().map_or(0, |last| last.version);
        if *version > known {
            let models = Arc::make_mut(&mut models);
            models.push(ActivatedModel {
                name: name.clone(),
                version: *version,
                hash: *hash,
                offset,
                log_time,
            });
            if models.len() > REMEMBERED_MAX {
                models.remove(0);
            }
        }
    }
    models
}
