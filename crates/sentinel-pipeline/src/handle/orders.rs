//! Orders through the handle: lists to decide with, erasures, overrides; and what is learnt, labels.
//!
//! Promises that nothing is appended that the worker would refuse as the state is now, and that the answer tells from
//! which place in the log on it holds. Must never change anything but by an entry.

use std::time::Duration;

use sentinel_domain::{
    Activation, ActivationKind, ContentHash, Entry, Erasure, Instant, Label, LabelId, Offset,
    Outcome, Override, Rejection, RejectionCode, Text,
};
use sentinel_rules::Diagnostic;
use sentinel_rules::Lists;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use super::{Handle, SubmitError, Told};
use crate::intake::json;
use crate::intake::source::AHEAD_MICROS_MAX;

/// Lists that were activated, or found to be active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListsActivated {
    /// The name of their activation.
    pub name: Text,
    /// The version of their activation.
    pub version: u32,
    /// The hash by which decisions name them.
    pub hash: ContentHash,
    /// The activation's place in the log; `None` where none was needed, or only a check was asked for.
    pub offset: Option<Offset>,
    /// Whether decisions are made with them now.
    pub is_live: bool,
}

/// Why lists were not activated.
#[derive(Debug, thiserror::Error)]
pub enum ListsError {
    /// The text has faults.
    #[error("{}", told(.0))]
    Faults(Vec<Diagnostic>),
    /// Another activation took the version, or what is active does not fit.
    #[error("the lists were not taken: {0}; try again")]
    Refused(String),
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

fn told(faults: &[Diagnostic]) -> String {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl Handle {
    /// Appends lists under the next version, in the place of those that are active, and waits until decisions are made
    /// with them, at most as long as a caller waits for a decision. With `dry_run` they are only checked.
    pub async fn activate_lists(
        &self,
        name: Option<String>,
        text: String,
        dry_run: bool,
        now: Instant,
    ) -> Result<ListsActivated, ListsError> {
        // Held until the outcome is known or noted as unheard: the next version follows from it.
        let mut unheard = self.inner.activating.lock().await;
        if let Some((offset, answered)) = unheard.as_mut() {
            if matches!(answered.try_recv(), Err(TryRecvError::Empty)) {
                return Err(ListsError::Busy { offset: *offset });
            }
            *unheard = None;
        }
        Lists::parse(&text).map_err(ListsError::Faults)?;
        let active = self.in_force().active;
        let own = active.content(ActivationKind::Lists);
        let activation = Activation {
            kind: ActivationKind::Lists,
            name: name.map_or_else(|| "lists".into(), Text::from),
            version: own.map_or(0, |own| own.version).saturating_add(1),
            content: text.into_bytes(),
        };
        let hash = activation.content_hash();
        if let Some(own) = own.filter(|own| own.content_hash() == hash) {
            return Ok(ListsActivated {
                name: own.name.clone(),
                version: own.version,
                hash,
                offset: None,
                is_live: true,
            });
        }
        let mut activated = ListsActivated {
            name: activation.name.clone(),
            version: activation.version,
            hash,
            offset: None,
            is_live: false,
        };
        if dry_run {
            return Ok(activated);
        }
        let (offset, answered) = self.append(&Entry::Activation(Box::new(activation)), now)?;
        activated.offset = Some(offset);
        // Noted before the wait: the next caller must not take the same version.
        let (_, answered) = unheard.insert((offset, answered));
        let Some(outcome) = heard(answered, self.inner.deadline).await? else {
            return Ok(activated);
        };
        *unheard = None;
        match outcome {
            Outcome::Refused(rejection) => Err(ListsError::Refused(rejection.to_string())),
            Outcome::Ignored => Err(ListsError::Refused(
                "another activation took the version".to_owned(),
            )),
            _ => {
                activated.is_live = true;
                Ok(activated)
            }
        }
    }

    /// Appends an order to forget somebody; where it stands, and whether it is done.
    pub async fn erase(
        &self,
        erasure: Erasure,
        now: Instant,
    ) -> Result<(Offset, bool), SubmitError> {
        let (offset, mut answered) = self.append(&Entry::Erase(Box::new(erasure)), now)?;
        let outcome = heard(&mut answered, self.inner.deadline).await?;
        Ok((offset, outcome.is_some()))
    }
}

impl Handle {
    /// Appends a person's verdict on a decision; where it stands, and what became of it where that is known in time.
    pub async fn override_decision(
        &self,
        order: Override,
        now: Instant,
    ) -> Result<(Offset, Option<Outcome>), SubmitError> {
        let (offset, mut answered) = self.append(&Entry::Override(Box::new(order)), now)?;
        let outcome = heard(&mut answered, self.inner.deadline).await?;
        Ok((offset, outcome))
    }
}

/// A label that was appended.
#[derive(Debug, Clone)]
pub struct LabelTaken {
    /// Its own name.
    pub label_id: LabelId,
    /// Its place in the log.
    pub offset: Offset,
    /// What became of it, where that is known in time.
    pub outcome: Option<Outcome>,
}

impl Handle {
    /// Reads what was learnt of a payment as JSON and appends it: decisions behind it know. What is not known yet
    /// by the appender's clock is refused; what is refused is kept as a dead letter.
    pub async fn take_label(&self, body: &[u8], now: Instant) -> Result<LabelTaken, SubmitError> {
        let parsed = json::parse_label(body)
            .map(|line| line.label)
            .and_then(|label| refuse_unknown_yet(label, now));
        let label = match parsed {
            Ok(label) => label,
            Err(rejection) => return Err(self.refuse(rejection, body).await),
        };
        let label_id = label.label_id.clone();
        let (offset, mut answered) = self.append(&Entry::Label(Box::new(label)), now)?;
        let outcome = heard(&mut answered, self.inner.deadline).await?;
        Ok(LabelTaken {
            label_id,
            offset,
            outcome,
        })
    }
}

/// A label speaks of the past: of what happened, and of what is known.
fn refuse_unknown_yet(label: Label, now: Instant) -> Result<Label, Rejection> {
    for (field, at) in [
        ("event_time", label.event_time),
        ("known_at", label.known_at),
    ] {
        if at.micros_since(now) > AHEAD_MICROS_MAX {
            let detail = format!("is {at}, more than 5 minutes ahead of {now}");
            return Err(Rejection::new(RejectionCode::FutureEvent, field, detail));
        }
    }
    Ok(label)
}

/// What became of an order; `None` where the deadline comes first.
async fn heard(
    answered: &mut oneshot::Receiver<Told>,
    deadline: Duration,
) -> Result<Option<Outcome>, SubmitError> {
    match tokio::time::timeout(deadline, answered).await {
        Ok(Ok(Told::Switched(outcome, _))) => Ok(Some(outcome)),
        Ok(_) => Err(SubmitError::Unavailable("the worker has stopped".into())),
        Err(_) => Ok(None),
    }
}
