//! Foreign models against the predictions of their own programs, and against damage.
//!
//! The fixtures are written by `cargo xtask measure parity --fixtures`; each has its rows beside it.

mod damage;

use super::*;
use crate::model::tests::Dice;

/// A model file, its name and its rows.
struct Fixture {
    name: &'static str,
    bytes: &'static [u8],
    rows: &'static str,
}

macro_rules! fixtures {
    ($($name:literal $rows:literal,)*) => {
        [$(Fixture {
            name: $name,
            bytes: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/models/foreign/", $name)),
            rows: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/models/foreign/", $rows, ".csv")),
        }),*]
    };
}

// Behind the macro that it uses.
mod network;

const FIXTURES: [Fixture; 21] = fixtures![
    "lightgbm-nan.txt" "lightgbm-nan",
    "lightgbm-nan.json" "lightgbm-nan",
    "lightgbm-zero.txt" "lightgbm-zero",
    "lightgbm-zero.json" "lightgbm-zero",
    "lightgbm-none.txt" "lightgbm-none",
    "lightgbm-dart.txt" "lightgbm-dart",
    "lightgbm-forest.txt" "lightgbm-forest",
    "lightgbm-forest.json" "lightgbm-forest",
    "lightgbm-sigmoid.txt" "lightgbm-sigmoid",
    "xgboost-nan.json" "xgboost-nan",
    "xgboost-nan.ubj" "xgboost-nan",
    "xgboost-dart.json" "xgboost-dart",
    "xgboost-dart.ubj" "xgboost-dart",
    "xgboost-logitraw.json" "xgboost-logitraw",
    "xgboost-regression.json" "xgboost-regression",
    "onnx-lightgbm.onnx" "onnx-lightgbm",
    "onnx-xgboost.onnx" "onnx-xgboost",
    "onnx-forest.onnx" "onnx-forest",
    "onnx-boosted.onnx" "onnx-boosted",
    "onnx-modes.onnx" "onnx-modes",
    "onnx-five.onnx" "onnx-five",
];

fn fixture(name: &str) -> &'static Fixture {
    let place = FIXTURES.iter().position(|fixture| fixture.name == name);
    &FIXTURES[place.unwrap()]
}

/// Rows by name of column.
struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<f64>>,
}

impl Table {
    fn of(text: &str) -> Self {
        let mut lines = text.lines();
        let columns = lines
            .next()
            .unwrap()
            .split(',')
            .map(str::to_owned)
            .collect();
        let cell = |cell: &str| {
            if cell.is_empty() {
                f64::NAN
            } else {
                cell.parse().unwrap()
            }
        };
        Self {
            columns,
            rows: lines
                .map(|line| line.split(',').map(cell).collect())
                .collect(),
        }
    }

    fn column(&self, name: &str) -> Option<Vec<f64>> {
        let place = self.columns.iter().position(|column| column == name)?;
        Some(self.rows.iter().map(|row| row[place]).collect())
    }

    /// The rows of these columns, one after another.
    fn of_features(&self, names: &[String]) -> Vec<f64> {
        let columns: Vec<Vec<f64>> = names
            .iter()
            .map(|name| self.column(name).unwrap())
            .collect();
        let row = |row: usize| columns.iter().map(move |column| column[row]);
        (0..self.rows.len()).flat_map(row).collect()
    }
}

fn options() -> Options<'static> {
    Options {
        name: "foreign".to_owned(),
        version: 1,
        ..Options::default()
    }
}

#[test]
fn every_format_scores_as_its_own_program_does() {
    for Fixture { name, bytes, rows } in &FIXTURES {
        let foreign = Foreign::read(bytes, None).unwrap_or_else(|error| panic!("{name}: {error}"));
        let model = foreign.model(&options()).unwrap().model;
        let table = Table::of(rows);
        let names: Vec<&str> = foreign.features().iter().map(String::as_str).collect();
        let scorer = model.bind(&names).unwrap();
        let (raw, prediction) = (table.column("raw"), table.column("prediction"));
        assert!(raw.is_some() || prediction.is_some(), "{name}");
        let values = table.of_features(foreign.features());
        for (index, row) in values.chunks_exact(names.len()).enumerate() {
            let score = scorer.score(row);
            let margin = foreign.margin(score.log_odds);
            let near = |found: f64, wanted: f64, bound: f64| {
                assert!(
                    (found - wanted).abs() <= bound,
                    "{name}, row {index}: {found} instead of {wanted}"
                );
            };
            if let Some(raw) = &raw {
                near(margin, raw[index], 1e-6);
            }
            match (&prediction, foreign.meaning()) {
                (Some(prediction), Meaning::LogOdds) => {
                    near(score.probability, prediction[index], 1e-6);
                }
                (Some(prediction), Meaning::Probability) => {
                    near(margin, prediction[index], 1e-6);
                    near(score.probability, prediction[index], 2e-5);
                }
                (Some(_), Meaning::Number) => panic!("{name} has a prediction"),
                (None, _) => {}
            }
        }
    }
}

