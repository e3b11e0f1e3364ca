//! What is active: the features, model, rules, policy and rates by which transactions are decided now.
//!
//! Changes only by activations in the log. An activation that cannot be used (a model naming a feature
//! that is not there, rules that do not compile) is refused and changes nothing, the same way on every
//! replay.

use std::sync::Arc;

use sentinel_domain::{
    Activation, ActivationKind, ContentHash, RateTable, Rejection, RejectionCode, Text, Versions,
};
use sentinel_features::FeatureSet;
use sentinel_rules::{Lists, Policy, RuleSet, Schema};
use sentinel_scoring::{Model, Scorer, signature};

use crate::rates;

/// Grows whenever the same log would give other decisions than the release before.
pub const ENGINE_SEMANTICS: u32 = 3;

/// Everything a decision is made with, bound together.
pub struct Decider {
    /// Which features, in which order.
    pub features: FeatureSet,
    /// The model, bound to the row.
    pub scorer: Scorer,
    /// The rules, bound to the row.
    pub rules: RuleSet,
    /// Tier bounds and verdicts.
    pub policy: Policy,
    /// Rates into the reference currency.
    pub rates: RateTable,
    /// Lists that rules may ask for; none where none were activated.
    pub lists: Lists,
    /// The names of all that.
    pub versions: Arc<Versions>,
}

/// The active content of each kind, and the decider they make together. A clone shares the contents.
#[derive(Default, Clone)]
pub struct Active {
    contents: [Option<Arc<Activation>>; ActivationKind::ALL.len()],
    decider: Option<Arc<Decider>>,
}

/// What became of an activation.
#[derive(Debug)]
pub enum Switched {
    /// It took effect.
    Activated(Arc<Versions>),
    /// Its version is not above the active one.
    Ignored,
    /// It cannot be used.
    Refused(Rejection),
}

impl Active {
    /// The decider; `None` until every kind that is needed has been activated once.
    pub fn decider(&self) -> Option<&Arc<Decider>> {
        self.decider.as_ref()
    }

    /// The active content of a kind.
    pub fn content(&self, kind: ActivationKind) -> Option<&Activation> {
        self.contents.get(place(kind))?.as_deref()
    }

    /// The version of the active content of a kind; 0 where there is none.
    pub fn version(&self, kind: ActivationKind) -> u32 {
        self.content(kind).map_or(0, |active| active.version)
    }

    /// The active contents, in the order of their kinds.
    pub(crate) fn contents(&self) -> impl Iterator<Item = &Activation> {
        self.contents.iter().flatten().map(|one| &**one)
    }

    /// These contents put in force at once, one of each kind at most.
    pub(crate) fn of_contents(contents: Vec<Activation>) -> Result<Self, String> {
        let mut active = Self::default();
        for activation in contents {
            if let Some(slot) = active.contents.get_mut(place(activation.kind)) {
                *slot = Some(Arc::new(activation));
            }
        }
        active.decider = bind(&active.contents)?.map(Arc::new);
        Ok(active)
    }

    /// Checks that a content fits to the others that are active, without changing anything.
    pub fn check(&self, activation: &Activation) -> Result<(), String> {
        let mut contents = self.contents.clone();
        if let Some(slot) = contents.get_mut(place(activation.kind)) {
            *slot = Some(Arc::new(activation.clone()));
        }
        bind(&contents).map(|_| ())
    }

    /// Takes an activation in.
    pub fn switch(&mut self, activation: Activation) -> Switched {
        let kind = activation.kind;
        if self
            .content(kind)
            .is_some_and(|active| activation.version <= active.version)
        {
            return Switched::Ignored;
        }
        let mut contents = self.contents.clone();
        if let Some(slot) = contents.get_mut(place(kind)) {
            *slot = Some(Arc::new(activation));
        }
        match bind(&contents) {
            Err(detail) => Switched::Refused(Rejection::new(
                RejectionCode::BadEntry,
                kind.as_str(),
                detail,
            )),
            Ok(decider) => {
                self.contents = contents;
                self.decider = decider.map(Arc::new);
                Switched::Activated(versions_of(&self.contents, self.decider.as_deref()))
            }
        }
    }
}

