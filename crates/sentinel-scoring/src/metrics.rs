//! How well scores rank fraud above the rest.
//!
//! Promises that rows of equal score count as one step, whatever order they come in: nothing here
//! can be won by a lucky order. A score that is not a number ranks lowest. A figure that the labels
//! cannot give (no fraud, or nothing else) is not a number. Must never reorder what it was given.

/// The chance that a fraud scores above another row, a tie counting half.
pub fn auc(scores: &[f64], labels: &[bool]) -> f64 {
    let (mut area, mut before) = (0.0, Step::default());
    for step in steps(scores, labels) {
        area += (step.legitimate - before.legitimate) * (step.fraud + before.fraud) / 2.0;
        before = step;
    }
    area / (before.fraud * before.legitimate)
}

/// The precision at each threshold, weighted by the recall it adds; no interpolation.
pub fn average_precision(scores: &[f64], labels: &[bool]) -> f64 {
    let (mut sum, mut before) = (0.0, Step::default());
    for step in steps(scores, labels) {
        sum += (step.fraud - before.fraud) * step.fraud / (step.fraud + step.legitimate);
        before = step;
    }
    sum / before.fraud
}

/// The largest share of fraud found by a threshold that flags at most this share of the other rows.
pub fn recall_at_false_positive_rate(scores: &[f64], labels: &[bool], rate: f64) -> f64 {
    let steps = steps(scores, labels);
    let Some(all) = steps.last() else {
        return f64::NAN;
    };
    if all.legitimate == 0.0 {
        return f64::NAN;
    }
    let found = |step: &&Step| step.legitimate / all.legitimate <= rate;
    steps
        .iter()
        .rev()
        .find(found)
        .map_or(0.0, |step| step.fraud)
        / all.fraud
}

/// The share of fraud found at exactly this share of the other rows, on the straight line between the two
/// thresholds beside it: what others report as recall at a false-positive rate.
pub fn recall_interpolated(scores: &[f64], labels: &[bool], rate: f64) -> f64 {
    let steps = steps(scores, labels);
    let Some(all) = steps.last() else {
        return f64::NAN;
    };
    let (fraud, legitimate) = (all.fraud, all.legitimate);
    if fraud == 0.0 || legitimate == 0.0 {
        return f64::NAN;
    }
    let mut before = (0.0, 0.0);
    for step in &steps {
        let here = (step.legitimate / legitimate, step.fraud / fraud);
        if here.0 > rate {
            let slope = (here.1 - before.1) / (here.0 - before.0);
            return slope * (rate - before.0) + before.1;
        }
        before = here;
    }
    before.1
}

/// The mean of `-ln` of the probability given to what came true. Certainty that was wrong counts as
/// a probability of 1e-15.
pub fn log_loss(probabilities: &[f64], labels: &[bool]) -> f64 {
    let (mut sum, mut rows) = (0.0, 0.0);
    for (probability, fraud) in probabilities.iter().zip(labels) {
        let given = if *fraud {
            *probability
        } else {
            1.0 - probability
        };
        sum -= libm::log(given.max(1e-15));
        rows += 1.0;
    }
    sum / rows
}

/// Rows at or above some score.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Step {
    /// The score.
    pub score: f64,
    /// Fraud at or above it.
    pub fraud: f64,
    /// Other rows at or above it.
    pub legitimate: f64,
}

