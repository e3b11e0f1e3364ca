//! What a training gives to read: figures of the slice that judged the model, as data.
//!
//! **Promises** that every figure is of rows the model did not learn from. The slice stopped the training,
//! calibrated the model and fixed its tiers, so its figures are a little kinder than those of later
//! rows: `sentinel evaluate` asks those.

use sentinel_domain::{Contribution, Score};
use sentinel_scoring::metrics::{self, Step};
use sentinel_scoring::{ExplainScratch, Scorer};
use serde::Serialize;

use super::TrainArguments;
use super::rows::{Judged, Prepared};
use crate::commands::evaluate::Recall;
use crate::learn::Learnt;

/// The most points of a curve.
const POINTS_MAX: usize = 300;

/// Groups of rows by their probability.
const GROUPS: usize = 15;

/// Steps of the distribution of risk.
const RISK_STEPS: usize = 40;

/// The most rows whose contributions are taken.
const EXPLAINED_MAX: usize = 4_000;

/// The most features that the report names.
const FEATURES_MAX: usize = 40;

/// False-positive rates that stand in the table of thresholds beside the tiers, which have rates of their own.
const RATES: [f64; 5] = [0.1, 0.05, 0.01, 0.002, 0.000_1];

/// Tiers by the risk at which they begin.
const TIERS: [(f64, &str); 4] = [
    (0.50, "low"),
    (0.55, "medium"),
    (0.70, "high"),
    (0.85, "critical"),
];

/// A report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrainingReport {
    /// The model.
    pub model: ModelReport,
    /// What was learned from.
    pub input: String,
    /// How the rows were parted.
    pub rows: RowsReport,
    /// What stands on the model's card.
    pub card: Vec<CardEntry>,
    /// Trees of the model.
    pub trees: usize,
    /// How long training took.
    pub training_seconds: f64,
    /// The area under the receiver operating characteristic.
    pub auc: f64,
    /// The average precision.
    pub average_precision: f64,
    /// The share of fraud found at two shares of false positives.
    pub recall_at_fpr: Recall,
    /// The mean log-loss of the calibrated probability.
    pub log_loss: f64,
    /// What a threshold means, from the lowest up.
    pub thresholds: Vec<Threshold>,
    /// Operating points: false-positive rate, recall.
    pub roc: Vec<(f64, f64)>,
    /// Operating points: recall, precision.
    pub precision_recall: Vec<(f64, f64)>,
    /// Predicted and observed shares of fraud.
    pub calibration: Vec<Group>,
    /// How risk is distributed.
    pub risk: Vec<RiskStep>,
    /// What the model looks at, most important first.
    pub importance: Vec<Importance>,
    /// The currency of amounts, and its decimals.
    pub currency: (String, u32),
    /// What was found of each story, where rows tell one: at the bound of the tier medium, the first at which
    /// the shipped policy does not approve.
    pub stories: Vec<StoryReport>,
}

/// The model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelReport {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// The hash of its file.
    pub hash: String,
    /// The file.
    pub file: String,
    /// How many features it may read.
    pub features: usize,
}

/// A line of the model's card.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CardEntry {
    /// What it is about.
    pub key: String,
    /// What it says.
    pub value: String,
}

/// How the rows were parted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RowsReport {
    /// Rows that were learned from, after sampling.
    pub trained: usize,
    /// The fraud among them.
    pub trained_fraud: usize,
    /// Rows between both parts, whose labels were not known in time.
    pub gap: usize,
    /// Rows that judge.
    pub validation: usize,
    /// The fraud among them.
    pub validation_fraud: usize,
    /// Rows at the end whose labels are not known.
    pub unsettled: usize,
    /// The first event that was learned from.
    pub trained_from: String,
    /// The first event that judges.
    pub validation_from: String,
    /// The last event that judges.
    pub validation_to: String,
    /// The days that the judging rows span.
    pub validation_days: f64,
}

/// What a threshold means on the rows that judge.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Threshold {
    /// Rows at or above this risk are alerts.
    pub risk: f64,
    /// The tier that begins here.
    pub tier: Option<&'static str>,
    /// The share of alerts that are fraud.
    pub precision: f64,
    /// The share of fraud that is alerted.
    pub recall: f64,
    /// The share of other rows that are alerted.
    pub false_positive_rate: f64,
    /// Alerts a day.
    pub alerts_a_day: f64,
    /// Money of alerted fraud a day, in minor units of the currency.
    pub caught_minor_a_day: f64,
    /// Money of fraud that is not alerted a day.
    pub missed_minor_a_day: f64,
    /// Money of other alerts a day.
    pub false_alarms_minor_a_day: f64,
}

