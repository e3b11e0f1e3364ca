//! What training promises: it learns, it repeats, and its file keeps what was measured.

#![allow(clippy::cast_possible_truncation, reason = "small numbers of tests")]

mod options;

use super::*;
use crate::model::tests::Dice;

/// Rows of `columns` values in -1..1, labelled by a rule, the last quarter for validation.
fn set(
    rows: usize,
    columns: usize,
    seed: u64,
    rule: impl Fn(&mut Dice, &[f32]) -> bool,
) -> TrainingSet {
    let mut dice = Dice(seed);
    let (mut values, mut fraud) = (Vec::new(), Vec::new());
    for _ in 0..rows {
        let row: Vec<f32> = (0..columns).map(|_| dice.real() as f32).collect();
        fraud.push(rule(&mut dice, &row));
        values.extend(row);
    }
    TrainingSet {
        features: (0..columns).map(|column| format!("f{column}")).collect(),
        rows: values,
        fraud,
        validation_from: rows * 3 / 4,
        ..TrainingSet::default()
    }
}

fn options() -> Options {
    Options {
        trees_max: 60,
        leaves_max: 8,
        // Small sets of few columns: nothing is drawn, and little is held back.
        learning_rate: 0.1,
        lambda: 1.0,
        bagging_share: 1.0,
        features_per_tree: 1.0,
        ..Options::default()
    }
}

fn learn(set: &TrainingSet, options: &Options) -> (Model, Report) {
    train(set, options, &mut |_| ()).unwrap()
}

fn xor(_: &mut Dice, row: &[f32]) -> bool {
    (row[0] > 0.0) != (row[1] > 0.2)
}

#[test]
fn a_problem_that_needs_two_features_at_once_is_learned() {
    let (_, report) = learn(&set(4000, 4, 1, xor), &options());
    assert!(report.auc > 0.99, "{report:?}");
    let (first, second) = (&report.importance[0].0, &report.importance[1].0);
    let mut names = [first.as_str(), second.as_str()];
    names.sort_unstable();
    assert_eq!(names, ["f0", "f1"]);
}

#[test]
fn a_rising_chance_is_ranked_and_calibrated() {
    let rising = |dice: &mut Dice, row: &[f32]| {
        f64::from(dice.below(1000) as u32)
            < 1000.0 * crate::maps::logistic(f64::from(row[2]) * 4.0 - 3.0)
    };
    let set = set(12_000, 3, 2, rising);
    let (model, report) = learn(&set, &options());
    assert!(report.auc > 0.83, "{report:?}");
    let scorer = model.bind(&["f0", "f1", "f2"]).unwrap();
    for (value, expected) in [(-0.5, 0.0067), (0.0, 0.047), (0.5, 0.269), (0.9, 0.646)] {
        let probability = scorer.score(&[0.0, 0.0, value]).probability;
        assert!(
            (probability - expected).abs() < 0.12,
            "{value}: {probability}"
        );
    }
}

#[test]
fn rare_cuts_in_the_tail_are_found() {
    // Fraud are the 40 largest of 30,000 amounts that are all different.
    let mut tail = set(30_000, 2, 3, |_, _| false);
    for row in 0..30_000 {
        let amount = tail.rows[row * 2] as f64;
        tail.rows[row * 2] = libm::exp(amount * 5.0) as f32;
    }
    let mut amounts: Vec<f32> = tail.rows.iter().copied().step_by(2).collect();
    amounts.sort_by(f32::total_cmp);
    let least = amounts[29_960];
    tail.fraud = tail
        .rows
        .iter()
        .step_by(2)
        .map(|amount| *amount >= least)
        .collect();
    let (_, report) = learn(
        &tail,
        &Options {
            rows_per_leaf_min: 5,
            ..options()
        },
    );
    assert!(report.average_precision > 0.9, "{report:?}");
}

#[test]
fn missing_values_go_where_they_were_learned_to_go() {
    let mut gaps = set(4000, 2, 4, |_, _| false);
    let mut dice = Dice(9);
    for row in 0..4000 {
        // Missing means fraud, in a feature whose values say nothing.
        if dice.below(20) == 0 {
            gaps.rows[row * 2] = f32::NAN;
            gaps.fraud[row] = true;
        }
    }
    let (model, report) = learn(&gaps, &options());
    assert!(report.auc > 0.999, "{report:?}");
    let scorer = model.bind(&["f0", "f1"]).unwrap();
    let probability = |value: f64| scorer.score(&[value, 0.0]).probability;
    assert!(probability(f64::NAN) > 0.9);
    for value in [-1e30, -0.5, 0.5, 1e30, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(probability(value) < 0.05, "{value}");
    }
}

