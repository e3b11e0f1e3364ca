//! A decision on the wire: the response body of `POST /api/v1/decisions` and a line of `sentinel run`.

use std::collections::BTreeMap;

use sentinel_domain::{ContentHash, Decision, Degradation, Reason, RuleHit, Text, Versions};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::overrides::OverriddenByBody;

/// The verdict on one transaction with everything that made it.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionBody<'a> {
    /// Names the decision.
    #[schema(example = "dec_000000000000002a8f14e45fceea167a")]
    pub decision_id: String,
    /// The caller's name for the event.
    #[schema(example = "order-1001")]
    pub event_id: &'a str,
    /// `approve`, `challenge`, `review` or `decline`.
    #[schema(example = "approve")]
    pub decision: &'static str,
    /// 0 to 1000: floor(1000 * risk).
    #[schema(example = 137)]
    pub score: u16,
    /// Calibrated probability of fraud.
    #[schema(example = 0.0042)]
    pub probability: f64,
    /// Risk, 0 to 1: what tiers compare.
    #[schema(example = 0.1371)]
    pub risk: f64,
    /// How far the score can be trusted, 0 to 1: whether the members of the model agree, and how many rows
    /// like it were seen when it was calibrated. It decides nothing.
    #[schema(example = 0.83)]
    pub confidence: f64,
    /// `minimal`, `low`, `medium`, `high` or `critical`.
    #[schema(example = "minimal")]
    pub tier: &'static str,
    /// Why, strongest first; empty for a minimal, approved transaction.
    pub reasons: Vec<ReasonBody<'a>>,
    /// Rules that did something.
    pub rules: Vec<RuleBody<'a>>,
    /// Models that spoke.
    pub models: Vec<ModelBody<'a>>,
    /// Empty: what a list did is told by the rule that asked it.
    pub lists: Vec<String>,
    /// What was done beside the verdict; nothing yet.
    pub actions: Vec<String>,
    /// What was not as it should be.
    pub degraded: Vec<DegradedBody>,
    /// Everything that made the decision.
    pub versions: VersionsBody<'a>,
    /// Where the transaction stands in the log.
    pub log_position: PositionBody,
    /// Worker pick-up to record, microseconds; outside every comparison, left out by `--reproducible`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 85)]
    pub latency_us: Option<u32>,
    /// Present and true where the same event came before: this is the decision of then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replayed: Option<bool>,
}

/// A transaction that is in the log and not decided yet.
#[derive(Debug, Serialize, ToSchema)]
pub struct PendingBody {
    /// The decision it will get.
    #[schema(example = "dec_000000000000002a8f14e45fceea167a")]
    pub decision_id: String,
    /// Always `pending`.
    #[schema(example = "pending")]
    pub status: &'static str,
}

impl PendingBody {
    /// The only status there is.
    pub const STATUS: &'static str = "pending";
}

/// A decision with what followed from it and the transaction it is about.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionDetail<'a> {
    /// The decision.
    #[serde(flatten)]
    pub decision: DecisionBody<'a>,
    /// What followed from it so far.
    pub followed_by: FollowedByBody,
    /// What a person decided in its place, the newest; absent where nobody has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overridden_by: Option<OverriddenByBody>,
    /// The transaction in its canonical spelling: instants as microseconds since 1970 UTC, absent fields
    /// left out.
    #[schema(value_type = Object)]
    pub transaction: serde_json::Value,
}

/// What followed from a decision; outside every comparison.
#[derive(Debug, Serialize, ToSchema)]
pub struct FollowedByBody {
    /// The alert it raised.
    #[schema(example = "alr_000000000000002a0f6e1d5cf2a0b1c3")]
    pub alert_id: Option<String>,
    /// The case that alert opened.
    #[schema(example = "cas_000000000000002a77c1f0a9d3b2e4f5")]
    pub case_id: Option<String>,
}

/// One reason.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReasonBody<'a> {
    /// A feature's name, or a rule's id after `rule:`.
    #[schema(example = "account_count_1m")]
    pub code: &'a str,
    /// For a person.
    #[schema(example = "12 payments of this account within 1 minute")]
    pub text: &'a str,
    /// The share of the log-odds; zero for a rule.
    #[schema(example = 1.73)]
    pub contribution: f64,
}

/// One rule that did something.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleBody<'a> {
    /// The rule's id.
    #[schema(example = "velocity_critical")]
    pub rule_id: &'a str,
    /// The rule's own version.
    pub version: u32,
    /// `hit`, `no_hit`, `suppressed`, `forced` or `error`.
    #[schema(example = "hit")]
    pub outcome: &'static str,
    /// Always zero: rules give verdicts and reasons, never points.
    pub points: u8,
    /// The numbers its condition read; null where missing.
    pub evidence: BTreeMap<&'a str, Option<f64>>,
}

