//! The walk abreast against the plain walk, and one row against many.

use super::*;
use crate::model::Model;
use crate::model::tests::Dice;

fn bind(contents: &Contents) -> Scorer {
    let model = Model::from_contents(contents).unwrap();
    let schema: Vec<&str> = contents.features.iter().map(String::as_str).collect();
    model.bind(&schema).unwrap()
}

/// The log-odds by walking each tree on its own and adding its leaf's integer.
fn plain(contents: &Contents, row: &[f64]) -> LogOdds {
    let row: Vec<f32> = row.iter().map(|value| *value as f32).collect();
    let scale = LeafScale::of(contents);
    let mut log_odds = LogOdds::ZERO;
    for member in &contents.members {
        log_odds += LogOdds::from_f64(member.weight * member.map.at(member.kind.base()));
        for tree in member.kind.trees() {
            let leaf = scale.leaf(tree.value(&row), member.weight * member.map.slope);
            log_odds += scale.log_odds(i64::from(leaf));
        }
    }
    log_odds
}

#[test]
fn walking_abreast_is_walking_one_by_one() {
    for seed in 0..60 {
        let mut dice = Dice(seed);
        let (features, trees, splits) = (1 + dice.below(200), dice.below(40), dice.below(60));
        let contents = dice.contents(features, trees, splits);
        let scorer = bind(&contents);
        for _ in 0..20 {
            let row = dice.row(features as usize);
            assert_eq!(
                scorer.sum(&row).log_odds,
                plain(&contents, &row),
                "seed {seed}"
            );
        }
    }
}

#[test]
fn a_model_of_the_most_features_is_walked_rightly() {
    let mut dice = Dice(4);
    let contents = dice.contents(4095, 60, 400);
    let scorer = bind(&contents);
    for _ in 0..20 {
        let row = dice.row(4095);
        assert_eq!(scorer.sum(&row).log_odds, plain(&contents, &row));
    }
}

#[test]
fn many_rows_score_as_each_alone() {
    let mut dice = Dice(11);
    let contents = dice.contents(9, 30, 15);
    let scorer = bind(&contents);
    let rows: Vec<f64> = (0..100).flat_map(|_| dice.row(9)).collect();
    let mut together = Vec::new();
    scorer.score_rows(&rows, 9, &mut together);
    let bits = |score: &Score| {
        (
            score.log_odds,
            score.probability.to_bits(),
            score.risk.to_bits(),
        )
    };
    let alone: Vec<_> = rows
        .chunks_exact(9)
        .map(|row| bits(&scorer.score(row)))
        .collect();
    assert_eq!(together.iter().map(bits).collect::<Vec<_>>(), alone);
}

#[test]
fn slots_may_stand_in_any_order_among_others() {
    let mut dice = Dice(5);
    let contents = dice.contents(4, 20, 10);
    let model = Model::from_contents(&contents).unwrap();
    let scorer = bind(&contents);
    let turned = model.bind(&["f3", "other", "f1", "f0", "f2"]).unwrap();
    let mut scratch = ExplainScratch::default();
    for _ in 0..50 {
        let row = dice.row(4);
        let other = [row[3], 99.0, row[1], row[0], row[2]];
        assert_eq!(scorer.score(&row), turned.score(&other));
        let place = |feature: u16| [3, 2, 4, 0][usize::from(feature)];
        let expected = scorer.explain(&row, &mut scratch);
        let mut found = turned.explain(&other, &mut scratch);
        assert!(found.is_sorted_by_key(|contribution| contribution.feature));
        assert_eq!(found.len(), expected.len());
        for contribution in expected {
            let at = found
                .iter()
                .position(|other| other.feature == place(contribution.feature));
            let found = found.remove(at.unwrap());
            // The order of slots moves the last digit, and which share takes the residue.
            let distance = found.log_odds.units() - contribution.log_odds.units();
            assert!(distance.abs() < 64, "{distance}");
        }
    }
}

#[test]
fn probability_and_risk_follow_the_log_odds() {
    let mut dice = Dice(17);
    let contents = dice.contents(6, 30, 15);
    let scorer = bind(&contents);
    let mut scores: Vec<Score> = (0..500).map(|_| scorer.score(&dice.row(6))).collect();
    scores.sort_by_key(|score| score.log_odds);
    for pair in scores.windows(2) {
        let rises = pair[0].log_odds < pair[1].log_odds;
        assert_eq!(pair[0].probability < pair[1].probability, rises);
        assert_eq!(pair[0].risk < pair[1].risk, rises);
    }
}

#[test]
fn values_beyond_f32_and_both_zeros_are_defined() {
    let mut dice = Dice(23);
    let contents = dice.contents(1, 20, 8);
    let scorer = bind(&contents);
    let score = |value: f64| scorer.score(&[value]).log_odds;
    assert_eq!(score(1e300), score(f64::from(f32::MAX)));
    assert_eq!(score(f64::INFINITY), score(f64::from(f32::MAX)));
    assert_eq!(score(-1e300), score(f64::from(f32::MIN)));
    assert_eq!(score(0.0), score(-0.0));
    assert_eq!(score(f64::NAN), score(-f64::NAN));
}

#[test]
fn scorers_may_be_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&bind(&Dice(1).contents(2, 2, 2)));
}