/// Rows of like probability.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// The mean of their probabilities.
    pub predicted: f64,
    /// The share of fraud among them.
    pub observed: f64,
    /// How many they are.
    pub rows: usize,
    /// The fraud among them.
    pub fraud: usize,
}

/// Rows of like risk.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RiskStep {
    /// From this risk on, for a step's width.
    pub risk: f64,
    /// Fraud.
    pub fraud: usize,
    /// The rest.
    pub legitimate: usize,
}

/// A feature that the model looks at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Importance {
    /// Its name.
    pub feature: String,
    /// Its share of the loss that all splits took away.
    pub gain: f64,
    /// How far it moves the log-odds on average, up or down.
    pub contribution: f64,
}

/// One story.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoryReport {
    /// Its name.
    pub story: String,
    /// Its fraudulent rows that judge.
    pub fraud: usize,
    /// The share of them that is found.
    pub detection: Option<f64>,
    /// Its other rows.
    pub legitimate: usize,
    /// The share of them that is flagged.
    pub false_positive_rate: Option<f64>,
}

/// A judging row with what the model says of it.
struct Row {
    score: Score,
    fraud: bool,
    judged: Judged,
}

impl TrainingReport {
    /// The report of a training.
    pub fn of(
        arguments: &TrainArguments,
        prepared: &Prepared,
        learnt: &Learnt,
    ) -> anyhow::Result<Self> {
        let names: Vec<&str> = prepared.set.features.iter().map(String::as_str).collect();
        let scorer = learnt.model.bind(&names)?;
        let fraud: Vec<bool> = prepared
            .set
            .fraud
            .iter()
            .skip(prepared.set.validation_from)
            .copied()
            .collect();
        let mut rows = Vec::with_capacity(fraud.len());
        let mut slots = Vec::with_capacity(names.len());
        for ((values, fraud), judged) in judging(prepared).zip(&fraud).zip(&prepared.judged) {
            widen(values, &mut slots);
            rows.push(Row {
                score: scorer.score(&slots),
                fraud: *fraud,
                judged: *judged,
            });
        }
        let risks: Vec<f64> = rows.iter().map(|row| row.score.risk).collect();
        let probabilities: Vec<f64> = rows.iter().map(|row| row.score.probability).collect();
        let steps = metrics::steps(&risks, &fraud);
        let rates = crate::content::rate_table(arguments.rates.as_deref())?;
        let currency = rates.reference();
        Ok(Self {
            model: ModelReport {
                name: learnt.model.name().to_owned(),
                version: learnt.model.version(),
                hash: learnt.model.content_hash().to_string(),
                file: arguments.out.display().to_string(),
                features: names.len(),
            },
            input: match &arguments.input {
                Some(input) => input.display().to_string(),
                None => format!("synthetic worlds from seed {}", arguments.seed),
            },
            rows: rows_report(prepared, learnt),
            card: card(learnt),
            trees: learnt.report.trees,
            training_seconds: learnt.seconds,
            auc: metrics::auc(&risks, &fraud),
            average_precision: metrics::average_precision(&risks, &fraud),
            recall_at_fpr: Recall {
                one_percent: metrics::recall_interpolated(&risks, &fraud, 0.01),
                one_per_mille: metrics::recall_interpolated(&risks, &fraud, 0.001),
            },
            log_loss: metrics::log_loss(&probabilities, &fraud),
            thresholds: thresholds(&rows, &steps, prepared.days),
            roc: roc(&steps),
            precision_recall: precision_recall(&steps),
            calibration: calibration(&rows),
            risk: distribution(&rows),
            importance: importance(&scorer, prepared, &fraud, learnt, &names),
            currency: (currency.as_str().to_owned(), currency.exponent()),
            stories: stories(&rows, &prepared.tales),
        })
    }
}

/// The judging rows.
fn judging(prepared: &Prepared) -> impl Iterator<Item = &[f32]> {
    let set = &prepared.set;
    let rows = set.rows.chunks_exact(set.features.len().max(1));
    rows.skip(set.validation_from)
}

/// A row as a scorer takes it.
fn widen(values: &[f32], slots: &mut Vec<f64>) {
    slots.clear();
    slots.extend(values.iter().map(|value| f64::from(*value)));
}

fn rows_report(prepared: &Prepared, learnt: &Learnt) -> RowsReport {
    let [trained_from, validation_from, validation_to] = prepared.times.map(|at| at.to_string());
    RowsReport {
        trained: learnt.report.rows,
        trained_fraud: learnt.report.fraud,
        gap: prepared.gap,
        validation: learnt.report.validation_rows,
        validation_fraud: learnt.report.validation_fraud,
        unsettled: prepared.unsettled,
        trained_from,
        validation_from,
        validation_to,
        validation_days: prepared.days,
    }
}