/// One model that spoke.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelBody<'a> {
    /// The model's name.
    #[schema(example = "default")]
    pub model_id: &'a str,
    /// Its version within the log.
    pub version: u32,
    /// 0 to 1000.
    pub score: u16,
    /// `champion` or `challenger`.
    #[schema(example = "champion")]
    pub role: &'static str,
}

/// Something that was not as it should be.
#[derive(Debug, Serialize, ToSchema)]
pub struct DegradedBody {
    /// What.
    #[schema(example = "late_event")]
    pub what: &'static str,
    /// What was done about it.
    #[schema(example = "inserted_in_order")]
    pub policy: &'static str,
}

/// What made a decision: a hash over all of it, and the parts as `name@version:hash`.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionsBody<'a> {
    /// One hash over everything below.
    pub config_hash: &'a str,
    /// The feature set.
    pub feature_set: &'a str,
    /// The model.
    #[schema(example = "default@1:9f86d081884c")]
    pub model: &'a str,
    /// The rule set.
    pub rules: &'a str,
    /// The policy.
    pub policy: &'a str,
    /// The currency rates.
    pub rates: &'a str,
    /// The lists; absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lists: Option<&'a str>,
    /// The meaning of the engine itself.
    pub engine_semantics: u32,
}

/// Where an entry stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct PositionBody {
    /// The log generation.
    pub log: String,
    /// The partition.
    pub partition: u16,
    /// The offset within it.
    pub offset: u64,
}

/// The spelled versions, kept between decisions: they change only with an activation.
#[derive(Debug, Clone, Default)]
pub struct SpelledVersions {
    config_hash: String,
    feature_set: String,
    model: String,
    rules: String,
    policy: String,
    rates: String,
    lists: Option<String>,
    engine_semantics: u32,
}

impl SpelledVersions {
    /// Spells versions.
    pub fn of(versions: &Versions) -> Self {
        let named = |(name, version, hash): &(Text, u32, ContentHash)| {
            format!("{name}@{version}:{}", hash.abbreviated())
        };
        Self {
            config_hash: versions.config_hash().abbreviated(),
            feature_set: versions.feature_set.abbreviated(),
            model: named(&versions.model),
            rules: named(&versions.rules),
            policy: named(&versions.policy),
            rates: named(&versions.rates),
            lists: (versions.lists.1 > 0).then(|| named(&versions.lists)),
            engine_semantics: versions.engine_semantics,
        }
    }

    fn body(&self) -> VersionsBody<'_> {
        VersionsBody {
            config_hash: &self.config_hash,
            feature_set: &self.feature_set,
            model: &self.model,
            rules: &self.rules,
            policy: &self.policy,
            rates: &self.rates,
            lists: self.lists.as_deref(),
            engine_semantics: self.engine_semantics,
        }
    }
}

impl<'a> DecisionBody<'a> {
    /// The body of a decision; `versions` are the spelled ones of this decision.
    pub fn of(
        decision: &'a Decision,
        versions: &'a SpelledVersions,
        latency_us: Option<u32>,
    ) -> Self {
        let points = decision.score.points();
        Self {
            decision_id: decision.decision_id().to_string(),
            event_id: decision.event_id.as_str(),
            decision: decision.verdict.as_str(),
            score: points,
            probability: decision.score.probability,
            risk: decision.score.risk,
            confidence: decision.score.confidence,
            tier: decision.tier.as_str(),
            reasons: decision.reasons.iter().map(ReasonBody::of).collect(),
            rules: decision.rules.iter().map(RuleBody::of).collect(),
            models: vec![ModelBody {
                model_id: &decision.versions.model.0,
                version: decision.versions.model.1,
                score: points,
                role: "champion",
            }],
            lists: Vec::new(),
            actions: Vec::new(),
            degraded: decision
                .degraded
                .iter()
                .map(|one| DegradedBody::of(*one))
                .collect(),
            versions: versions.body(),
            log_position: PositionBody {
                log: decision.position.log.to_string(),
                partition: decision.position.partition.0,
                offset: decision.position.offset.0,
            },
            latency_us,
            replayed: None,
        }
    }
}

impl<'a> ReasonBody<'a> {
    /// A reason.
    pub fn of(reason: &'a Reason) -> Self {
        let contribution = reason.contribution.to_f64();
        Self {
            code: &reason.code,
            text: &reason.text,
            contribution,
        }
    }
}

impl<'a> RuleBody<'a> {
    fn of(hit: &'a RuleHit) -> Self {
        let evidence = hit
            .evidence
            .iter()
            .map(|(name, value)| (name.as_str(), value.is_finite().then_some(*value)))
            .collect();
        Self {
            rule_id: &hit.rule_id,
            version: hit.version,
            outcome: hit.outcome.as_str(),
            points: 0,
            evidence,
        }
    }
}

impl DegradedBody {
    fn of(degradation: Degradation) -> Self {
        Self {
            what: degradation.as_str(),
            policy: degradation.policy(),
        }
    }
}
