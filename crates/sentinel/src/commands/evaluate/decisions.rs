//! What is decided on the rows that are asked: model, rules and policy, by the deciding stage that serves.
//!
//! A payment counts as flagged where its verdict is anything but approve: fraud that is flagged is detected,
//! another payment is a false positive. **Promises** that verdicts are those of the pipeline's own stage,
//! over the whole stream and not by story only.

use std::collections::BTreeMap;

use sentinel_domain::{Decision, LogId, Partition, RuleOutcome, Score, Text, Verdict};
use sentinel_pipeline::active::Decider;
use sentinel_pipeline::decide::{DecideScratch, decide};
use serde::Serialize;

use crate::labelled::facts::{Fact, Facts};
use crate::matrix::MatrixRow;

/// Counts of some rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    fraud: u64,
    detected: u64,
    legitimate: u64,
    flagged: u64,
    /// What the model's own tier would have flagged, without any rule.
    detected_by_model: u64,
    flagged_by_model: u64,
}

/// Decides on rows and counts.
pub struct Judge<'a> {
    decider: &'a Decider,
    scratch: DecideScratch,
    all: Tally,
    by_tale: Vec<Tally>,
    verdicts: BTreeMap<&'static str, u64>,
    /// For each rule what it hit among the payments that only rules flagged.
    rules: BTreeMap<Text, RuleShares>,
}

/// What one rule hit among the payments that the model alone would have approved and rules did not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RuleShares {
    /// The rule.
    pub rule: String,
    /// Fraud.
    pub fraud: u64,
    /// Other payments.
    pub legitimate: u64,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decisions {
    /// All rows that were asked.
    #[serde(flatten)]
    pub all: Shares,
    /// How often each verdict was given.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// What rules hit among the payments that only rules flagged; a payment counts for each of them.
    pub by_rules_alone: Vec<RuleShares>,
    /// By what the rows tell, where that is known: stories, then innocent things that look like them.
    pub tales: Vec<TaleShares>,
}

/// The rows that tell one thing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaleShares {
    /// Its name.
    pub story: String,
    /// How its rows fared.
    #[serde(flatten)]
    pub shares: Shares,
}

/// Shares that were flagged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Shares {
    /// Fraudulent payments.
    pub fraud: u64,
    /// Those among them that were not approved.
    pub detected: u64,
    /// Their share.
    pub detection: Option<f64>,
    /// Other payments.
    pub legitimate: u64,
    /// Those among them that were not approved.
    pub flagged: u64,
    /// Their share.
    pub false_positive_rate: Option<f64>,
    /// Fraud that the model's own tier does not approve, whatever rules say.
    pub detected_by_model: u64,
    /// Other payments that it does not approve.
    pub flagged_by_model: u64,
}

/// A decision needs a place in a log; figures do not depend on it.
const NOWHERE: (LogId, Partition) = (LogId([0; 16]), Partition(0));

impl<'a> Judge<'a> {
    /// One that has seen nothing.
    pub fn new(decider: &'a Decider, facts: &Facts) -> Self {
        Self {
            decider,
            scratch: DecideScratch::default(),
            all: Tally::default(),
            by_tale: vec![Tally::default(); facts.tales.len()],
            rules: BTreeMap::new(),
            verdicts: Verdict::ALL
                .iter()
                .map(|verdict| (verdict.as_str(), 0))
                .collect(),
        }
    }

    /// Decides on a row.
    pub fn take(&mut self, row: &MatrixRow<'_>, fact: &Fact, score: Score) {
        let decision = decide(
            self.decider,
            NOWHERE,
            row.admitted,
            row.run,
            score,
            &mut self.scratch,
        );
        *self.verdicts.entry(decision.verdict.as_str()).or_insert(0) += 1;
        let flagged = u64::from(decision.verdict != Verdict::Approve);
        let policy = &self.decider.policy;
        let by_model = policy.verdict_of(policy.tier_of(score.risk));
        let by_model = u64::from(by_model != Verdict::Approve);
        if flagged > by_model {
            self.count_rules(&decision, fact.fraud);
        }
        let tale = self.by_tale.get_mut(usize::from(fact.tale));
        for tally in [Some(&mut self.all), tale].into_iter().flatten() {
            if fact.fraud {
                tally.fraud += 1;
                tally.detected += flagged;
                tally.detected_by_model += by_model;
            } else {
                tally.legitimate += 1;
                tally.flagged += flagged;
                tally.flagged_by_model += by_model;
            }
        }
    }

    fn count_rules(&mut self, decision: &Decision, fraud: bool) {
        for hit in &decision.rules {
            if !matches!(hit.outcome, RuleOutcome::Hit | RuleOutcome::Forced) {
                continue;
            }
            let shares = self.rules.entry(hit.rule_id.clone()).or_default();
            shares.rule = hit.rule_id.to_string();
            *(if fraud {
                &mut shares.fraud
            } else {
                &mut shares.legitimate
            }) += 1;
        }
    }

    /// What came of it.
    pub fn finish(self, facts: &Facts) -> Decisions {
        let named = facts.tales.iter().zip(&self.by_tale);
        let mut tales: Vec<TaleShares> = named
            .filter(|(_, tally)| tally.fraud + tally.legitimate > 0)
            .map(|(name, tally)| TaleShares {
                story: if name.is_empty() {
                    "none".to_owned()
                } else {
                    name.clone()
                },
                shares: Shares::of(tally),
            })
            .collect();
        // Where nothing is told of any row there is only the whole.
        if tales.len() < 2 {
            tales.clear();
        }
        tales.sort_by(|one, other| {
            let innocent = |tale: &TaleShares| tale.shares.fraud == 0;
            (innocent(one), &one.story).cmp(&(innocent(other), &other.story))
        });
        Decisions {
            all: Shares::of(&self.all),
            verdicts: self.verdicts,
            by_rules_alone: self.rules.into_values().collect(),
            tales,
        }
    }
}

impl Shares {
    fn of(tally: &Tally) -> Self {
        let share = |part: u64, of: u64| (of > 0).then(|| part as f64 / of as f64);
        Self {
            fraud: tally.fraud,
            detected: tally.detected,
            detection: share(tally.detected, tally.fraud),
            legitimate: tally.legitimate,
            flagged: tally.flagged,
            false_positive_rate: share(tally.flagged, tally.legitimate),
            detected_by_model: tally.detected_by_model,
            flagged_by_model: tally.flagged_by_model,
        }
    }
}
