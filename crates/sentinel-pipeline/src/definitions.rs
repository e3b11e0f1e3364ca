//! User-defined features on their way into the log: the active set, and the definitions behind it.
//!
//! A name keeps its meaning: what stands already under the same name with the same definition is left as it
//! is, with another definition it is a fault. So adding the same file twice changes nothing, and no door
//! throws away what another one added. Must never append anything itself.

use sentinel_domain::{Activation, ActivationKind};
use sentinel_features::{DefinitionError, DefinitionErrors, FeatureSet};

use crate::active::Active;

/// How an activation of user-defined features is called.
const NAME: &str = "catalogue";

/// The active set with definitions behind it.
#[derive(Debug)]
pub struct Addition {
    /// What to append; `None` where every definition is active already.
    pub activation: Option<Activation>,
    /// The names that are new, in the order of the row.
    pub added: Vec<String>,
    /// The version of features that holds them.
    pub version: u32,
    /// The whole set.
    pub features: FeatureSet,
}

/// Why definitions cannot be added.
#[derive(Debug, thiserror::Error)]
pub enum AdditionError {
    /// Nothing is active that they could join.
    #[error("no feature set is active in this log yet")]
    NothingActive,
    /// The text has faults.
    #[error(transparent)]
    Definitions(#[from] DefinitionErrors),
    /// They do not fit to the active model or rules.
    #[error("the new features do not fit to what is active: {0}")]
    Unfit(String),
}

/// The active set with the definitions of a text behind it, under the next version.
pub fn add(active: &Active, definitions: &str) -> Result<Addition, AdditionError> {
    let Some(decider) = active.decider() else {
        return Err(AdditionError::NothingActive);
    };
    let before = &decider.features;
    let features = before.clone().with_definitions(definitions)?;
    let added = added_names(before, &features);
    let version = active.version(ActivationKind::Features);
    if added.is_empty() {
        return Ok(Addition {
            activation: None,
            added,
            version,
            features,
        });
    }
    let activation = Activation {
        kind: ActivationKind::Features,
        name: NAME.into(),
        version: version + 1,
        content: features.to_text().into_bytes(),
    };
    active.check(&activation).map_err(AdditionError::Unfit)?;
    Ok(Addition {
        version: activation.version,
        activation: Some(activation),
        added,
        features,
    })
}

/// The content that a start shall append for a feature set that it wants: user-defined features of the
/// active set stay, in their order, with those it wants besides behind them.
pub fn keep(active: &Active, wanted: &Activation) -> Result<Activation, String> {
    let Some(decider) = active.decider() else {
        return Ok(wanted.clone());
    };
    let text = std::str::from_utf8(&wanted.content)
        .map_err(|error| format!("features are not UTF-8: {error}"))?;
    let wanted_set = FeatureSet::parse(text).map_err(|error| error.to_string())?;
    let kept = wanted_set
        .clone()
        .without_definitions()
        .with_definitions_of(&decider.features)
        .map_err(|errors| format!("features that were added to this log: {errors}"))?
        .with_definitions_of(&wanted_set)
        .map_err(|errors| {
            format!("features differ from those that were added to this log before: {errors}")
        })?;
    Ok(Activation {
        content: kept.to_text().into_bytes(),
        ..wanted.clone()
    })
}

/// A fault without its line, which every door spells in its own way: feature, key, and what is wrong.
pub fn told(fault: &DefinitionError) -> String {
    let parts = [&fault.feature, &fault.key, &fault.detail];
    let given = parts.into_iter().filter(|part| !part.is_empty());
    given.map(String::as_str).collect::<Vec<_>>().join(": ")
}

fn added_names(before: &FeatureSet, after: &FeatureSet) -> Vec<String> {
    let mut added = after.names();
    let had = before.names();
    added.retain(|name| !had.contains(name));
    added.into_iter().map(str::to_owned).collect()
}
