//! What each option promises.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "small numbers of tests"
)]

use proptest::prelude::*;

use super::*;

fn boosted(set: &TrainingSet, options: &Options) -> Boosted {
    options.check(set).unwrap();
    boost::boost(set, options, &InTurn, &mut |_| ()).unwrap()
}

fn margin(boosted: &Boosted, row: &[f32]) -> f64 {
    Kind::GradientBoosting(boosted.ensemble.clone()).margin(row)
}

fn noisy(dice: &mut Dice, row: &[f32]) -> bool {
    row[0] + row[1] * row[2] > 0.6 || dice.below(20) == 0
}

#[test]
fn a_weight_counts_as_so_many_rows() {
    let mut weighted = set(1500, 3, 21, noisy);
    weighted.validation_from = 1500;
    let times: Vec<u8> = (0..1500)
        .map(|row| 1 + row % 3)
        .map(|times: u32| times as u8)
        .collect();
    let mut repeated = TrainingSet {
        rows: Vec::new(),
        fraud: Vec::new(),
        ..weighted.clone()
    };
    for (row, times) in times.iter().enumerate() {
        for _ in 0..*times {
            repeated
                .rows
                .extend_from_slice(&weighted.rows[row * 3..row * 3 + 3]);
            repeated.fraud.push(weighted.fraud[row]);
        }
    }
    repeated.validation_from = repeated.fraud.len();
    weighted.weights = Some(times.iter().map(|times| f32::from(*times)).collect());
    // The least rows of a leaf count rows, not weights; the bins are those of few values.
    for set in [&mut weighted, &mut repeated] {
        set.rows
            .iter_mut()
            .for_each(|value| *value = (*value * 20.0).round());
    }
    let options = Options {
        rows_per_leaf_min: 1,
        trees_max: 15,
        ..options()
    };
    let (one, other) = (boosted(&weighted, &options), boosted(&repeated, &options));
    assert_eq!(one.ensemble.base, other.ensemble.base);
    for row in weighted.rows.chunks_exact(3) {
        let (a, b) = (margin(&one, row), margin(&other, row));
        assert!((a - b).abs() < 1e-4, "{row:?}: {a} {b}");
    }
    weighted.weights = None;
    let plain = boosted(&weighted, &options);
    let differs = |row: &[f32]| (margin(&one, row) - margin(&plain, row)).abs() > 0.05;
    assert!(weighted.rows.chunks_exact(3).any(differs));
}

#[test]
fn fraud_that_counts_more_leaves_the_prior_as_it_is() {
    let mut set = set(4000, 3, 22, |dice, _| dice.below(20) == 0);
    set.validation_from = 4000;
    let options = Options {
        fraud_weight: 30.0,
        trees_max: 1,
        ..options()
    };
    let base = boosted(&set, &options).ensemble.base;
    assert!((base - libm::log(0.05 / 0.95)).abs() < 0.15, "{base}");
}

#[test]
fn trees_learn_from_a_share_of_the_rows_and_say_something_of_all() {
    let set = set(4000, 3, 23, noisy);
    let drawn = |seed, every| Options {
        bagging_share: 0.5,
        bagging_every: every,
        seed,
        ..options()
    };
    let once = boosted(&set, &drawn(1, 1)).ensemble;
    assert_eq!(boosted(&set, &drawn(1, 1)).ensemble, once);
    assert_ne!(boosted(&set, &drawn(2, 1)).ensemble, once);
    assert_ne!(boosted(&set, &drawn(1, 4)).ensemble, once);
    // Every training row is in the cover of some leaf, in the bag or not.
    assert!(once.trees.iter().all(|tree| tree.covers()[0] == 3000));
    assert!(learn(&set, &drawn(1, 1)).1.auc > 0.9);
}

