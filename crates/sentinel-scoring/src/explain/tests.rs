//! Shapley values against their definition, on trees small enough for every set of features.

use super::*;
use crate::model::tests::Dice;
use crate::model::{Contents, Model};
use crate::models::{Kind, tree};
use crate::scorer::Scorer;

const FEATURES: usize = 6;

/// What a tree says on average when only the features in `known` are known.
fn expectation(tree: &tree::Tree, covers: &[u64], row: &[f32], known: usize, at: usize) -> f64 {
    match &tree.nodes()[at] {
        tree::Node::Leaf { value, .. } => *value,
        tree::Node::Split(split) => {
            let below = |child: u16| expectation(tree, covers, row, known, usize::from(child));
            let value = row[usize::from(split.feature)];
            if known >> split.feature & 1 == 0 {
                let rows = |child: u16| covers[usize::from(child)] as f64;
                (rows(split.left) * below(split.left) + rows(split.right) * below(split.right))
                    / (rows(split.left) + rows(split.right))
            } else if split.goes_left(value) {
                below(split.left)
            } else {
                below(split.right)
            }
        }
    }
}

/// The Shapley values by their definition: every set of features, weighed.
fn by_definition(contents: &Contents, row: &[f64]) -> Vec<f64> {
    let row: Vec<f32> = row.iter().map(|value| *value as f32).collect();
    let value = |known: usize| -> f64 {
        let member = |member: &crate::models::Member| {
            let factor = member.weight * member.map.slope;
            let tree = |tree: &tree::Tree| expectation(tree, &tree.covers(), &row, known, 0);
            factor * member.kind.trees().iter().map(tree).sum::<f64>()
        };
        contents.members.iter().map(member).sum()
    };
    let values: Vec<f64> = (0..1 << FEATURES).map(value).collect();
    let factorial = |n: usize| (1..=n).product::<usize>() as f64;
    (0..FEATURES)
        .map(|feature| {
            let without = (0..1_usize << FEATURES).filter(|set| set >> feature & 1 == 0);
            without
                .map(|set| {
                    let size = set.count_ones() as usize;
                    let weight = factorial(size) * factorial(FEATURES - size - 1);
                    weight / factorial(FEATURES) * (values[set | 1 << feature] - values[set])
                })
                .sum()
        })
        .collect()
}

fn bind(contents: &Contents) -> Scorer {
    let model = Model::from_contents(contents).unwrap();
    let schema: Vec<&str> = contents.features.iter().map(String::as_str).collect();
    model.bind(&schema).unwrap()
}

#[test]
fn shares_are_the_shapley_values_of_the_definition() {
    let mut scratch = ExplainScratch::default();
    for seed in 0..40 {
        let mut dice = Dice(seed);
        let (trees, splits) = (1 + dice.below(3), dice.below(24));
        let contents = dice.contents(FEATURES as u64, trees, splits);
        let scorer = bind(&contents);
        for _ in 0..5 {
            let row = dice.row(FEATURES);
            let mut found = [0.0; FEATURES];
            for contribution in scorer.explain(&row, &mut scratch) {
                found[usize::from(contribution.feature)] = contribution.log_odds.to_f64();
            }
            for (found, expected) in found.iter().zip(by_definition(&contents, &row)) {
                assert!(
                    (found - expected).abs() < 1e-6,
                    "seed {seed}: {found} {expected}"
                );
            }
        }
    }
}

#[test]
fn base_and_contributions_are_the_log_odds_to_the_unit() {
    let mut scratch = ExplainScratch::default();
    for seed in 0..60 {
        let mut dice = Dice(1000 + seed);
        let (features, trees, splits) = (1 + dice.below(60), dice.below(30), dice.below(200));
        let contents = dice.contents(features, trees, splits);
        let scorer = bind(&contents);
        for _ in 0..20 {
            let row = dice.row(features as usize);
            let contributions = scorer.explain(&row, &mut scratch);
            let sum: LogOdds = contributions.iter().map(|share| share.log_odds).sum();
            assert_eq!(
                scorer.base() + sum,
                scorer.score(&row).log_odds,
                "seed {seed}"
            );
            assert!(
                contributions
                    .iter()
                    .all(|share| share.log_odds != LogOdds::ZERO)
            );
            assert!(contributions.is_sorted_by(|a, b| a.feature < b.feature));
        }
    }
}

#[test]
fn points_integrate_every_power_they_are_meant_for() {
    for count in POINTS {
        let points = gauss_legendre(count);
        for degree in 0..2 * count {
            let mut integral = 0.0;
            for point in &points {
                integral += point.weight * libm::pow(point.at, f64::from(degree));
            }
            let expected = 1.0 / f64::from(degree + 1);
            assert!(
                (integral - expected).abs() < 1e-13,
                "{count} points, degree {degree}"
            );
        }
    }
}

#[test]
fn a_path_of_many_features_is_explained_too() {
    // One tree that asks about 40 features in a row.
    let mut nodes = Vec::new();
    for level in 0..40_u16 {
        nodes.push(tree::Node::Split(tree::Split {
            feature: level,
            test: tree::Test::at_most(0.0),
            missing_left: false,
            left: 2 * level + 1,
            right: 2 * level + 2,
        }));
        nodes.push(tree::Node::Leaf {
            value: f64::from(level) / 8.0,
            cover: 3,
        });
    }
    nodes.push(tree::Node::Leaf {
        value: 9.0,
        cover: 5,
    });
    let mut dice = Dice(3);
    let mut contents = dice.contents(40, 1, 1);
    contents.members.truncate(1);
    let trees = vec![tree::Tree::new(nodes, 40).unwrap()];
    contents.members[0].kind = Kind::of("gradient-boosting", 0.5, trees).unwrap();
    let scorer = bind(&contents);
    let mut scratch = ExplainScratch::default();
    let row = vec![1.0; 40];
    let contributions = scorer.explain(&row, &mut scratch);
    let sum: f64 = contributions
        .iter()
        .map(|share| share.log_odds.to_f64())
        .sum();
    let expected = (scorer.score(&row).log_odds - scorer.base()).to_f64();
    assert!((sum - expected).abs() < 1e-12);
    assert_eq!(contributions.len(), 40);
    assert!(
        contributions
            .iter()
            .all(|share| share.log_odds > LogOdds::ZERO)
    );
}
