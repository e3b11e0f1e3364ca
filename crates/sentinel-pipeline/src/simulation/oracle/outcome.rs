//! The outcome of each entry: first sightings, repeats, conflicts, labels once, activations by version, skips.

use std::collections::BTreeMap;

use sentinel_domain::{ActivationKind, Instant, Outcome, Override, RejectionCode};

use super::decision::{self, Admitted, Expectation, Frauds};
use super::{Appended, Oracle, REMEMBERED_US, Said};
use crate::simulation::contents::{Content, Features, Lists, Meaning, Model, Policy, Rates, Rules};

/// What must become of an entry.
#[derive(Debug, Clone)]
pub(in crate::simulation) enum Expected {
    Decided(Box<Expectation>),
    Repeated(u64),
    Conflicted(u64),
    Applied,
    Activated(ActivationKind, u32),
    Ignored,
    Refused(RejectionCode),
}

/// What is active of each kind, with the version.
#[derive(Debug, Clone, Default)]
pub(super) struct InForce {
    pub features: Option<(u32, Features)>,
    pub rates: Option<(u32, Rates)>,
    pub model: Option<(u32, Model)>,
    pub rules: Option<(u32, Rules)>,
    pub policy: Option<(u32, Policy)>,
    pub lists: Option<(u32, Lists)>,
}

impl InForce {
    fn version(&self, kind: ActivationKind) -> u32 {
        let version = match kind {
            ActivationKind::Features => self.features.as_ref().map(|one| one.0),
            ActivationKind::Rates => self.rates.as_ref().map(|one| one.0),
            ActivationKind::Model => self.model.as_ref().map(|one| one.0),
            ActivationKind::Rules => self.rules.as_ref().map(|one| one.0),
            ActivationKind::Policy => self.policy.as_ref().map(|one| one.0),
            ActivationKind::Lists => self.lists.as_ref().map(|one| one.0),
        };
        version.unwrap_or(0)
    }

    /// Whether the user's own feature is kept: other features are other windows.
    fn has_own(&self) -> Option<bool> {
        self.features.map(|(_, features)| features.has_own)
    }

    fn is_complete(&self) -> bool {
        let all = [ActivationKind::Features, ActivationKind::Rates];
        let more = [
            ActivationKind::Model,
            ActivationKind::Rules,
            ActivationKind::Policy,
        ];
        all.into_iter()
            .chain(more)
            .all(|kind| self.version(kind) > 0)
    }

    /// With one content more.
    fn with(&self, content: &Content) -> Self {
        let version = content.activation.version;
        let mut with = self.clone();
        match &content.meaning {
            Meaning::Features(one) => with.features = Some((version, *one)),
            Meaning::Rates(one) => with.rates = Some((version, one.clone())),
            Meaning::Model(one) => with.model = Some((version, *one)),
            Meaning::Rules(one) => with.rules = Some((version, *one)),
            Meaning::Policy(one) => with.policy = Some((version, *one)),
            Meaning::Lists(one) => with.lists = Some((version, *one)),
            Meaning::Broken => {}
        }
        with
    }

    /// Whether its parts fit together: rules name features that are there. Judged once every kind is there.
    fn fits(&self) -> bool {
        match (self.is_complete(), &self.rules, &self.features) {
            (true, Some((_, rules)), Some((_, features))) => !rules.asks_own || features.has_own,
            _ => true,
        }
    }
}

/// An id that counted as new.
struct First {
    id: String,
    at: u64,
    log_time: Instant,
}

impl First {
    fn of(id: &str, at: u64, entry: &Appended) -> Self {
        Self {
            id: id.to_owned(),
            at,
            log_time: entry.log_time,
        }
    }
}

/// The newest first sighting of an id that is still remembered.
fn remembered<'a>(firsts: &'a [First], id: &str, now: Instant) -> Option<&'a First> {
    let of_id = firsts.iter().rev().find(|first| first.id == id)?;
    (of_id.log_time.micros() > now.micros() - REMEMBERED_US).then_some(of_id)
}