#[test]
fn the_forms_of_one_model_are_one_model() {
    for (one, other) in [
        ("lightgbm-nan.txt", "lightgbm-nan.json"),
        ("lightgbm-zero.txt", "lightgbm-zero.json"),
        ("lightgbm-forest.txt", "lightgbm-forest.json"),
        ("xgboost-nan.json", "xgboost-nan.ubj"),
        ("xgboost-dart.json", "xgboost-dart.ubj"),
    ] {
        let read = |name| Foreign::read(fixture(name).bytes, None).unwrap();
        let (one, other) = (read(one), read(other));
        assert_eq!(one.ensemble.features, other.ensemble.features);
        assert_eq!(one.ensemble.trees, other.ensemble.trees);
        assert_eq!(one.ensemble.base, other.ensemble.base);
        assert_eq!(one.ensemble.link, other.ensemble.link);
        assert_ne!(one.format, other.format);
    }
}

#[test]
fn fixtures_hold_what_they_are_there_for() {
    let text = |name| std::str::from_utf8(fixture(name).bytes).unwrap();
    assert!(text("lightgbm-nan.txt").contains("num_cat=1"));
    assert!(text("lightgbm-forest.txt").contains("average_output"));
    assert!(text("lightgbm-sigmoid.txt").contains("sigmoid:0.7"));
    assert!(text("xgboost-nan.json").contains("\"categories\":[0,"));
    assert!(text("xgboost-nan.json").contains("\"base_score\":\"["));
    // Zero as missing shows in the tests of our own trees.
    let zero = Foreign::read(fixture("lightgbm-zero.txt").bytes, None).unwrap();
    let mut splits = zero.ensemble.trees.iter().flat_map(|tree| tree.splits());
    let is_zero = |split: &Split| matches!(split.test, crate::models::tree::Test::AtMost { zero_missing, .. } if zero_missing);
    assert!(splits.any(is_zero));
    let forest = Foreign::read(fixture("onnx-forest.onnx").bytes, None).unwrap();
    assert_eq!(forest.meaning(), Meaning::Probability);
    // Both ways in which XGBoost spells its base.
    let old = text("xgboost-nan.json").replace("\"base_score\":\"[", "\"base_score\":\"");
    let old = old.replace("]\",\"boost_from_average\"", "\",\"boost_from_average\"");
    let new = Foreign::read(fixture("xgboost-nan.json").bytes, None).unwrap();
    assert_eq!(Foreign::read(old.as_bytes(), None).unwrap(), new);
}

#[test]
fn infinite_thresholds_part_what_is_there_from_what_is_missing() {
    let text = "tree\nversion=v4\nnum_class=1\nmax_feature_idx=0\nobjective=binary sigmoid:1\nfeature_names=x\n\n\
                Tree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nthreshold=inf\ndecision_type=8\nleft_child=-1\n\
                right_child=-2\nleaf_value=0.5 -0.25\nleaf_count=7 3\nis_linear=0\n\nend of trees\n";
    let foreign = Foreign::read(text.as_bytes(), None).unwrap();
    let scorer = foreign
        .model(&options())
        .unwrap()
        .model
        .bind(&["x"])
        .unwrap();
    for value in [f64::MIN, 0.0, 3e38, f64::INFINITY] {
        assert_eq!(scorer.score(&[value]).log_odds.to_f64(), 0.5, "{value}");
    }
    assert_eq!(scorer.score(&[f64::NAN]).log_odds.to_f64(), -0.25);
}

/// The error of a fixture with one piece of its text replaced.
fn changed(name: &str, from: &str, to: &str) -> String {
    let text = std::str::from_utf8(fixture(name).bytes).unwrap();
    assert!(text.contains(from), "{name} holds {from:?}");
    let changed = text.replacen(from, to, 1);
    match Foreign::read(changed.as_bytes(), None) {
        Ok(_) => panic!("{name} reads with {to:?}"),
        Err(error) => error.to_string(),
    }
}