/// Checks that contents fit together, without a log: what a command does before it appends them.
pub fn check(contents: &[Activation]) -> Result<Decider, String> {
    let mut slots: [Option<Arc<Activation>>; ActivationKind::ALL.len()] = Default::default();
    for activation in contents {
        if let Some(slot) = slots.get_mut(place(activation.kind)) {
            *slot = Some(Arc::new(activation.clone()));
        }
    }
    bind(&slots)?.ok_or_else(|| "not every kind of content is given".to_owned())
}

type Contents = [Option<Arc<Activation>>; ActivationKind::ALL.len()];

fn place(kind: ActivationKind) -> usize {
    usize::from(kind.code()) - 1
}

/// Parses each content and binds them to each other; `None` while a kind is missing.
fn bind(contents: &Contents) -> Result<Option<Decider>, String> {
    let text = |kind| -> Result<Option<&str>, String> {
        let content = contents.get(place(kind)).and_then(Option::as_deref);
        content
            .map(|activation: &Activation| std::str::from_utf8(&activation.content))
            .transpose()
            .map_err(|error| format!("{kind} are not UTF-8: {error}"))
    };
    let features = text(ActivationKind::Features)?
        .map(|text| FeatureSet::parse(text).map_err(|error| error.to_string()))
        .transpose()?;
    let model = text(ActivationKind::Model)?
        .map(|text| Model::parse(text.as_bytes()).map_err(|error| error.to_string()))
        .transpose()?;
    let policy = text(ActivationKind::Policy)?
        .map(|text| Policy::parse(text).map_err(|diagnostics| join(&diagnostics)))
        .transpose()?;
    let rates = text(ActivationKind::Rates)?.map(rates::parse).transpose()?;
    let lists = text(ActivationKind::Lists)?
        .map(|text| Lists::parse(text).map_err(|diagnostics| join(&diagnostics)))
        .transpose()?
        .unwrap_or_default();
    let rules_text = text(ActivationKind::Rules)?;
    let (Some(features), Some(model), Some(policy), Some(rates), Some(rules_text)) =
        (features, model, policy, rates, rules_text)
    else {
        return Ok(None);
    };
    let names = features.names();
    let scorer = model.bind(&names).map_err(|error| error.to_string())?;
    let rules = RuleSet::compile(rules_text, &Schema::new(&names))
        .map_err(|diagnostics| join(&diagnostics))?;
    let versions = Arc::new(versions_with(contents, features.content_hash()));
    Ok(Some(Decider {
        features,
        scorer,
        rules,
        policy,
        rates: rates.table,
        lists,
        versions,
    }))
}

fn join<T: std::fmt::Display>(diagnostics: &[T]) -> String {
    diagnostics
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The hash by which decisions name a content: a model is the same with and without signatures.
fn hash_of(activation: &Activation) -> ContentHash {
    match (activation.kind, signature::split(&activation.content)) {
        (ActivationKind::Model, Ok((model, _))) => ContentHash::of(model),
        _ => activation.content_hash(),
    }
}

fn versions_of(contents: &Contents, decider: Option<&Decider>) -> Arc<Versions> {
    decider.map_or_else(
        || Arc::new(versions_with(contents, ContentHash::default())),
        |decider| Arc::clone(&decider.versions),
    )
}

fn versions_with(contents: &Contents, feature_set: ContentHash) -> Versions {
    let named = |kind| {
        contents
            .get(place(kind))
            .and_then(Option::as_deref)
            .map_or_else(
                || (Text::default(), 0, ContentHash::default()),
                |activation: &Activation| {
                    (
                        activation.name.clone(),
                        activation.version,
                        hash_of(activation),
                    )
                },
            )
    };
    Versions {
        engine_semantics: ENGINE_SEMANTICS,
        feature_set,
        model: named(ActivationKind::Model),
        rules: named(ActivationKind::Rules),
        policy: named(ActivationKind::Policy),
        rates: named(ActivationKind::Rates),
        lists: named(ActivationKind::Lists),
    }
}
