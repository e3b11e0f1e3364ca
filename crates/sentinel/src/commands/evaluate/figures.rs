//! How well scores found the fraud of the rows that were asked.
//!
//! **Promises** the figures of scikit-learn for the same scores and labels (average precision without
//! interpolation, recall on the straight line of the operating characteristic), and the handbook's card
//! precision with its order of ties. **Must never** be changed by rows that were dropped.

use std::collections::{HashMap, HashSet};

use sentinel_scoring::metrics;
use serde::Serialize;

/// The cards of a day that somebody looks at.
const CARDS_A_DAY: usize = 100;

/// One row that was asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Asked {
    /// What the model said: its risk.
    pub score: f64,
    /// Whether it was fraud.
    pub fraud: bool,
    /// Which card.
    pub card: u32,
    /// Which day.
    pub day: i64,
}

/// The figures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figures {
    /// The area under the receiver operating characteristic.
    pub auc: f64,
    /// The average precision.
    pub average_precision: f64,
    /// The mean over days of the share of compromised cards among the day's hundred highest; none where
    /// all rows are of one card.
    pub card_precision_100: Option<f64>,
    /// The share of fraud found at these shares of false positives.
    pub recall_at_fpr: Recall,
}

/// Recall at two false-positive rates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Recall {
    /// At 1 %.
    #[serde(rename = "0.01")]
    pub one_percent: f64,
    /// At 0.1 %.
    #[serde(rename = "0.001")]
    pub one_per_mille: f64,
}

impl Figures {
    /// The figures of the rows, which come in the order of the input.
    pub fn of(rows: &[Asked]) -> Self {
        let scores: Vec<f64> = rows.iter().map(|row| row.score).collect();
        let fraud: Vec<bool> = rows.iter().map(|row| row.fraud).collect();
        let first = rows.first().map(|row| row.card);
        let cards = rows.iter().any(|row| Some(row.card) != first);
        Self {
            auc: metrics::auc(&scores, &fraud),
            average_precision: metrics::average_precision(&scores, &fraud),
            card_precision_100: cards.then(|| card_precision(rows, CARDS_A_DAY)),
            recall_at_fpr: Recall {
                one_percent: metrics::recall_interpolated(&scores, &fraud, 0.01),
                one_per_mille: metrics::recall_interpolated(&scores, &fraud, 0.001),
            },
        }
    }

    /// The mean of each figure, and how far folds lie from it: the root of the mean square.
    pub fn mean_and_deviation(folds: &[Self]) -> (Self, Self) {
        let over = |figure: &dyn Fn(&Self) -> f64| {
            let count = folds.len() as f64;
            let mean = folds.iter().map(figure).sum::<f64>() / count;
            let square = |fold: &Self| (figure(fold) - mean) * (figure(fold) - mean);
            (mean, (folds.iter().map(square).sum::<f64>() / count).sqrt())
        };
        let auc = over(&|fold| fold.auc);
        let average_precision = over(&|fold| fold.average_precision);
        let card = over(&|fold| fold.card_precision_100.unwrap_or(f64::NAN));
        let one_percent = over(&|fold| fold.recall_at_fpr.one_percent);
        let one_per_mille = over(&|fold| fold.recall_at_fpr.one_per_mille);
        let pick = |which: fn((f64, f64)) -> f64| Self {
            auc: which(auc),
            average_precision: which(average_precision),
            card_precision_100: Some(which(card)).filter(|value| !value.is_nan()),
            recall_at_fpr: Recall {
                one_percent: which(one_percent),
                one_per_mille: which(one_per_mille),
            },
        };
        (pick(|pair| pair.0), pick(|pair| pair.1))
    }
}

/// The mean over days of the share of compromised cards among the day's highest-scored cards. A card's
/// score and label on a day are its highest; one that was found leaves the later days. Of equal cards the
/// one that came first on the day stands first.
fn card_precision(rows: &[Asked], most: usize) -> f64 {
    let mut days: Vec<i64> = rows.iter().map(|row| row.day).collect();
    days.sort_unstable();
    days.dedup();
    let mut found: HashSet<u32> = HashSet::new();
    let mut sum = 0.0;
    for day in &days {
        let mut place_of: HashMap<u32, usize> = HashMap::new();
        let mut best: Vec<Asked> = Vec::new();
        for row in rows
            .iter()
            .filter(|row| row.day == *day && !found.contains(&row.card))
        {
            let place = *place_of.entry(row.card).or_insert(best.len());
            match best.get_mut(place) {
                None => best.push(*row),
                Some(card) => {
                    card.score = card.score.max(row.score);
                    card.fraud |= row.fraud;
                }
            }
        }
        // A stable sort: equal scores keep the order in which the cards came.
        best.sort_by(|one, other| other.score.total_cmp(&one.score));
        let hits = best.iter().take(most).filter(|card| card.fraud);
        let hits: Vec<u32> = hits.map(|card| card.card).collect();
        sum += hits.len() as f64 / most as f64;
        found.extend(hits);
    }
    sum / days.len() as f64
}

#[cfg(test)]
mod tests;
