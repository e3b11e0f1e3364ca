//! Decisions: the verdict on one transaction, why, and everything that made it.

use std::fmt;
use std::sync::Arc;

use crate::content_hash::ContentHash;
use crate::identifier::{DecisionId, EventId, Text};
use crate::instant::Instant;
use crate::position::LogPosition;
use crate::score::{Contribution, LogOdds, Score};
use crate::tier::Tier;
use crate::vocabulary;

vocabulary! {
    /// What to do with the payment. Ordered: a later one is more severe.
    Verdict {
        /// Let it pass.
        Approve = 0, "approve";
        /// Ask the payer for proof (3-D Secure, one-time code).
        Challenge = 1, "challenge";
        /// Hold it for a person.
        Review = 2, "review";
        /// Refuse it.
        Decline = 3, "decline";
    }
}

vocabulary! {
    /// What a rule did.
    RuleOutcome {
        /// Its condition held.
        Hit = 1, "hit";
        /// Its condition did not hold.
        NoHit = 2, "no_hit";
        /// It held, and was snoozed or outranked on purpose.
        Suppressed = 3, "suppressed";
        /// It held and decided alone.
        Forced = 4, "forced";
        /// It could not be evaluated.
        Error = 5, "error";
    }
}

vocabulary! {
    /// What was not as it should be when the decision was made.
    Degradation {
        /// The event is older than one already seen; it was put in its place and answered as of the newest.
        LateEvent = 1, "late_event";
        /// The event is older than lateness allows; windows were left untouched.
        TooLateEvent = 2, "too_late_event";
        /// The currency has no rate: amounts in the reference currency are missing.
        MissingRate = 3, "missing_rate";
        /// A window holds more events than are kept exactly; its values are estimates.
        EstimatedWindow = 4, "estimated_window";
    }
}

impl Degradation {
    /// What was done about it, for people and the `policy` key of the wire.
    pub const fn policy(self) -> &'static str {
        match self {
            Self::LateEvent => "inserted_in_order",
            Self::TooLateEvent => "windows_untouched",
            Self::MissingRate => "amount_features_missing",
            Self::EstimatedWindow => "newest_events_only",
        }
    }
}

/// One reason for a verdict, in an analyst's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// A feature's name, or a rule's id after `rule:`.
    pub code: Text,
    /// A sentence for a person, with the values in it.
    pub text: String,
    /// The share of the log-odds; zero for a rule, since rules add no points.
    pub contribution: LogOdds,
}

/// A rule that did something.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleHit {
    /// The rule's stable id.
    pub rule_id: Text,
    /// The rule's own version.
    pub version: u32,
    /// What it did.
    pub outcome: RuleOutcome,
    /// The values its condition read, by name.
    pub evidence: Vec<(Text, f64)>,
}

/// Everything that made a decision, by version and content hash. Shared by all decisions between two
/// activations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Versions {
    /// The meaning of the engine itself; grows when the same input would give another decision.
    pub engine_semantics: u32,
    /// The feature set.
    pub feature_set: ContentHash,
    /// The model: name, version, content.
    pub model: (Text, u32, ContentHash),
    /// The rule set: name, version, content.
    pub rules: (Text, u32, ContentHash),
    /// The policy: name, version, content.
    pub policy: (Text, u32, ContentHash),
    /// The currency rates: name, version, content.
    pub rates: (Text, u32, ContentHash),
    /// The lists: name, version, content; version 0 where there are none.
    pub lists: (Text, u32, ContentHash),
}

impl Versions {
    /// One hash over all of it.
    pub fn config_hash(&self) -> ContentHash {
        let part = |(name, version, hash): &(Text, u32, ContentHash)| {
            format!("{name}\n{version}\n{hash}\n")
        };
        let semantics = self.engine_semantics.to_le_bytes();
        let [model, rules] = [part(&self.model), part(&self.rules)];
        let [policy, rates] = [part(&self.policy), part(&self.rates)];
        let lists = part(&self.lists);
        let parts: [&[u8]; 7] = [
            &semantics,
            &self.feature_set.0,
            model.as_bytes(),
            rules.as_bytes(),
            policy.as_bytes(),
            rates.as_bytes(),
            lists.as_bytes(),
        ];
        // Without lists the hash is that of the time before there were any.
        let count = parts.len() - usize::from(self.lists.1 == 0);
        ContentHash::of_parts(parts.get(..count).unwrap_or(&parts))
    }
}

/// The verdict on one transaction: a function of the log up to its position, and nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The position of the transaction; the decision's id follows from it.
    pub position: LogPosition,
    /// The caller's name for the event.
    pub event_id: EventId,
    /// The time stamped on the entry when it was appended.
    pub log_time: Instant,
    /// What to do.
    pub verdict: Verdict,
    /// The more severe of the model's tier and the velocity tier.
    pub tier: Tier,
    /// What the model said.
    pub score: Score,
    /// Why, strongest first; empty for a minimal, approved transaction.
    pub reasons: Vec<Reason>,
    /// Rules that did something, in the order of the rule set.
    pub rules: Vec<RuleHit>,
    /// What was not as it should be.
    pub degraded: Vec<Degradation>,
    /// The log-odds before any feature spoke; with the contributions it gives the score's log-odds exactly.
    pub base: LogOdds,
    /// Every feature's share, in feature order, zero shares left out. Recorded where the tier is low or
    /// above or the verdict is not approve; else empty.
    pub contributions: Vec<Contribution>,
    /// What made it.
    pub versions: Arc<Versions>,
}

impl Decision {
    /// The decision's name.
    pub fn decision_id(&self) -> DecisionId {
        DecisionId::at(self.position)
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {}",
            self.event_id,
            self.verdict,
            self.tier,
            self.score.points()
        )
    }
}
