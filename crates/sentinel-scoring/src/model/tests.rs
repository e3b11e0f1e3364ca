//! The model file: what it refuses, and that nothing damaged passes for something else.

#![allow(clippy::cast_possible_truncation, reason = "small numbers of tests")]

mod fuzz;

use proptest::prelude::*;

use super::*;
use crate::confidence::Step;
use crate::maps::Affine;
use crate::models::Kind;
use crate::models::Member;
use crate::models::tree::{Node, Split, Test, Tree};

/// A small generator for models and rows of tests.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    /// From -1 to 1.
    pub(crate) fn real(&mut self) -> f64 {
        self.below(2_000_001) as f64 / 1e6 - 1.0
    }

    /// A row of coarse values, so that thresholds are hit exactly, some of them missing.
    pub(crate) fn row(&mut self, width: usize) -> Vec<f64> {
        let value = |dice: &mut Self| match dice.below(8) {
            0 => f64::NAN,
            1 => dice.real() * 1e30,
            _ => dice.below(9) as f64 - 4.0,
        };
        (0..width).map(|_| value(self)).collect()
    }

    /// A test of any kind: each third feature is asked for its categories, each fifth may take zero for
    /// missing.
    fn test(&mut self, feature: u64) -> Test {
        let threshold = self.below(9) as f32 - 4.0;
        match feature {
            feature if feature % 3 == 2 => {
                let codes = [0, 1, 2, 3, 4, 1_000_000];
                let mut categories: Vec<u32> =
                    codes.into_iter().filter(|_| self.below(2) == 0).collect();
                if categories.is_empty() {
                    categories.push(self.below(5) as u32);
                }
                Test::OneOf {
                    categories: categories.into(),
                }
            }
            feature => Test::AtMost {
                threshold,
                zero_missing: feature % 5 == 1 && self.below(2) == 0,
            },
        }
    }

    fn tree(&mut self, features: u64, splits: u64) -> Tree {
        let mut nodes = vec![Node::Leaf {
            value: self.real(),
            cover: 1 + self.below(1000),
        }];
        for _ in 0..splits {
            let leaves: Vec<usize> = (0..nodes.len())
                .filter(|index| matches!(nodes[*index], Node::Leaf { .. }))
                .collect();
            let parent = leaves[self.below(leaves.len() as u64) as usize];
            let left = nodes.len() as u16;
            let feature = self.below(features);
            nodes[parent] = Node::Split(Split {
                feature: feature as u16,
                test: self.test(feature),
                missing_left: self.below(2) == 0,
                left,
                right: left + 1,
            });
            for _ in 0..2 {
                nodes.push(Node::Leaf {
                    value: self.real(),
                    cover: 1 + self.below(1000),
                });
            }
        }
        Tree::new(nodes, features as usize).unwrap()
    }

    /// A model of some members with random trees.
    pub(crate) fn contents(&mut self, features: u64, trees: u64, splits: u64) -> Contents {
        let members = 1 + self.below(3);
        let member = |dice: &mut Self| {
            let word = ["gradient-boosting", "isolation-forest"][dice.below(2) as usize];
            let base = dice.real() * 4.0;
            let tree = |dice: &mut Self| {
                let splits = dice.below(splits + 1);
                dice.tree(features, splits)
            };
            let trees = (0..trees).map(|_| tree(dice)).collect();
            Member {
                weight: 0.1 + dice.below(9) as f64 / 10.0,
                map: Affine {
                    slope: 0.2 + dice.real().abs(),
                    intercept: dice.real(),
                },
                kind: Kind::of(word, base, trees).unwrap(),
            }
        };
        let mut card = Card::default();
        card.add("data", "dice, thrown often").unwrap();
        let step = |log_odds, rows| Step { log_odds, rows };
        Contents {
            name: "dice & co".to_owned(),
            version: 3,
            card,
            features: (0..features).map(|feature| format!("f{feature}")).collect(),
            members: (0..members).map(|_| member(self)).collect(),
            calibration: Calibration {
                slope_below: 0.9,
                slope_above: 0.5,
                knots: vec![(-2.5, -3.0), (0.5, -0.25), (0.75, 4.0)],
            },
            anchors: [-1.5, -0.25, 1.0 / 3.0, 4.0].map(LogOdds::from_f64),
            support: Support {
                spread: 0.75,
                steps: vec![step(-8.0, 0), step(-2.0, 4000), step(6.0, 5000)],
            },
        }
    }
}