#[test]
fn trees_and_splits_keep_to_the_features_they_drew() {
    let set = set(3000, 8, 24, |dice, row| {
        row.iter().sum::<f32>() > 2.0 || dice.below(30) == 0
    });
    let drawn = |of_tree, of_split| Options {
        features_per_tree: of_tree,
        features_per_split: of_split,
        early_stopping_rounds: 0,
        trees_max: 30,
        ..options()
    };
    let features = |tree: &crate::models::tree::Tree| -> BTreeSet<u16> {
        tree.splits().map(|split| split.feature).collect()
    };
    let few = boosted(&set, &drawn(0.25, 1.0)).ensemble;
    assert!(few.trees.iter().all(|tree| features(tree).len() <= 2));
    let all: BTreeSet<u16> = few.trees.iter().flat_map(features).collect();
    assert_eq!(all.len(), 8, "over many trees each feature has its turn");
    let by_split = boosted(&set, &drawn(1.0, 0.25)).ensemble;
    assert_eq!(boosted(&set, &drawn(1.0, 0.25)).ensemble, by_split);
    assert!(by_split.trees.iter().any(|tree| features(tree).len() > 2));
    assert_ne!(by_split, boosted(&set, &drawn(1.0, 1.0)).ensemble);
}

#[test]
fn pulls_and_bounds_make_trees_smaller() {
    let set = set(3000, 3, 25, noisy);
    let leaves = |change: fn(&mut Options)| -> (usize, f64) {
        let mut options = Options {
            trees_max: 5,
            early_stopping_rounds: 0,
            ..options()
        };
        change(&mut options);
        let trees = boosted(&set, &options).ensemble.trees;
        let count = |trees: &[crate::models::tree::Tree]| {
            trees
                .iter()
                .map(|tree| tree.nodes().len().div_ceil(2))
                .sum()
        };
        let largest = trees
            .iter()
            .fold(0.0_f64, |most, tree| most.max(tree.leaf_magnitude_max()));
        (count(&trees), largest)
    };
    let (plain, largest) = leaves(|_| ());
    assert_eq!(plain, 40);
    assert!(leaves(|options| options.gain_min = 20.0).0 < 30);
    assert!(leaves(|options| options.hessian_per_leaf_min = 50.0).0 < 40);
    assert!(leaves(|options| options.alpha = 40.0).0 < 40);
    assert!(leaves(|options| options.lambda = 1000.0).1 < largest / 2.0);
    let (_, bounded) = leaves(|options| options.step_max = 0.3);
    assert!(
        bounded <= 0.03 + 1e-9 && largest > 0.06,
        "{bounded} {largest}"
    );
}

#[test]
fn categories_without_an_order_are_told_apart() {
    // Fraud belongs to every third category; as quantities these lie all over the place.
    let mut dice = Dice(26);
    let (mut rows, mut fraud) = (Vec::new(), Vec::new());
    for _ in 0..8000 {
        let category = dice.below(200);
        rows.extend([(category * 7919 % 1_000_003) as f32, dice.real() as f32]);
        fraud.push(category.is_multiple_of(3) && dice.below(10) > 0 || dice.below(100) == 0);
    }
    let ordinal = TrainingSet {
        features: vec!["category".to_owned(), "noise".to_owned()],
        rows,
        fraud,
        validation_from: 6000,
        ..TrainingSet::default()
    };
    let categorical = TrainingSet {
        categorical: vec![true, false],
        ..ordinal.clone()
    };
    let options = Options {
        trees_max: 20,
        categories_per_split_max: 128,
        forest_weight: 0.0,
        ..options()
    };
    let (by_order, by_name) = (learn(&ordinal, &options).1, learn(&categorical, &options).1);
    assert!(
        by_name.average_precision > by_order.average_precision + 0.1,
        "{} {}",
        by_name.average_precision,
        by_order.average_precision
    );
    // A category that nobody has seen goes with the rare ones: right at every split.
    let model = learn(&categorical, &options).0;
    let scorer = model.bind(&["category", "noise"]).unwrap();
    let unseen = scorer.score(&[5.0, 0.0]).log_odds;
    assert_eq!(scorer.score(&[77.0, 0.0]).log_odds, unseen);
    assert_eq!(scorer.score(&[-3.0, 0.0]).log_odds, unseen);
}