fn card(learnt: &Learnt) -> Vec<CardEntry> {
    let entries = learnt.model.card().entries();
    entries
        .map(|(key, value)| CardEntry {
            key: key.to_owned(),
            value: value.to_owned(),
        })
        .collect()
}

/// The tiers, and the least risk that keeps each rate of false positives.
fn thresholds(rows: &[Row], steps: &[Step], days: f64) -> Vec<Threshold> {
    let all = steps.last().copied().unwrap_or_default();
    let at_rate = RATES.iter().filter_map(|rate| {
        let held = |step: &&Step| step.legitimate <= rate * all.legitimate;
        steps.iter().rev().find(held).map(|step| (step.score, None))
    });
    let tiers = TIERS.iter().map(|(risk, tier)| (*risk, Some(*tier)));
    let mut bounds: Vec<(f64, Option<&'static str>)> = tiers.chain(at_rate).collect();
    bounds.sort_by(|one, other| one.0.total_cmp(&other.0).then(other.1.cmp(&one.1)));
    bounds.dedup_by(|one, other| one.0 == other.0);
    bounds
        .into_iter()
        .map(|(risk, tier)| threshold(rows, (risk, tier), days))
        .collect()
}

fn threshold(rows: &[Row], (risk, tier): (f64, Option<&'static str>), days: f64) -> Threshold {
    let (mut fraud, mut found, mut legitimate, mut flagged) = (0_u64, 0_u64, 0_u64, 0_u64);
    let (mut caught, mut missed, mut alarmed) = (0_i128, 0_i128, 0_i128);
    for row in rows {
        let amount = i128::from(row.judged.amount_minor.unwrap_or(0));
        let alerted = row.score.risk >= risk;
        if row.fraud {
            fraud += 1;
            found += u64::from(alerted);
            *(if alerted { &mut caught } else { &mut missed }) += amount;
        } else {
            legitimate += 1;
            flagged += u64::from(alerted);
            alarmed += if alerted { amount } else { 0 };
        }
    }
    let share = |part: u64, of: u64| if of > 0 { part as f64 / of as f64 } else { 0.0 };
    // A slice shorter than an hour says nothing about a day.
    let days = days.max(1.0 / 24.0);
    let a_day = |minor: i128| minor as f64 / days;
    Threshold {
        risk,
        tier,
        precision: share(found, found + flagged),
        recall: share(found, fraud),
        false_positive_rate: share(flagged, legitimate),
        alerts_a_day: (found + flagged) as f64 / days,
        caught_minor_a_day: a_day(caught),
        missed_minor_a_day: a_day(missed),
        false_alarms_minor_a_day: a_day(alarmed),
    }
}

fn roc(steps: &[Step]) -> Vec<(f64, f64)> {
    let all = steps.last().copied().unwrap_or_default();
    let point = |step: &Step| (step.legitimate / all.legitimate, step.fraud / all.fraud);
    let points: Vec<(f64, f64)> = steps.iter().map(point).collect();
    // The axis is logarithmic, so points are dense where few rows are flagged.
    let far = |one: (f64, f64), other: (f64, f64)| {
        other.0 / one.0.max(1e-9) > 1.04 || other.1 - one.1 > 0.005
    };
    thinned(std::iter::once((0.0, 0.0)).chain(points), far)
}

fn precision_recall(steps: &[Step]) -> Vec<(f64, f64)> {
    let all = steps.last().copied().unwrap_or_default();
    let point = |step: &Step| {
        (
            step.fraud / all.fraud,
            step.fraud / (step.fraud + step.legitimate),
        )
    };
    let far = |one: (f64, f64), other: (f64, f64)| {
        other.0 - one.0 > 0.004 || (other.1 - one.1).abs() > 0.01
    };
    thinned(steps.iter().filter(|step| step.fraud > 0.0).map(point), far)
}

/// The first and last point, and between them those that lie far enough from the one before.
fn thinned(
    points: impl Iterator<Item = (f64, f64)>,
    far: impl Fn((f64, f64), (f64, f64)) -> bool,
) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    let mut last = None;
    for point in points {
        last = Some(point);
        let room = kept.len() < POINTS_MAX;
        if kept.last().is_none_or(|before| room && far(*before, point)) {
            kept.push(point);
        }
    }
    kept.extend(last.filter(|last| kept.last() != Some(last)));
    kept
}

/// Groups by probability, from the lowest half up.
fn calibration(rows: &[Row]) -> Vec<Group> {
    let mut sorted: Vec<(f64, bool)> = rows
        .iter()
        .map(|row| (row.score.probability, row.fraud))
        .collect();
    sorted.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    // Each group is half of what is left, so that there are groups both where nearly all rows lie and where
    // nearly all fraud lies.
    let mut groups = Vec::new();
    let mut rest = sorted.as_slice();
    while !rest.is_empty() {
        let last = groups.len() + 1 == GROUPS || rest.len() < 100;
        let (here, after) = rest.split_at(if last { rest.len() } else { rest.len() / 2 });
        let fraud = here.iter().filter(|row| row.1).count();
        let sum: f64 = here.iter().map(|row| row.0).sum();
        groups.push(Group {
            predicted: sum / here.len() as f64,
            observed: fraud as f64 / here.len() as f64,
            rows: here.len(),
            fraud,
        });
        rest = after;
    }
    groups
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "risk lies between 0 and 1"
)]
fn distribution(rows: &[Row]) -> Vec<RiskStep> {
    let steps = (0..RISK_STEPS).map(|step| RiskStep {
        risk: step as f64 / RISK_STEPS as f64,
        fraud: 0,
        legitimate: 0,
    });
    let mut steps: Vec<RiskStep> = steps.collect();
    for row in rows {
        let place = (row.score.risk * RISK_STEPS as f64) as usize;
        if let Some(step) = steps.get_mut(place.min(RISK_STEPS - 1)) {
            *(if row.fraud {
                &mut step.fraud
            } else {
                &mut step.legitimate
            }) += 1;
        }
    }
    steps
}