/// The counts at each distinct score, from the highest down.
pub fn steps(scores: &[f64], labels: &[bool]) -> Vec<Step> {
    assert!(scores.len() == labels.len(), "every score has its label");
    let rank = |score: f64| {
        if score.is_nan() {
            f64::NEG_INFINITY
        } else {
            score + 0.0
        }
    };
    let mut rows: Vec<(f64, bool)> = scores
        .iter()
        .map(|score| rank(*score))
        .zip(labels.iter().copied())
        .collect();
    rows.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut counts = Step::default();
    let mut steps: Vec<Step> = Vec::new();
    let mut before = None;
    for (score, fraud) in rows {
        counts.score = score;
        if fraud {
            counts.fraud += 1.0;
        } else {
            counts.legitimate += 1.0;
        }
        match steps.last_mut() {
            Some(step) if before == Some(score) => *step = counts,
            _ => steps.push(counts),
        }
        before = Some(score);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() < 1e-12,
            "{found} is not {expected}"
        );
    }

    #[test]
    fn figures_without_ties_are_those_worked_out_by_hand() {
        let scores = [0.9, 0.8, 0.7, 0.6, 0.5];
        let labels = [true, false, true, false, false];
        // Of six pairs, fraud is above in five.
        near(auc(&scores, &labels), 5.0 / 6.0);
        near(
            average_precision(&scores, &labels),
            0.5 * 1.0 + 0.5 * (2.0 / 3.0),
        );
        near(recall_at_false_positive_rate(&scores, &labels, 0.0), 0.5);
        near(recall_at_false_positive_rate(&scores, &labels, 0.33), 0.5);
        near(recall_at_false_positive_rate(&scores, &labels, 0.34), 1.0);
    }

    #[test]
    fn ties_count_as_one_step_in_any_order() {
        let labels = [true, false, true, false];
        for scores in [
            [0.7, 0.7, 0.3, 0.3],
            [0.7, 0.7, 0.3, 0.3].map(|score| score * 2.0),
        ] {
            // Pairs: (tie, above), (below, tie): 0.5 + 1 + 0 + 0.5 of 4.
            near(auc(&scores, &labels), 0.5);
            near(average_precision(&scores, &labels), 0.5);
            near(recall_at_false_positive_rate(&scores, &labels, 0.49), 0.0);
            near(recall_at_false_positive_rate(&scores, &labels, 0.5), 0.5);
        }
        let turned = [false, true, false, true];
        near(average_precision(&[0.7, 0.7, 0.3, 0.3], &turned), 0.5);
        near(auc(&[1.0; 4], &labels), 0.5);
    }

    #[test]
    fn a_score_that_is_no_number_ranks_lowest() {
        near(auc(&[f64::NAN, 0.1], &[true, false]), 0.0);
        near(auc(&[f64::NAN, f64::NEG_INFINITY], &[true, false]), 0.5);
        near(auc(&[0.0, -0.0], &[true, false]), 0.5);
    }

    #[test]
    fn recall_lies_on_the_line_between_two_thresholds() {
        // Thresholds at (0, 0.5), (1/3, 0.5), (1/3, 1), (1, 1): the corner counts with its upper end.
        let scores = [0.9, 0.8, 0.7, 0.6, 0.5];
        let labels = [true, false, true, false, false];
        near(recall_interpolated(&scores, &labels, 0.0), 0.5);
        near(recall_interpolated(&scores, &labels, 0.2), 0.5);
        near(recall_interpolated(&scores, &labels, 1.0 / 3.0), 1.0);
        near(recall_interpolated(&scores, &labels, 1.0), 1.0);
        // One tie of two frauds and two others: the line from nothing to everything in it.
        let tied = [0.9, 0.9, 0.9, 0.9, 0.1, 0.1];
        let labels = [true, true, false, false, false, false];
        near(recall_interpolated(&tied, &labels, 0.1), 0.2);
        near(recall_interpolated(&tied, &labels, 0.5), 1.0);
        near(recall_interpolated(&tied, &labels, 0.0), 0.0);
    }

    #[test]
    fn labels_of_one_kind_give_no_figure() {
        assert!(recall_interpolated(&[0.1], &[true], 0.5).is_nan());
        assert!(recall_interpolated(&[0.1], &[false], 0.5).is_nan());
        assert!(auc(&[0.1, 0.2], &[false, false]).is_nan());
        assert!(average_precision(&[0.1], &[false]).is_nan());
        assert!(recall_at_false_positive_rate(&[0.1], &[true], 0.5).is_nan());
        assert!(auc(&[], &[]).is_nan());
    }

    #[test]
    fn log_loss_is_that_worked_out_by_hand() {
        near(
            log_loss(&[0.5, 0.5], &[true, false]),
            std::f64::consts::LN_2,
        );
        assert!(log_loss(&[0.0], &[true]) < 35.0);
    }
}
