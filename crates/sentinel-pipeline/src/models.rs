//! Models on their way into the log: checked against trust, features and rules before anything is appended.
//!
//! An activated model stays: a restart that names no other goes on with it, as added features do. Must never
//! append anything itself.

use sentinel_domain::{Activation, ActivationKind, ContentHash, Instant, Offset, Text};
use sentinel_scoring::Model;

use crate::active::Active;
use crate::trust::ModelTrust;

/// The name of the model that ships, wherever it is activated. Nothing else may take it.
pub const SHIPPED_NAME: &str = "default";

/// The longest model that is taken in over a door.
pub const MODEL_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The longest name of an activation.
const NAME_BYTES_MAX: usize = 64;

/// How many names of features are told at most.
const NAMES_TOLD: usize = 10;

/// A model that decisions were made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivatedModel {
    /// The name of its activation.
    pub name: Text,
    /// The version of its activation.
    pub version: u32,
    /// The hash by which decisions name it.
    pub hash: ContentHash,
    /// Its activation: it decides from there on.
    pub offset: Offset,
    /// When that was appended.
    pub log_time: Instant,
}

/// Why a model cannot be put in force.
#[derive(Debug, thiserror::Error)]
pub enum ModelRefused {
    /// Nothing is active that it could join.
    #[error("no feature set is active in this log yet")]
    NothingActive,
    /// The name, the file, its signature or its features are not good enough.
    #[error("{0}")]
    Unfit(String),
}

/// What to append so that a model is in force; `None` where it is already. The version is the next one.
pub fn plan(
    active: &Active,
    trust: &ModelTrust,
    name: Option<&str>,
    content: &[u8],
) -> Result<(Model, Option<Activation>), ModelRefused> {
    let unfit = ModelRefused::Unfit;
    if content.len() > MODEL_BYTES_MAX {
        return Err(unfit(format!(
            "the model is longer than {MODEL_BYTES_MAX} bytes"
        )));
    }
    trust.check(content).map_err(unfit)?;
    let model = Model::parse(content).map_err(|error| unfit(error.to_string()))?;
    let Some(decider) = active.decider() else {
        return Err(ModelRefused::NothingActive);
    };
    refuse_unknown_features(&model, &decider.features.names())?;
    if active
        .content(ActivationKind::Model)
        .is_some_and(|own| own.content == content)
    {
        return Ok((model, None));
    }
    let name = name.unwrap_or_else(|| model.name());
    let built_in = trust.built_in == Some(model.content_hash());
    if name.is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
        return Err(unfit(format!(
            "a name of a model has 1 to {NAME_BYTES_MAX} bytes"
        )));
    }
    if name == SHIPPED_NAME && !built_in {
        return Err(unfit(format!(
            "{SHIPPED_NAME:?} is the name of the model that ships; give this one another"
        )));
    }
    let activation = Activation {
        kind: ActivationKind::Model,
        name: name.into(),
        version: active.version(ActivationKind::Model) + 1,
        content: content.to_vec(),
    };
    active.check(&activation).map_err(unfit)?;
    Ok((model, Some(activation)))
}

/// All features that are missing, not only the first.
fn refuse_unknown_features(model: &Model, known: &[&str]) -> Result<(), ModelRefused> {
    let features = model.features().iter().map(String::as_str);
    let unknown: Vec<&str> = features.filter(|name| !known.contains(name)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let told = unknown
        .iter()
        .take(NAMES_TOLD)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    let more = match unknown.len().saturating_sub(NAMES_TOLD) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (name, count) = (model.name(), unknown.len());
    Err(ModelRefused::Unfit(format!(
        "model {name} reads {count} features that the active set has not: {told}{more}"
    )))
}

/// The content that a start shall append for the model it wants: where it wants the one that ships, a model
/// that was activated in this log stays.
pub fn keep(active: &Active, wanted: &Activation) -> Activation {
    match active.content(ActivationKind::Model) {
        Some(own) if wanted.name == SHIPPED_NAME && own.name != SHIPPED_NAME => own.clone(),
        _ => wanted.clone(),
    }
}
