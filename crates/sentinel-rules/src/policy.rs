//! Policy: how the model's risk and the rules' hits become one tier and one verdict.
//!
//! # Tier
//!
//! The model's tier follows from its risk by the bounds of the policy; a risk on a bound is in the upper
//! tier. The decision's tier is the highest of the model's tier and the tiers to which rules raise it.
//! Rules never lower a tier and never move the risk.
//!
//! # Verdict
//!
//! The most severe word wins: that of the tier, and those of the rules that hit. More risk or one more
//! hit never makes a verdict milder (`docs/adr/0010-most-severe-word-wins.md`). What was outranked is
//! still reported, as a hit with its evidence and reason, so that an analyst sees everything that spoke.
//!
//! # Reasons
//!
//! One per hit, under the code `rule:<id>`, with no contribution: rules add no points. The most severe
//! effect comes first, where the severity of a raised tier is that of the verdict the policy gives it;
//! equals keep the order of the rule set.

use sentinel_domain::{LogOdds, Reason, RuleHit, RuleOutcome, Text, Tier, Verdict};
use serde::Deserialize;
use toml::Spanned;

use crate::diagnostic::Diagnostic;
use crate::rule_set::{Effect, Hit, Rule, RuleSet, check_name, check_version};
use crate::source::{Fault, Source};

/// Tier bounds and the verdict of every tier.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    name: String,
    version: u32,
    /// The risk from which low, medium, high and critical begin.
    bounds: [f64; 4],
    /// The verdicts of minimal, low, medium, high and critical.
    verdicts: [Verdict; 5],
}

/// What is decided, and what the rules have to say about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The higher of the model's tier and the tiers that rules raise to.
    pub tier: Tier,
    /// The tier of the risk alone.
    pub model_tier: Tier,
    /// What to do.
    pub verdict: Verdict,
    /// One reason per hit, most severe first.
    pub reasons_from_rules: Vec<Reason>,
    /// One per hit, in the order of the rule set.
    pub rules: Vec<RuleHit>,
}

impl Policy {
    /// Reads and checks a policy file. `Err` holds every fault that was found, in the order of the file.
    pub fn parse(text: &str) -> Result<Self, Vec<Diagnostic>> {
        let source = Source::new(text);
        let file: File = toml::from_str(text).map_err(|error| vec![source.of_toml(&error)])?;
        let mut diagnostics = Vec::new();
        diagnostics.extend(check_name(&source, &file.name));
        diagnostics.extend(check_version(&source, &file.version));
        let bounds = bounds_of(&source, &file.bounds, &mut diagnostics);
        let verdicts = verdicts_of(&source, &file.verdicts, &mut diagnostics);
        match (bounds, verdicts) {
            (Some(bounds), Some(verdicts)) if diagnostics.is_empty() => Ok(Self {
                name: file.name.into_inner(),
                version: file.version.into_inner(),
                bounds,
                verdicts,
            }),
            _ => {
                diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
                Err(diagnostics)
            }
        }
    }

    /// What people call the policy.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its version, as the file says.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The tier of a risk. What is not a number, which no model gives, is critical: a fault must not
    /// pass as a harmless payment.
    pub fn tier_of(&self, risk: f64) -> Tier {
        let [low, medium, high, critical] = self.bounds;
        if risk < low {
            Tier::Minimal
        } else if risk < medium {
            Tier::Low
        } else if risk < high {
            Tier::Medium
        } else if risk < critical {
            Tier::High
        } else {
            Tier::Critical
        }
    }

    /// The verdict that a tier asks for.
    pub fn verdict_of(&self, tier: Tier) -> Verdict {
        let [minimal, low, medium, high, critical] = self.verdicts;
        match tier {
            Tier::Minimal => minimal,
            Tier::Low => low,
            Tier::Medium => medium,
            Tier::High => high,
            Tier::Critical => critical,
        }
    }

    /// Judges by the head of this file. `hits` come from `rules`; a hit of another set is a broken
    /// invariant of the caller and stops the process.
    pub fn judge(&self, risk: f64, rules: &RuleSet, hits: &[Hit]) -> Judgement {
        let spoken: Vec<(&Rule, &Hit)> =
            hits.iter().map(|hit| (rule_of(rules, hit), hit)).collect();
        let effects = || spoken.iter().map(|(rule, _)| rule.effect);
        let model_tier = self.tier_of(risk);
        let raised = effects().filter_map(|effect| match effect {
            Effect::Tier(tier) => Some(tier),
            Effect::Verdict(_) => None,
        });
        let tier = raised.fold(model_tier, Tier::max);
        Judgement {
            tier,
            model_tier,
            verdict: self.verdict(tier, effects()),
            reasons_from_rules: self.reasons(&spoken),
            rules: spoken
                .iter()
                .map(|(rule, hit)| rule_hit(rule, hit))
                .collect(),
        }
    }