#[test]
fn training_can_stop_by_average_precision() {
    let set = set(4000, 4, 27, noisy);
    let by = |early_stopping_by| Options {
        early_stopping_by,
        early_stopping_rounds: 8,
        trees_max: 200,
        forest_weight: 0.0,
        ..options()
    };
    let loss = learn(&set, &by(StopBy::LogLoss)).1;
    let precision = learn(&set, &by(StopBy::AveragePrecision)).1;
    assert_ne!(loss.trees, precision.trees);
    assert!(precision.average_precision >= loss.average_precision - 0.01);
}

#[test]
fn many_bins_learn_as_few_do() {
    let set = set(4000, 4, 28, xor);
    for bins_max in [16, 255, 300, 4095] {
        let options = Options {
            bins_max,
            forest_weight: 0.0,
            ..options()
        };
        assert!(learn(&set, &options).1.auc > 0.98, "{bins_max}");
    }
}

#[test]
fn options_that_do_not_fit_the_rows_are_refused() {
    let good = set(100, 2, 29, |_, row| row[0] > 0.0);
    let refused = |set: &TrainingSet, change: fn(&mut Options)| {
        let mut options = options();
        change(&mut options);
        train(set, &options, &mut |_| ()).unwrap_err().to_string()
    };
    let named = |options: &mut Options| {
        options.monotone = vec![("f1".to_owned(), Monotone::Rising)];
    };
    let mut categorical = good.clone();
    categorical.categorical = vec![false, true];
    assert!(refused(&categorical, named).contains("categorical feature, which has no order"));
    let unknown = |options: &mut Options| {
        options.monotone = vec![("f7".to_owned(), Monotone::Falling)];
    };
    assert!(refused(&good, unknown).contains("the rows do not have"));
    categorical.categorical.pop();
    assert!(refused(&categorical, |_| ()).contains("1 marks of categories for 2 features"));
    let mut weighted = good.clone();
    for (weights, part) in [
        (vec![1.0; 99], "99 weights for 100 rows"),
        (vec![0.0; 100], "the weight of row 0"),
        (vec![f32::NAN; 100], "the weight of row 0"),
        (vec![2e6; 100], "the weight of row 0"),
    ] {
        weighted.weights = Some(weights);
        assert!(refused(&weighted, |_| ()).contains(part));
    }
    assert!(refused(&good, |options| options.bins_max = 1).contains("option bins_max"));
    assert!(refused(&good, |options| options.step_max = 21.0).contains("option step_max"));
    assert!(refused(&good, |options| options.bagging_every = 0).contains("option bagging_every"));
    assert!(refused(&good, |options| options.alpha = f64::NAN).contains("option alpha"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_margin_never_goes_against_its_feature(
        seed in 0_u64..1000,
        leaves_max in 2_usize..24,
        wave in 1.0_f64..12.0,
    ) {
        let mut dice = Dice(seed);
        let wavy = |_: &mut Dice, row: &[f32]| {
            libm::sin(f64::from(row[0]) * wave) + f64::from(row[1]) * 0.5 > 0.3
        };
        let mut set = set(1200, 3, seed + 31, wavy);
        for row in 0..1200 {
            if dice.below(12) == 0 {
                set.rows[row * 3 + dice.below(3) as usize] = f32::NAN;
            }
        }
        let options = Options {
            leaves_max,
            trees_max: 12,
            rows_per_leaf_min: 5,
            early_stopping_rounds: 0,
            monotone: vec![
                ("f0".to_owned(), Monotone::Rising),
                ("f2".to_owned(), Monotone::Falling),
            ],
            ..options()
        };
        let boosted = boosted(&set, &options);
        for _ in 0..60 {
            let mut row: Vec<f32> = (0..3).map(|_| dice.real() as f32).collect();
            for (feature, way) in [(0, 1.0), (2, -1.0)] {
                let kept = row[feature];
                let margins: Vec<f64> = (0..40)
                    .map(|step| {
                        row[feature] = step as f32 / 20.0 - 1.0;
                        margin(&boosted, &row) * way
                    })
                    .collect();
                row[feature] = kept;
                prop_assert!(margins.is_sorted_by(|a, b| *b >= a - 1e-12), "{margins:?}");
            }
        }
    }
}