fn sample() -> Vec<u8> {
    text::write(&Dice(7).contents(7, 3, 4), Format::Second)
}

/// Puts the right hash under a changed body.
pub(super) fn seal(body: &str) -> Vec<u8> {
    let hash = ContentHash::of(body.as_bytes());
    format!("{body}hash {hash}\n").into_bytes()
}

/// A model with a split of each form.
pub(super) const BODY: &str = "\
sentinel-model 2
name m
version 1
cards 1
card data dice
features 2
feature a
feature b
members 1
member gradient-boosting
weight 1
map 1 0
base -2
trees 1
tree 7
split 0 1.5 left 1 2
leaf 0.5 10
split-zero 1 0 right 3 4
leaf -0.5 20
split-among 1 2,7 left 5 6
leaf 0.25 5
leaf 0.75 5
calibration 1 2
knots 2
knot -1 -2
knot 1 2
anchors -1 0 1 2
spread 0.5
supports 2
support -4 0
support 4 900
";

/// The model as the first format said it.
pub(super) const BODY_FIRST: &str = "\
sentinel-model 1
name m
version 1
features 2
feature a
feature b
members 1
member gradient-boosting
weight 1
map 1 0
base -2
trees 1
tree 5
split 0 1.5 left 1 2
leaf 0.5 10
split 1 0 right 3 4
leaf -0.5 20
leaf 0.25 5
calibration 0.5 -0.25
anchors -1 0 1 2
";

/// The body with one piece of its text replaced, and the right hash under it.
fn changed(from: &str, to: &str) -> ModelError {
    assert!(Model::parse(&seal(BODY)).is_ok());
    assert_eq!(BODY.matches(from).count(), 1, "{from:?} stands once");
    Model::parse(&seal(&BODY.replace(from, to))).unwrap_err()
}

fn check(from: &str, to: &str, line: usize, part: &str) {
    let error = changed(from, to);
    match &error {
        ModelError::Format { line: found, .. } => assert_eq!(*found, line, "{error}"),
        other => panic!("{other} for {to:?}"),
    }
    assert!(
        error.to_string().contains(part),
        "{error} does not say {part:?}"
    );
}

#[test]
fn a_model_reads_back_as_it_was_written() {
    for seed in 0..50 {
        let contents = Dice(seed).contents(6, 5, 12);
        let model = Model::from_contents(&contents).unwrap();
        assert_eq!(model.contents, contents);
        assert_eq!(Model::parse(&model.to_bytes()).unwrap(), model);
        assert_eq!(model.content_hash(), ContentHash::of(&model.to_bytes()));
    }
}

#[test]
fn a_model_of_the_first_format_is_read_and_written_back() {
    let bytes = seal(BODY_FIRST);
    let model = Model::parse(&bytes).unwrap();
    assert_eq!(model.to_bytes(), bytes);
    assert_eq!(model.card().entries().len(), 0);
    let scorer = model.bind(&["a", "b"]).unwrap();
    let score = scorer.score(&[2.0, 1.0]);
    assert_eq!(score.log_odds.to_f64(), -1.75);
    let expected = crate::maps::logistic(0.5 * -1.75 - 0.25);
    assert!((score.probability - expected).abs() < 1e-15);
    // What only the second format can say is refused in the first.
    for (from, to, line) in [
        ("split 1 0 right", "split-zero 1 0 right", 16),
        ("split 1 0 right", "split-among 1 0 right", 16),
        ("version 1", "version 1\ncards 0", 4),
    ] {
        let error = Model::parse(&seal(&BODY_FIRST.replace(from, to))).unwrap_err();
        assert!(
            error.to_string().contains(&format!("line {line}:")),
            "{error}"
        );
    }
}

