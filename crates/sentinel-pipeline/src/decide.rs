//! Fourth stage: rules and policy turn a score into a verdict with its reasons.

use sentinel_domain::{
    Contribution, Decision, Degradation, LogId, LogPosition, Partition, Reason, Score, Tier,
    Verdict,
};
use sentinel_rules::{Hit, Inputs, Judgement};
use sentinel_scoring::ExplainScratch;

use crate::active::Decider;
use crate::features::Rows;
use crate::intake::Admitted;
use crate::planted;

/// The most features named as reasons; the full list of contributions is recorded beside them.
const FEATURE_REASONS_MAX: usize = 5;

/// Reused between decisions.
#[derive(Default)]
pub struct DecideScratch {
    hits: Vec<Hit>,
    explain: ExplainScratch,
}

/// Decides on the transaction at `index` of a run.
pub fn decide(
    decider: &Decider,
    (log, partition): (LogId, Partition),
    admitted: &Admitted,
    (rows, index): (&Rows, usize),
    score: Score,
    scratch: &mut DecideScratch,
) -> Decision {
    let row = rows.row(index);
    let amount = rows.amounts.get(index).copied().flatten();
    let inputs = Inputs {
        row,
        transaction: &admitted.transaction,
        amount_reference_minor: amount,
        reference: decider.rates.reference(),
        lists: &decider.lists,
        log_time: planted::list_time(admitted.log_time),
    };
    decider.rules.evaluate(&inputs, &mut scratch.hits);
    let judgement = decider
        .policy
        .judge(score.risk, &decider.rules, &scratch.hits);
    let mut decision = Decision {
        position: LogPosition {
            log,
            partition,
            offset: admitted.offset,
        },
        event_id: admitted.transaction.event_id.clone(),
        log_time: admitted.log_time,
        verdict: judgement.verdict,
        tier: judgement.tier,
        score,
        reasons: Vec::new(),
        rules: Vec::new(),
        degraded: degradations(rows, index, amount),
        base: decider.scorer.base(),
        contributions: Vec::new(),
        versions: decider.versions.clone(),
    };
    explain(decider, row, judgement, &mut decision, scratch);
    decision
}

/// Contributions and reasons, where anybody will ask: tier low or above, or not approved.
fn explain(
    decider: &Decider,
    row: &[f64],
    judgement: Judgement,
    decision: &mut Decision,
    scratch: &mut DecideScratch,
) {
    decision.rules = judgement.rules;
    decision.reasons = judgement.reasons_from_rules;
    if decision.tier < Tier::Low && decision.verdict == Verdict::Approve {
        return;
    }
    decision.contributions = decider.scorer.explain(row, &mut scratch.explain);
    decision
        .reasons
        .extend(feature_reasons(decider, row, &decision.contributions));
}

/// The features that raised the log-odds most, in an analyst's words.
fn feature_reasons(decider: &Decider, row: &[f64], contributions: &[Contribution]) -> Vec<Reason> {
    let mut raising: Vec<&Contribution> = contributions
        .iter()
        .filter(|one| one.log_odds.units() > 0)
        .collect();
    raising.sort_by_key(|one| (std::cmp::Reverse(one.log_odds), one.feature));
    raising
        .into_iter()
        .take(FEATURE_REASONS_MAX)
        .filter_map(|one| {
            let feature = decider.features.features().get(usize::from(one.feature))?;
            let value = row
                .get(usize::from(one.feature))
                .copied()
                .unwrap_or(f64::NAN);
            Some(Reason {
                code: feature.name.as_str().into(),
                text: feature.explain(value, decider.rates.reference()),
                contribution: one.log_odds,
            })
        })
        .collect()
}

fn degradations(rows: &Rows, index: usize, amount: Option<i64>) -> Vec<Degradation> {
    let applied = rows.applied.get(index).copied().unwrap_or_default();
    [
        (applied.late, Degradation::LateEvent),
        (applied.too_late, Degradation::TooLateEvent),
        (amount.is_none(), Degradation::MissingRate),
        (applied.estimated, Degradation::EstimatedWindow),
    ]
    .into_iter()
    .filter_map(|(holds, degradation)| holds.then_some(degradation))
    .collect()
}