#[test]
fn the_same_rows_options_and_seed_give_the_same_bytes() {
    let set = set(2000, 4, 5, xor);
    let options = Options {
        negative_share: 0.5,
        ..options()
    };
    let bytes = learn(&set, &options).0.to_bytes();
    assert_eq!(learn(&set, &options).0.to_bytes(), bytes);
    let other = Options { seed: 2, ..options };
    assert_ne!(learn(&set, &other).0.to_bytes(), bytes);
}

#[test]
fn the_model_of_a_fixed_set_never_changes() {
    // A change here means that models trained before cannot be reproduced: say so in the changelog.
    let set = set(2000, 4, 6, xor);
    let (model, _) = learn(
        &set,
        &Options {
            trees_max: 5,
            leaves_max: 4,
            ..options()
        },
    );
    assert_eq!(model.content_hash().abbreviated(), "fd93fee02000");
}

#[test]
fn anchors_stand_at_the_stated_false_positive_rates() {
    let noisy =
        |dice: &mut Dice, row: &[f32]| row[0] > 0.8 && dice.below(3) == 0 || dice.below(100) == 0;
    let set = set(20_000, 3, 7, noisy);
    let (model, report) = learn(&set, &options());
    for (threshold, rate) in report.thresholds.iter().zip([0.02, 0.015, 0.005, 0.001]) {
        assert!(threshold.false_positive_rate <= rate, "{threshold:?}");
        assert!(
            threshold.false_positive_rate >= rate - 0.002,
            "{threshold:?}"
        );
    }
    let scorer = model.bind(&["f0", "f1", "f2"]).unwrap();
    let mut flagged = [0.0; 4];
    let mut legitimate = 0.0;
    for row in set.validation_from..set.fraud.len() {
        if set.fraud[row] {
            continue;
        }
        legitimate += 1.0;
        let slots: Vec<f64> = set.rows[row * 3..row * 3 + 3]
            .iter()
            .map(|v| f64::from(*v))
            .collect();
        for (flagged, risk) in flagged.iter_mut().zip(ANCHOR_RISKS) {
            if scorer.score(&slots).risk >= risk {
                *flagged += 1.0;
            }
        }
    }
    let rates: Vec<f64> = report
        .thresholds
        .iter()
        .map(|t| t.false_positive_rate)
        .collect();
    assert_eq!(flagged.map(|count| count / legitimate).to_vec(), rates);
}

#[test]
fn leaving_out_legitimate_rows_keeps_the_prior() {
    let rare = |dice: &mut Dice, _: &[f32]| dice.below(50) == 0;
    let mut set = set(20_000, 2, 8, rare);
    // Without a validation slice nothing but the correction can put it right before Platt's map.
    set.validation_from = 20_000;
    let options = Options {
        negative_share: 0.1,
        trees_max: 1,
        ..options()
    };
    let boosted = boost::boost(&set, &options, &InTurn, &mut |_| ()).unwrap();
    assert!(boosted.rows < 3000, "{}", boosted.rows);
    let expected = libm::log(0.02 / 0.98);
    assert!(
        (boosted.ensemble.base - expected).abs() < 0.1,
        "{}",
        boosted.ensemble.base
    );
    let covers = boosted.ensemble.trees[0].covers()[0];
    assert!(covers.abs_diff(20_000) < 1500, "{covers}");
}

#[test]
fn training_stops_when_validation_no_longer_gains() {
    let noise = |dice: &mut Dice, _: &[f32]| dice.below(4) == 0;
    let set = set(3000, 5, 10, noise);
    let mut told = Vec::new();
    let options = Options {
        early_stopping_rounds: 5,
        trees_max: 200,
        ..options()
    };
    let (_, report) = train(&set, &options, &mut |progress| told.push(progress)).unwrap();
    assert!(
        told.len() < 60 && report.trees + 5 == told.len(),
        "{} {}",
        told.len(),
        report.trees
    );
    assert!(
        told.iter()
            .zip(1..)
            .all(|(progress, trees)| progress.trees == trees)
    );
    let all = Options {
        early_stopping_rounds: 0,
        trees_max: 20,
        ..options
    };
    assert_eq!(learn(&set, &all).1.trees, 20);
}

#[test]
fn trees_keep_to_their_bounds() {
    let set = set(3000, 4, 11, xor);
    for (leaves_max, depth_max) in [(2, 64), (16, 1), (64, 3), (64, 10)] {
        let options = Options {
            leaves_max,
            depth_max,
            trees_max: 5,
            rows_per_leaf_min: 30,
            early_stopping_rounds: 0,
            ..options()
        };
        let boosted = boost::boost(&set, &options, &InTurn, &mut |_| ()).unwrap();
        for tree in &boosted.ensemble.trees {
            let leaves = tree.nodes().len().div_ceil(2);
            assert!(leaves <= leaves_max && leaves <= 1 << depth_max.min(20));
            let covers = tree.covers();
            assert_eq!(covers[0], 2250);
            assert!(covers.iter().all(|cover| *cover >= 30));
        }
    }
}