#[test]
fn each_broken_section_is_named_with_its_line() {
    for (from, to, line, part) in [
        (
            "sentinel-model 2",
            "sentinel-model 3",
            1,
            "sentinel-model 2",
        ),
        ("sentinel-model 2", "tree", 1, "sentinel-model 2"),
        ("name m", "name ", 2, "1 to 256"),
        ("name m", "name  m", 2, "spaces"),
        ("version 1", "version -1", 3, "\"-1\" cannot be version"),
        ("cards 1", "cards 257", 4, "cards are 0 to 256"),
        ("card data dice", "card data", 5, "1 to 1024"),
        ("card data dice", "card Data dice", 5, "a-z"),
        (
            "features 2",
            "features 4294967295",
            6,
            "features are 1 to 4095",
        ),
        (
            "features 2",
            "features 99999999999999999999999",
            6,
            "cannot be features",
        ),
        ("feature b", "feature a", 8, "stands twice"),
        (
            "features 2\nfeature a",
            "features 1\nfeature a",
            8,
            "expected section \"members\"",
        ),
        (
            "members 1",
            "colours 1",
            9,
            "expected section \"members\", found \"colours\"",
        ),
        ("member gradient", "member random", 10, "no kind of model"),
        ("weight 1", "weight 0", 11, "weight"),
        ("weight 1", "weight NaN", 11, "weight"),
        ("map 1 0", "map -1 0", 12, "slope"),
        ("map 1 0", "map 1 inf", 12, "slope"),
        ("base -2", "base inf", 13, "base"),
        ("trees 1", "trees 10001", 14, "0 to 10000"),
        ("tree 7", "tree 8192", 15, "1 to 8191"),
        ("tree 7", "tree 2147483648", 15, "1 to 8191"),
        ("leaf 0.5 10", "leaf 1e300 10", 22, "1000000"),
    ] {
        check(from, to, line, part);
    }
}

#[test]
fn each_broken_map_is_named_with_its_line() {
    for (from, to, line, part) in [
        ("calibration 1 2", "calibration 0 2", 23, "slope"),
        ("calibration 1 2", "calibration 1 NaN", 23, "slope"),
        ("knots 2", "knots 0", 24, "1 to 1024"),
        ("knots 2", "knots 2000000000", 24, "1 to 1024"),
        ("knot 1 2", "knot 1 -2", 26, "rise"),
        ("knot 1 2", "knot -1 2", 26, "rise"),
        ("knot 1 2", "knot 1 inf", 26, "1000000"),
        ("anchors -1 0 1 2", "anchors -1 0 0 2", 27, "rise"),
        ("anchors -1 0 1 2", "anchors -1 0 1 NaN", 27, "anchor"),
        (
            "anchors -1 0 1 2",
            "anchors -1 0 1 2 3",
            27,
            "one word too many",
        ),
        ("spread 0.5", "spread 0", 28, "above 0"),
        ("spread 0.5", "spread NaN", 28, "above 0"),
        ("supports 2", "supports 514", 29, "0 to 513"),
        ("support 4 900", "support 4 -1", 31, "validation rows"),
        ("support 4 900", "support -4 900", 31, "rise"),
        ("support -4 0", "support -4 901", 31, "rise"),
        ("support 4 900", "support inf 900", 31, "1000000"),
    ] {
        check(from, to, line, part);
    }
}