/// A fixture, a piece of its text, what comes in its place, and a part of the error.
const REFUSED: &[(&str, &str, &str, &str)] = &[
    (
        "lightgbm-nan.txt",
        "num_class=1",
        "num_class=3",
        "line 3: num_class is 3",
    ),
    (
        "lightgbm-nan.txt",
        "objective=binary",
        "objective=multiclass",
        "several classes",
    ),
    (
        "lightgbm-nan.txt",
        "is_linear=0",
        "is_linear=1",
        "linear trees",
    ),
    (
        "lightgbm-nan.txt",
        "num_leaves=6",
        "num_leaves=60000",
        "1 to 4096 leaves",
    ),
    (
        "lightgbm-nan.txt",
        "num_leaves=6",
        "num_leaves=7",
        "leaf_value has 6 numbers, not 7",
    ),
    (
        "lightgbm-nan.txt",
        "num_leaves=6",
        "num_leaves=5",
        "leaf_value has more than 5 numbers",
    ),
    (
        "lightgbm-nan.txt",
        "leaf_value=",
        "leaf_value=x",
        "cannot stand in leaf_value",
    ),
    (
        "lightgbm-nan.txt",
        "leaf_value=",
        "leaf_value=NaN leaf_value",
        "cannot stand in leaf_value",
    ),
    (
        "lightgbm-nan.txt",
        "split_feature=",
        "split_features=",
        "\"split_feature\" is missing",
    ),
    (
        "lightgbm-nan.txt",
        "max_feature_idx=9",
        "max_feature_idx=8",
        "10 features are named",
    ),
    ("lightgbm-nan.txt", "end of trees", "end", "cut short"),
    (
        "lightgbm-nan.txt",
        "cat_boundaries=0 ",
        "cat_boundaries=99 ",
        "which is not there",
    ),
    ("lightgbm-nan.txt", "Tree=0", "Tree=0\nTree=0", "num_leaves"),
    (
        "lightgbm-nan.json",
        "\"num_class\": 1",
        "\"num_class\": 2",
        "num_class is 2",
    ),
    (
        "lightgbm-nan.json",
        "\"<=\"",
        "\"<\"",
        "decision_type \"<\"",
    ),
    (
        "lightgbm-nan.json",
        "\"tree_info\"",
        "\"trees\"",
        "neither XGBoost's",
    ),
    (
        "xgboost-nan.json",
        "\"num_class\":\"0\"",
        "\"num_class\":\"3\"",
        "num_class is 3",
    ),
    (
        "xgboost-nan.json",
        "\"num_target\":\"1\"",
        "\"num_target\":\"2\"",
        "num_target is 2",
    ),
    (
        "xgboost-nan.json",
        "\"size_leaf_vector\":\"1\"",
        "\"size_leaf_vector\":\"4\"",
        "several values",
    ),
    (
        "xgboost-nan.json",
        "binary:logistic",
        "multi:softprob",
        "several classes",
    ),
    (
        "xgboost-nan.json",
        "binary:logistic",
        "survival:aft",
        "logarithm",
    ),
    (
        "xgboost-nan.json",
        "\"name\":\"gbtree\"",
        "\"name\":\"gblinear\"",
        "\"gblinear\" has no trees",
    ),
    (
        "xgboost-nan.json",
        "\"base_score\":\"[",
        "\"base_score\":\"[1",
        "base_score",
    ),
    (
        "xgboost-nan.json",
        "\"left_children\":[1",
        "\"left_children\":[0",
        "two splits",
    ),
    (
        "xgboost-nan.json",
        "\"left_children\":[1",
        "\"left_children\":[99",
        "no node 99",
    ),
    (
        "xgboost-nan.json",
        "\"split_indices\":[1",
        "\"split_indices\":[11",
        "reads feature 11",
    ),
    (
        "xgboost-nan.json",
        "\"categories_sizes\":[",
        "\"categories_sizes\":[9",
        "set of categories",
    ),
    (
        "xgboost-dart.json",
        "\"weight_drop\":[",
        "\"weight_drop\":[1,",
        "weights",
    ),
];