impl Oracle {
    /// What must become of every entry of the list. `filled` are the activations behind which features were filled from
    /// the log, each with the first entry that the log had then.
    pub(in crate::simulation) fn outcomes(&self, filled: &BTreeMap<u64, u64>) -> Vec<Expected> {
        let mut in_force = InForce::default();
        let (mut events, mut labels, mut overrides) = (Vec::new(), Vec::new(), Vec::new());
        let (mut admitted, mut frauds) = (Vec::new(), Frauds::default());
        let mut outcomes = Vec::new();
        for (at, one) in (0..).zip(&self.list) {
            let outcome = match &one.said {
                _ if self.is_skipped(at) => Expected::Refused(RejectionCode::Skipped),
                Said::Nonsense(_) => Expected::Refused(RejectionCode::BadEntry),
                Said::Skip(skipped) if *skipped < at => Expected::Applied,
                Said::Skip(_) => Expected::Ignored,
                Said::Tick => Expected::Applied,
                Said::Erase(erasure) => {
                    decision::erase(&erasure.subject, &mut admitted, &mut frauds);
                    Expected::Applied
                }
                Said::Override(order) => {
                    let now = First::of(&order.override_id, at, one);
                    ordered(order, now, &events, &mut overrides)
                }
                Said::Content(content) => {
                    let before = in_force.has_own();
                    let outcome = switched(&mut in_force, content);
                    // Of several in one batch only the last is told, and the log began there for all of them.
                    let told = filled.range(at..).next();
                    if before.is_some()
                        && before != in_force.has_own()
                        && let Some((_, from @ 1..)) = told
                    {
                        (admitted, frauds) = self.filled_from(*from, at, &in_force);
                    }
                    outcome
                }
                Said::Label(label) => {
                    let id = label.label_id.0.as_str();
                    if remembered(&labels, id, one.log_time).is_some() {
                        Expected::Ignored
                    } else {
                        labels.push(First::of(id, at, one));
                        frauds.learn(label);
                        Expected::Applied
                    }
                }
                Said::Transaction(transaction) => {
                    let id = transaction.event_id.as_str();
                    match remembered(&events, id, one.log_time) {
                        Some(first) => match &self.list[usize::try_from(first.at).unwrap()].said {
                            Said::Transaction(same) if same == transaction => {
                                Expected::Repeated(first.at)
                            }
                            _ => Expected::Conflicted(first.at),
                        },
                        None => {
                            events.push(First::of(id, at, one));
                            let now = one.log_time;
                            Admitted::decide((transaction, now), &in_force, &mut admitted, &frauds)
                        }
                    }
                }
            };
            outcomes.push(outcome);
        }
        outcomes
    }

    /// What features know that are filled from the entries that a log still has: as if it had begun there, with the rates
    /// of now.
    fn filled_from(&self, from: u64, to: u64, now: &InForce) -> (Vec<Admitted>, Frauds) {
        let (mut events, mut labels) = (Vec::new(), Vec::new());
        let (mut admitted, mut frauds) = (Vec::new(), Frauds::default());
        for (at, one) in (0..to).zip(&self.list).skip(usize::try_from(from).unwrap()) {
            let first = |id: &str| First::of(id, at, one);
            let is_new = |known: &[First], id: &str| remembered(known, id, one.log_time).is_none();
            match &one.said {
                _ if self.is_skipped(at) => {}
                Said::Label(label) if is_new(&labels, &label.label_id.0) => {
                    labels.push(first(&label.label_id.0));
                    frauds.learn(label);
                }
                Said::Transaction(payment) if is_new(&events, payment.event_id.as_str()) => {
                    events.push(first(payment.event_id.as_str()));
                    let payment = (&**payment, one.log_time);
                    Admitted::decide(payment, now, &mut admitted, &frauds);
                }
                Said::Erase(erasure) => {
                    decision::erase(&erasure.subject, &mut admitted, &mut frauds);
                }
                _ => {}
            }
        }
        (admitted, frauds)
    }
}

/// An override counts once while its name is remembered. It has to name an earlier entry, and no repeat of what is still
/// remembered.
fn ordered(order: &Override, now: First, events: &[First], overrides: &mut Vec<First>) -> Expected {
    let first = remembered(events, order.event_id.as_str(), now.log_time);
    if order.decision.0 >= now.at || first.is_some_and(|first| order.decision.0 > first.at) {
        return Expected::Refused(RejectionCode::UnknownDecision);
    }
    if remembered(overrides, &now.id, now.log_time).is_some() {
        return Expected::Ignored;
    }
    overrides.push(now);
    Expected::Applied
}

fn switched(in_force: &mut InForce, content: &Content) -> Expected {
    let (kind, version) = (content.activation.kind, content.activation.version);
    if version <= in_force.version(kind) {
        return Expected::Ignored;
    }
    let with = in_force.with(content);
    if matches!(content.meaning, Meaning::Broken) || !with.fits() {
        return Expected::Refused(RejectionCode::BadEntry);
    }
    *in_force = with;
    Expected::Activated(kind, version)
}

impl Expected {
    /// What is wrong with an outcome, where anything is.
    pub(in crate::simulation) fn fault(&self, found: &Outcome) -> Option<String> {
        let is_right = match (self, found) {
            (Self::Decided(expected), Outcome::Decided(decision)) => {
                return expected.fault(decision);
            }
            (Self::Repeated(first), Outcome::Repeated { first: found })
            | (Self::Conflicted(first), Outcome::Conflicted { first: found }) => *first == found.0,
            (Self::Applied, Outcome::Applied) | (Self::Ignored, Outcome::Ignored) => true,
            (Self::Activated(kind, version), Outcome::Activated(versions)) => match kind {
                ActivationKind::Features => true,
                ActivationKind::Rates => versions.rates.1 == *version,
                ActivationKind::Model => versions.model.1 == *version,
                ActivationKind::Rules => versions.rules.1 == *version,
                ActivationKind::Policy => versions.policy.1 == *version,
                ActivationKind::Lists => versions.lists.1 == *version,
            },
            (Self::Refused(code), Outcome::Refused(rejection)) => *code == rejection.code,
            _ => false,
        };
        (!is_right).then(|| format!("expected {self:?}, found {found:?}"))
    }

    /// The decision that somebody has to see, where it is one.
    pub(in crate::simulation) fn due(&self) -> Option<&Expectation> {
        match self {
            Self::Decided(expected) => Some(&**expected).filter(|one| one.is_due()),
            _ => None,
        }
    }
}