#[test]
fn each_broken_node_is_named_with_its_line() {
    let plain = "split 0 1.5 left 1 2";
    let among = "split-among 1 2,7 left 5 6";
    for (from, to, line, part) in [
        (plain, "split 2 1.5 left 1 2", 16, "no feature 2"),
        (plain, "split 0 NaN left 1 2", 16, "threshold"),
        (plain, "split 0 inf left 1 2", 16, "threshold"),
        (plain, "split-zero 0 inf left 1 2", 16, "threshold"),
        (plain, "split 0 1.5 up 1 2", 16, "\"left\" or \"right\""),
        (plain, "split 0 1.5 left 0 2", 16, "child 0"),
        (plain, "split 0 1.5 left 1 7", 16, "child 7"),
        (
            plain,
            "split 0 1.5 left 1 1",
            16,
            "two splits lead to node 1",
        ),
        (
            plain,
            "split 0 1.5 left 1 3",
            18,
            "no split leads to node 2",
        ),
        (
            "split-zero 1 0 right 3 4",
            "split 1 0 right 0 4",
            18,
            "child 0",
        ),
        (among, "split-among 1 7,2 left 5 6", 20, "do not rise"),
        (among, "split-among 1 2,2 left 5 6", 20, "do not rise"),
        (among, "split-among 1 2,16777216 left 5 6", 20, "16777216"),
        (
            among,
            "split-among 1 2,,7 left 5 6",
            20,
            "\"\" cannot be a category",
        ),
        (
            among,
            "split-among 1 2,-7 left 5 6",
            20,
            "\"-7\" cannot be a category",
        ),
        (
            among,
            "split-among 1 left 5 6",
            20,
            "\"left\" cannot be a category",
        ),
        (
            among,
            "split-among 1 2,07 left 5 6",
            20,
            "shortest spelling",
        ),
        ("leaf 0.5 10", "leaf NaN 10", 17, "leaf is not finite"),
        ("leaf 0.5 10", "leaf 0.5 0", 17, "covers"),
        ("leaf 0.5 10", "leaf 0.5 18446744073709551615", 17, "covers"),
        ("leaf 0.5 10", "twig 0.5 10", 17, "\"split\" or \"leaf\""),
        ("leaf 0.5 10", "leaf 0.50 10", 17, "shortest spelling"),
        ("leaf 0.5 10", "leaf 5e-1 10", 17, "shortest spelling"),
    ] {
        check(from, to, line, part);
    }
}

#[test]
fn a_tree_that_is_too_deep_is_refused() {
    let mut nodes: Vec<Node> = Vec::new();
    for level in 0..66_u16 {
        let left = 2 * level + 1;
        nodes.push(Node::Split(Split {
            feature: 0,
            test: Test::at_most(0.0),
            missing_left: false,
            left,
            right: left + 1,
        }));
        nodes.push(Node::Leaf {
            value: 0.0,
            cover: 1,
        });
    }
    // Each split's right child is the next split.
    nodes.push(Node::Leaf {
        value: 0.0,
        cover: 1,
    });
    let (_, problem) = Tree::new(nodes, 1).unwrap_err();
    assert!(problem.contains("64 levels"), "{problem}");
}

#[test]
fn a_changed_number_fails_the_hash() {
    let text = String::from_utf8(sample())
        .unwrap()
        .replace("version 3", "version 4");
    let lines = text.lines().count();
    assert_eq!(
        Model::parse(text.as_bytes()),
        Err(ModelError::Hash { line: lines })
    );
}

#[test]
fn every_shorter_or_longer_file_is_refused() {
    let bytes = sample();
    for end in 0..bytes.len() {
        assert!(Model::parse(&bytes[..end]).is_err(), "{end}");
    }
    let longer = [bytes.as_slice(), b"\n"].concat();
    assert!(
        Model::parse(&longer)
            .unwrap_err()
            .to_string()
            .contains("nothing may follow")
    );
}