    fn verdict(&self, tier: Tier, effects: impl Iterator<Item = Effect>) -> Verdict {
        effects.fold(self.verdict_of(tier), |worst, effect| match effect {
            Effect::Verdict(verdict) => worst.max(verdict),
            Effect::Tier(_) => worst,
        })
    }

    fn reasons(&self, spoken: &[(&Rule, &Hit)]) -> Vec<Reason> {
        let severity = |effect| match effect {
            Effect::Verdict(verdict) => verdict,
            Effect::Tier(tier) => self.verdict_of(tier),
        };
        let mut ranked: Vec<&(&Rule, &Hit)> = spoken.iter().collect();
        ranked.sort_by_key(|(rule, _)| std::cmp::Reverse(severity(rule.effect)));
        let reason = |(rule, hit): &(&Rule, &Hit)| {
            let mut code = Text::const_new("rule:");
            code.push_str(&rule.id);
            Reason {
                code,
                text: hit.reason.clone(),
                contribution: LogOdds::ZERO,
            }
        };
        ranked.into_iter().map(reason).collect()
    }
}

#[allow(
    clippy::indexing_slicing,
    reason = "asserted: a hit of another set would be judged by the wrong rule, which nobody would notice"
)]
fn rule_of<'a>(rules: &'a RuleSet, hit: &Hit) -> &'a Rule {
    let rules = rules.rules();
    assert!(
        hit.rule < rules.len(),
        "hits are judged with the rule set that found them"
    );
    &rules[hit.rule]
}

fn rule_hit(rule: &Rule, hit: &Hit) -> RuleHit {
    RuleHit {
        rule_id: rule.id.clone(),
        version: rule.version,
        outcome: RuleOutcome::Hit,
        evidence: hit.evidence.clone(),
    }
}

/// The shape of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    version: Spanned<u32>,
    bounds: Bounds,
    verdicts: Verdicts,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bounds {
    low: Spanned<f64>,
    medium: Spanned<f64>,
    high: Spanned<f64>,
    critical: Spanned<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verdicts {
    minimal: Spanned<String>,
    low: Spanned<String>,
    medium: Spanned<String>,
    high: Spanned<String>,
    critical: Spanned<String>,
}

/// Bounds lie above 0, at most at 1, and each above the one before it.
fn bounds_of(
    source: &Source<'_>,
    bounds: &Bounds,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<[f64; 4]> {
    let before = diagnostics.len();
    let mut below = 0.0;
    for bound in [&bounds.low, &bounds.medium, &bounds.high, &bounds.critical] {
        let value = *bound.get_ref();
        // Written so that what is not a number is refused as well.
        if !(value > below && value <= 1.0) {
            let message = format!("this bound must be above {below} and at most 1");
            diagnostics.push(source.diagnostic(Fault::new(bound.span(), message)));
        }
        below = value;
    }
    (diagnostics.len() == before).then_some([
        *bounds.low.get_ref(),
        *bounds.medium.get_ref(),
        *bounds.high.get_ref(),
        *bounds.critical.get_ref(),
    ])
}

/// A higher tier never has a milder verdict.
fn verdicts_of(
    source: &Source<'_>,
    words: &Verdicts,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<[Verdict; 5]> {
    let words = [
        &words.minimal,
        &words.low,
        &words.medium,
        &words.high,
        &words.critical,
    ];
    let before = diagnostics.len();
    let mut below = Verdict::Approve;
    let verdicts = words.map(|word| {
        let fault = match Verdict::parse(word.get_ref()) {
            Some(verdict) if verdict >= below => {
                below = verdict;
                return verdict;
            }
            Some(verdict) => (
                format!("`{verdict}` is milder than `{below}` of the tier below"),
                "a higher tier has the same verdict or a more severe one".to_owned(),
            ),
            None => (
                format!("`{}` is no verdict", word.get_ref()),
                "one of approve, challenge, review, decline".to_owned(),
            ),
        };
        diagnostics.push(source.quoted(word).whole(fault.0, fault.1));
        below
    });
    (diagnostics.len() == before).then_some(verdicts)
}

#[cfg(test)]
mod tests;