#[test]
fn a_model_of_features_that_say_nothing_still_scores() {
    let mut alike = set(200, 2, 12, |dice, _| dice.below(5) == 0);
    alike.rows.fill(1.0);
    let (model, report) = learn(&alike, &options());
    assert_eq!(report.trees, 0);
    let scorer = model.bind(&["f0", "f1"]).unwrap();
    let score = scorer.score(&[1.0, 1.0]);
    assert_eq!(score.log_odds, scorer.base());
    assert!(
        scorer
            .explain(&[1.0, f64::NAN], &mut crate::ExplainScratch::default())
            .is_empty()
    );
    assert!(score.risk < 0.5);
}

#[test]
fn a_validation_slice_without_fraud_or_without_rows_is_borne() {
    let mut odd = set(1000, 2, 13, |_, row| row[0] > 0.9);
    for row in odd.validation_from..1000 {
        odd.fraud[row] = false;
    }
    let (_, report) = learn(&odd, &options());
    assert!(report.auc.is_nan() && report.log_loss.is_finite());
    assert_eq!(report.validation_fraud, 0);
    odd.validation_from = 1000;
    odd.fraud[999] = true;
    assert!(learn(&odd, &options()).1.auc > 0.9);
}

#[test]
fn what_cannot_be_learned_from_is_refused() {
    let good = set(100, 2, 14, |_, row| row[0] > 0.0);
    let refused = |set: &TrainingSet, options: &Options| {
        train(set, options, &mut |_| ()).unwrap_err().to_string()
    };
    let mut set = good.clone();
    set.rows.pop();
    assert!(refused(&set, &options()).contains("199 values are not 100 rows of 2"));
    set = good.clone();
    set.validation_from = 101;
    assert!(refused(&set, &options()).contains("begins at 101"));
    set = good.clone();
    set.features[1] = "f0".to_owned();
    assert!(refused(&set, &options()).contains("f0 stands twice"));
    set = good.clone();
    set.fraud.fill(false);
    assert!(refused(&set, &options()).contains("75 training rows hold 0 fraud"));
    let wrong = |change: fn(&mut Options)| {
        let mut options = options();
        change(&mut options);
        refused(&good, &options)
    };
    assert!(wrong(|options| options.leaves_max = 1).contains("option leaves_max"));
    assert!(wrong(|options| options.depth_max = 65).contains("option depth_max"));
    assert!(wrong(|options| options.learning_rate = f64::NAN).contains("option learning_rate"));
    assert!(wrong(|options| options.negative_share = 0.0).contains("option negative_share"));
    assert!(wrong(|options| options.anchors = [0.1, 0.2, 0.01, 0.001]).contains("option anchors"));
    assert!(wrong(|options| options.boosted_weight = -0.1).contains("option boosted_weight"));
    assert!(wrong(|options| options.forest_weight = f64::NAN).contains("option forest_weight"));
    assert!(wrong(|options| options.forest.rows = 1).contains("option forest.rows"));
    assert!(wrong(|options| options.forest.trees = 0).contains("option forest.trees"));
    let nothing = |options: &mut Options| {
        options.boosted_weight = 0.0;
        options.forest_weight = 0.0;
    };
    assert!(wrong(nothing).contains("where no trees are boosted"));
    assert!(wrong(|options| options.card = vec![("Data".into(), "d".into())]).contains("a-z"));
    assert!(wrong(|options| options.name.clear()).contains("write the result"));
}

#[test]
fn a_member_of_weight_zero_is_left_out_and_the_others_are_what_they_were() {
    let strange = |_: &mut Dice, row: &[f32]| row[0].abs() > 0.9 && row[1] > 0.0;
    let set = set(6000, 3, 15, strange);
    let both = learn(&set, &options()).0;
    let with = |boosted_weight, forest_weight| {
        let options = Options {
            boosted_weight,
            forest_weight,
            ..options()
        };
        learn(&set, &options)
    };
    let kinds = |model: &Model| -> Vec<_> {
        let members = model.contents.members.iter();
        members
            .map(|member| (member.kind.word(), member.weight))
            .collect()
    };
    let expected = [("gradient-boosting", 0.7), ("isolation-forest", 0.3)];
    assert_eq!(kinds(&both), expected);
    let (boosted, forest) = (with(1.0, 0.0), with(0.0, 1.0));
    assert_eq!(kinds(&boosted.0), [("gradient-boosting", 1.0)]);
    assert_eq!(kinds(&forest.0), [("isolation-forest", 1.0)]);
    let member = |model: &Model, index: usize| {
        let member = &model.contents.members[index];
        (member.kind.clone(), member.map)
    };
    assert_eq!(member(&both, 0), member(&boosted.0, 0));
    assert_eq!(member(&both, 1), member(&forest.0, 0));
    assert!(boosted.1.auc > 0.99 && forest.1.auc > 0.5 && forest.1.auc < boosted.1.auc);
    assert!(forest.1.importance.is_empty());
}