#[test]
fn binding_names_the_feature_it_cannot_find() {
    let model = Model::parse(&sample()).unwrap();
    let error = model
        .bind(&["f0", "f1", "f3", "f4", "f5", "f6"])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "bind model dice & co: the engine has no feature named f2"
    );
    let error = model
        .bind(&["f0", "f1", "f2", "f3", "f4", "f5", "f6", "f1"])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "bind model dice & co: the engine has two features named f1"
    );
    assert!(
        model
            .bind(&["x", "f4", "f3", "f2", "y", "y", "f1", "f0", "f6", "f5"])
            .is_ok()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damage_is_found(hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let bytes = sample();
        let mut damaged = bytes.clone();
        for (at, byte) in hits {
            let at = at.index(damaged.len());
            damaged[at] = byte;
        }
        match Model::parse(&damaged) {
            Ok(_) => prop_assert_eq!(damaged, bytes),
            Err(_) => prop_assert_ne!(damaged, bytes),
        }
    }

    #[test]
    fn a_sealed_change_is_refused_or_usable(
        at in any::<prop::sample::Index>(),
        word in prop::sample::select(vec![
            "0", "1", "-1", "2", "4095", "65535", "1e308", "-1e9", "1e-300", "NaN", "inf", "left", "leaf", "",
        ]),
        row in any::<u64>(),
    ) {
        let text = String::from_utf8(sample()).unwrap();
        let body = &text[..text.rfind("hash").unwrap()];
        let mut words: Vec<&str> = body.split_inclusive([' ', '\n']).collect();
        let at = at.index(words.len());
        let end = if words[at].ends_with('\n') { "\n" } else { " " };
        let changed = format!("{word}{end}");
        words[at] = &changed;
        if let Ok(model) = Model::parse(&seal(&words.concat())) {
            let schema: Vec<&str> = model.features().iter().map(String::as_str).collect();
            let scorer = model.bind(&schema).unwrap();
            let row = Dice(row).row(schema.len());
            let score = scorer.score(&row);
            prop_assert!(score.risk > 0.0 && score.risk < 1.0);
            let sum: LogOdds =
                scorer.explain(&row, &mut crate::ExplainScratch::default()).iter().map(|c| c.log_odds).sum();
            prop_assert_eq!(scorer.base() + sum, score.log_odds);
        }
    }
}

#[test]
fn a_file_of_gigabytes_is_refused_unread() {
    let error = Model::parse(&vec![0; 1 << 31]).unwrap_err().to_string();
    assert!(error.contains("at most 268435456 bytes"), "{error}");
}

#[test]
fn more_tests_by_category_than_there_are_keys_are_refused() {
    // 20 trees of 4095 splits, each with a list of its own.
    let tree = |first: u32| {
        let mut nodes = Vec::new();
        for split in 0..4095_u32 {
            nodes.push(Node::Split(Split {
                feature: 0,
                test: Test::OneOf {
                    categories: [first + split].into(),
                },
                missing_left: false,
                left: (2 * split + 1) as u16,
                right: (2 * split + 2) as u16,
            }));
        }
        for leaf in 0..4096_u32 {
            nodes.push(Node::Leaf {
                value: f64::from(first + leaf) / 65_536.0,
                cover: 1,
            });
        }
        Tree::new(nodes, 1).unwrap()
    };
    let model = |trees: u32| {
        let mut contents = Dice(1).contents(1, 1, 1);
        contents.members.truncate(1);
        let trees = (0..trees).map(|index| tree(index * 4095)).collect();
        contents.members[0].kind = Kind::of("gradient-boosting", 0.0, trees).unwrap();
        Model::from_contents(&contents)
    };
    let error = model(17).unwrap_err().to_string();
    assert!(
        error.contains("69615 different splits by category"),
        "{error}"
    );
    let model = model(16).unwrap();
    let scorer = model.bind(&["f0"]).unwrap();
    let member = &model.contents.members[0];
    let mut seen = std::collections::BTreeSet::new();
    for code in [0.0, 1.0, 4094.0, 4095.0, 65_519.0, 65_520.0, -1.0, f32::NAN] {
        let expected = member.weight * member.map.at(member.kind.margin(&[code]));
        let found = scorer.score(&[f64::from(code)]).log_odds;
        assert!((found.to_f64() - expected).abs() < 1e-6, "{code}");
        seen.insert(found);
    }
    assert!(seen.len() > 3, "{seen:?}");
}
