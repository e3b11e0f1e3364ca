//! What is active: the features, model, rules, policy and rates by which transactions are decided now.
//!
//! Changes only by activations in the log. An activation that cannot be used (a model naming a feature
//! that is not there, rules that do not compile) is refused and changes nothing, the same way on every
//! replay.

mod interner;

use std::sync::Arc;

use sentinel_domain::{
    Activation, ActivationKind, ContentHash, RateTable, Rejection, RejectionCode, Text, Versions,
};
use sentinel_features::FeatureSet;
use sentinel_rules::{Lists, Policy, RuleSet, Schema};
use sentinel_scoring::{Model, Scorer, signature};

use crate::rates;
use interner::Interner;

/// Grows whenever the same log would give other decisions than the release before.
pub const ENGINE_SEMANTICS: u32 = 4;

/// Everything a decision is made with, bound together.
pub struct Decider {
    /// Which features, in which order.
    pub features: FeatureSet,
    /// The model, bound to the row.
    pub scorer: Arc<Scorer>,
    /// The rules, bound to the row.
    pub rules: Arc<RuleSet>,
    /// Tier bounds and verdicts.
    pub policy: Policy,
    /// Rates into the reference currency.
    pub rates: RateTable,
    /// Lists that rules may ask for; none where none were activated.
    pub lists: Arc<Lists>,
    /// The names of all that.
    pub versions: Arc<Versions>,
}

/// The active content of each kind, and the decider they make together. A clone shares the contents.
#[derive(Default, Clone)]
pub struct Active {
    contents: Contents,
    parts: Parts,
    decider: Option<Arc<Decider>>,
}

/// What the contents mean that need nothing else, each shared with whoever has the same content.
#[derive(Default, Clone)]
struct Parts {
    features: Option<Arc<FeatureSet>>,
    policy: Option<Arc<Policy>>,
    rates: Option<Arc<RateTable>>,
    lists: Option<Arc<Lists>>,
}

static FEATURES: Interner<FeatureSet> = Interner::new();
static POLICIES: Interner<Policy> = Interner::new();
static RATES: Interner<RateTable> = Interner::new();
static LISTS: Interner<Lists> = Interner::new();
/// Of a model and the features that it is bound to.
static SCORERS: Interner<Scorer> = Interner::new();
/// Of rules and the features that they ask for.
static RULES: Interner<RuleSet> = Interner::new();

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
        let (parts, decider) = bind(&active.contents)?;
        (active.parts, active.decider) = (parts, decider.map(Arc::new));
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
            Ok((parts, decider)) => {
                self.contents = contents;
                self.parts = parts;
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
    let (_, decider) = bind(&slots)?;
    decider.ok_or_else(|| "not every kind of content is given".to_owned())
}

type Contents = [Option<Arc<Activation>>; ActivationKind::ALL.len()];

fn place(kind: ActivationKind) -> usize {
    usize::from(kind.code()) - 1
}

/// Reads each content and binds them to each other; no decider while a kind is missing. What is in use already is
/// neither read nor bound again.
fn bind(contents: &Contents) -> Result<(Parts, Option<Decider>), String> {
    let content = |kind| contents.get(place(kind)).and_then(Option::as_deref);
    let parts = Parts::read(contents)?;
    let (model, rules) = (
        content(ActivationKind::Model),
        content(ActivationKind::Rules),
    );
    let rules_text = rules.map(text).transpose()?;
    let (Some(set), Some(policy), Some(rates)) = (&parts.features, &parts.policy, &parts.rates)
    else {
        return unbound(parts, model);
    };
    let (Some(model), Some(rules), Some(rules_text)) = (model, rules, rules_text) else {
        return unbound(parts, model);
    };
    let with_features = |one: &Activation| [set.content_hash(), one.content_hash()];
    let scorer = SCORERS.get(with_features(model), || {
        let bound = read_model(model)?.bind(&set.names());
        bound.map_err(|error| error.to_string())
    })?;
    let rules = RULES.get(with_features(rules), || {
        RuleSet::compile(rules_text, &Schema::new(&set.names()))
            .map_err(|diagnostics| join(&diagnostics))
    })?;
    let versions = Arc::new(versions_with(contents, set.content_hash()));
    let decider = Decider {
        features: FeatureSet::clone(set),
        scorer,
        rules,
        policy: Policy::clone(policy),
        rates: RateTable::clone(rates),
        lists: parts.lists.clone().unwrap_or_default(),
        versions,
    };
    Ok((parts, Some(decider)))
}

/// There is nothing to bind a model to yet: whether it can be read is all there is to say.
fn unbound(parts: Parts, model: Option<&Activation>) -> Result<(Parts, Option<Decider>), String> {
    model.map(read_model).transpose()?;
    Ok((parts, None))
}

impl Parts {
    fn read(contents: &Contents) -> Result<Self, String> {
        Ok(Self {
            features: part(contents, ActivationKind::Features, &FEATURES, |text| {
                FeatureSet::parse(text).map_err(|error| error.to_string())
            })?,
            policy: part(contents, ActivationKind::Policy, &POLICIES, |text| {
                Policy::parse(text).map_err(|diagnostics| join(&diagnostics))
            })?,
            rates: part(contents, ActivationKind::Rates, &RATES, |text| {
                rates::parse(text).map(|named| named.table)
            })?,
            lists: part(contents, ActivationKind::Lists, &LISTS, |text| {
                Lists::parse(text).map_err(|diagnostics| join(&diagnostics))
            })?,
        })
    }
}

/// What a content means, where there is one.
fn part<T>(
    contents: &Contents,
    kind: ActivationKind,
    interner: &Interner<T>,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<Arc<T>>, String> {
    let content = contents.get(place(kind)).and_then(Option::as_deref);
    let part = content.map(|one| {
        let key = [one.content_hash(), ContentHash::default()];
        interner.get(key, || read(text(one)?))
    });
    part.transpose()
}

fn text(activation: &Activation) -> Result<&str, String> {
    let kind = activation.kind;
    std::str::from_utf8(&activation.content)
        .map_err(|error| format!("{kind} are not UTF-8: {error}"))
}

fn read_model(activation: &Activation) -> Result<Model, String> {
    Model::parse(text(activation)?.as_bytes()).map_err(|error| error.to_string())
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