/// By gain and by mean contribution over an even sample of the rows, half of it fraud where there is enough.
fn importance(
    scorer: &Scorer,
    prepared: &Prepared,
    fraud: &[bool],
    learnt: &Learnt,
    names: &[&str],
) -> Vec<Importance> {
    let mut scratch = ExplainScratch::default();
    let mut slots = Vec::with_capacity(names.len());
    let mut moved = vec![0.0; names.len()];
    let mut explained = 0.0;
    for kind in [false, true] {
        let rows = || {
            judging(prepared)
                .zip(fraud)
                .filter(|(_, fraud)| **fraud == kind)
        };
        let every = rows().count().div_ceil(EXPLAINED_MAX / 2).max(1);
        for (row, _) in rows().step_by(every) {
            widen(row, &mut slots);
            explained += 1.0;
            for Contribution { feature, log_odds } in scorer.explain(&slots, &mut scratch) {
                if let Some(moved) = moved.get_mut(usize::from(feature)) {
                    *moved += log_odds.to_f64().abs();
                }
            }
        }
    }
    let all: f64 = learnt.report.importance.iter().map(|(_, gain)| gain).sum();
    let gain_of = |name: &str| {
        let found = learnt
            .report
            .importance
            .iter()
            .find(|(feature, _)| feature == name);
        found.map_or(0.0, |(_, gain)| gain / all.max(f64::MIN_POSITIVE))
    };
    let mut importance: Vec<Importance> = names
        .iter()
        .zip(&moved)
        .map(|(name, moved)| Importance {
            feature: (*name).to_owned(),
            gain: gain_of(name),
            contribution: moved / f64::max(explained, 1.0),
        })
        .filter(|one| one.gain > 0.0 || one.contribution > 0.0)
        .collect();
    importance.sort_by(|one, other| {
        other
            .gain
            .total_cmp(&one.gain)
            .then(other.contribution.total_cmp(&one.contribution))
    });
    importance.truncate(FEATURES_MAX);
    importance
}

/// What is found of each story at the bound of the tier medium.
fn stories(rows: &[Row], tales: &[String]) -> Vec<StoryReport> {
    let [_, (bound, _), ..] = TIERS;
    let mut counts = vec![[0_usize; 4]; tales.len()];
    for row in rows {
        if let Some([fraud, found, legitimate, flagged]) =
            counts.get_mut(usize::from(row.judged.tale))
        {
            let above = usize::from(row.score.risk >= bound);
            if row.fraud {
                *fraud += 1;
                *found += above;
            } else {
                *legitimate += 1;
                *flagged += above;
            }
        }
    }
    let share = |part: usize, of: usize| (of > 0).then(|| part as f64 / of as f64);
    let told = tales
        .iter()
        .zip(&counts)
        .filter(|(name, _)| !name.is_empty());
    told.filter(|(_, [fraud, _, legitimate, _])| fraud + legitimate > 0)
        .map(|(name, [fraud, found, legitimate, flagged])| StoryReport {
            story: name.clone(),
            fraud: *fraud,
            detection: share(*found, *fraud),
            legitimate: *legitimate,
            false_positive_rate: share(*flagged, *legitimate),
        })
        .collect()
}