#[test]
fn z_is_the_weighted_sum_of_what_the_members_say() {
    let set = set(4000, 3, 16, xor);
    let (model, _) = learn(&set, &options());
    let scorer = model.bind(&["f0", "f1", "f2"]).unwrap();
    for row in set.rows.chunks_exact(3).take(200) {
        let says = |member: &crate::models::Member| member.map.at(member.kind.margin(row));
        let members = &model.contents.members;
        let z: f64 = members.iter().map(|one| one.weight * says(one)).sum();
        let (boosted, forest) = (says(&members[0]), says(&members[1]));
        let sum = scorer.sum(
            &row.iter()
                .map(|value| f64::from(*value))
                .collect::<Vec<_>>(),
        );
        assert!((sum.log_odds.to_f64() - z).abs() < 1e-6);
        let spread = libm::sqrt(0.21) * (boosted - forest).abs();
        assert!((sum.spread - spread).abs() < 1e-6);
    }
}

#[test]
fn a_forest_that_says_the_reverse_is_not_turned_round() {
    // Fraud is the most common of rows, so strangeness speaks for the opposite.
    let set = set(6000, 2, 17, |_, row| {
        row[0].abs() < 0.2 && row[1].abs() < 0.2
    });
    let (model, report) = learn(&set, &options());
    let forest = &model.contents.members[1];
    assert!(report.members[1].auc < 0.3, "{report:?}");
    assert!((forest.map.slope - 0.05).abs() < 1e-12);
    assert!(report.auc > 0.99);
}

#[test]
fn confidence_follows_what_the_validation_slice_held() {
    let set = set(8000, 2, 18, |dice, row| row[0] > 0.5 && dice.below(3) > 0);
    let alone = Options {
        forest_weight: 0.0,
        ..options()
    };
    let confidences = |options: &Options| -> Vec<(f64, f64)> {
        let (model, _) = learn(&set, options);
        let steps = &model.contents.support.steps;
        assert_eq!(steps.last().map(|step| step.rows), Some(2000));
        let scorer = model.bind(&["f0", "f1"]).unwrap();
        let rows = set.rows.chunks_exact(2).skip(set.validation_from);
        rows.map(|row| scorer.score(&[f64::from(row[0]), f64::from(row[1])]))
            .map(|score| (score.log_odds.to_f64(), score.confidence))
            .collect()
    };
    // With one member it is nothing but the rows near by; the table is a little coarse.
    let scores = confidences(&alone);
    for (z, confidence) in &scores {
        let near = scores.iter().filter(|(other, _)| (other - z).abs() <= 0.5);
        let near = near.count() as f64;
        let expected = near / (near + 100.0);
        assert!(
            (confidence - expected).abs() < 0.15,
            "{z}: {confidence} {expected}"
        );
    }
    // A second member can only take away.
    let both = confidences(&options());
    let mean = |scores: &[(f64, f64)]| scores.iter().map(|(_, c)| c).sum::<f64>() / 2000.0;
    assert!(
        both.iter()
            .all(|(_, confidence)| (0.0..=1.0).contains(confidence))
    );
    assert!(mean(&both) < mean(&scores) && mean(&both) > 0.4);
}

#[test]
fn the_card_says_what_was_learned_from() {
    let set = set(1000, 2, 19, |_, row| row[0] > 0.8);
    let card = vec![("data".to_owned(), "a test, 1000 rows".to_owned())];
    let (model, report) = learn(&set, &Options { card, ..options() });
    let card = model.card();
    assert_eq!(card.entries().next(), Some(("data", "a test, 1000 rows")));
    assert_eq!(card.get("rows"), Some("750"));
    assert_eq!(card.get("validation_rows"), Some("250"));
    assert_eq!(card.get("seed"), Some("1"));
    assert_eq!(card.get("auc"), Some(format!("{:.4}", report.auc).as_str()));
    assert!(
        card.get("isolation_forest")
            .is_some_and(|value| value.starts_with("weight 0.3"))
    );
}

#[test]
fn rows_that_the_trees_have_seen_support_no_confidence() {
    let mut set = set(4000, 2, 31, |_, row| row[0] > 0.9);
    let confidence = |set: &TrainingSet| {
        let scorer = learn(set, &options()).0.bind(&["f0", "f1"]).unwrap();
        scorer.score(&[0.2, 0.5]).confidence
    };
    assert!(confidence(&set) > 0.0);
    set.validation_from = 4000;
    assert_eq!(confidence(&set), 0.0);
}