#[test]
fn what_cannot_be_one_of_our_models_is_refused_by_name() {
    for (name, from, to, part) in REFUSED.iter().copied() {
        let error = changed(name, from, to);
        assert!(error.contains(part), "{name} with {to:?}: {error}");
    }
    for (bytes, part) in [
        (&b""[..], "neither"),
        (b"hello", "neither"),
        (b"\x08\x07", "no graph"),
        (b"{}", "neither XGBoost's"),
        (b"{L", "cut short"),
    ] {
        let error = Foreign::read(bytes, None).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn names_are_given_in_order_and_twice_is_refused() {
    let mut foreign = Foreign::read(fixture("onnx-xgboost.onnx").bytes, None).unwrap();
    assert_eq!(foreign.features()[..2], ["f0", "f1"]);
    let names: Vec<String> = (0..10).map(|index| format!("feature_{index}")).collect();
    foreign.rename(&names).unwrap();
    let imported = foreign.model(&options()).unwrap();
    for feature in imported.model.features() {
        assert!(feature.starts_with("feature_"));
    }
    assert_eq!(imported.model.features(), foreign.features_read());
    let error = foreign.rename(&names[..9]).unwrap_err().to_string();
    assert!(error.contains("10 features, 9 names"), "{error}");
    let twice: Vec<String> = (0..10).map(|index| format!("f{}", index / 2)).collect();
    let error = foreign.rename(&twice).unwrap_err().to_string();
    assert!(error.contains("\"f0\""), "{error}");
    // A name that our own format cannot hold is refused when the model is made.
    foreign
        .rename(
            &names
                .iter()
                .map(|name| format!("{name}\n"))
                .collect::<Vec<_>>(),
        )
        .unwrap();
    assert!(foreign.model(&options()).is_err());
}

#[test]
fn features_that_no_split_reads_are_left_out() {
    let text = "tree\nmax_feature_idx=2\nobjective=binary\nfeature_names=a b c\n\nTree=0\nnum_leaves=2\n\
                split_feature=2\nthreshold=1\ndecision_type=2\nleft_child=-1\nright_child=-2\nleaf_value=1 2\n\
                \nTree=1\nnum_leaves=1\nleaf_value=0.25\n\nend of trees\n";
    let foreign = Foreign::read(text.as_bytes(), None).unwrap();
    let imported = foreign.model(&options()).unwrap();
    assert_eq!(imported.model.features(), ["c"]);
    let scorer = imported.model.bind(&["c"]).unwrap();
    assert_eq!(scorer.score(&[0.5]).log_odds.to_f64(), 1.25);
    assert_eq!(scorer.score(&[1.5]).log_odds.to_f64(), 2.25);
    assert!(
        imported.notes.iter().any(|note| note.contains("covers")),
        "{:?}",
        imported.notes
    );
    assert_eq!(
        imported.model.card().get("imported_from"),
        Some("lightgbm-text")
    );
}

#[test]
fn anchors_come_from_a_sample_where_there_is_one() {
    let fixture = fixture("lightgbm-nan.txt");
    let foreign = Foreign::read(fixture.bytes, None).unwrap();
    let rows = Table::of(fixture.rows).of_features(foreign.features());
    let guessed = foreign.model(&options()).unwrap();
    assert!(guessed.notes.iter().any(|note| note.contains("guessed")));
    let fraud: Vec<bool> = (0..60).map(|row| row % 10 == 0).collect();
    let with = |fraud| {
        let sample = Some(Sample { rows: &rows, fraud });
        let rates = Some([0.4, 0.3, 0.2, 0.1]);
        foreign
            .model(&Options {
                sample,
                anchor_rates: rates,
                ..options()
            })
            .unwrap()
    };
    let flagged = |imported: &Imported, is_counted: &dyn Fn(usize) -> bool| {
        let names: Vec<&str> = foreign.features().iter().map(String::as_str).collect();
        let scorer = imported.model.bind(&names).unwrap();
        let risks = rows
            .chunks_exact(names.len())
            .map(|row| scorer.score(row).risk);
        risks
            .enumerate()
            .filter(|(row, risk)| is_counted(*row) && *risk >= 0.5)
            .count()
    };
    let unlabelled = with(None);
    assert!(
        unlabelled
            .notes
            .iter()
            .any(|note| note.contains("no labels"))
    );
    assert!(
        (20..=24).contains(&flagged(&unlabelled, &|_| true)),
        "40 % of 60 rows"
    );
    let labelled = with(Some(&fraud));
    assert!(!labelled.notes.iter().any(|note| note.contains("label")));
    // Confidence rests on labelled rows only.
    assert_eq!(unlabelled.model.description().support_rows, 0);
    assert_eq!(labelled.model.description().support_rows, 60);
    assert!(
        flagged(&labelled, &|row| row % 10 != 0) <= 21,
        "40 % of 54 rows"
    );
    let short = Some(Sample {
        rows: &rows[1..],
        fraud: None,
    });
    assert!(
        foreign
            .model(&Options {
                sample: short,
                ..options()
            })
            .is_err()
    );
}
