//! The model file: what it refuses, and that nothing damaged passes for something else.

#![allow(clippy::cast_possible_truncation, reason = "small numbers of tests")]

use proptest::prelude::*;

use super::*;
use crate::models::Kind;
use crate::models::gradient_boosting::{GradientBoosting, Node, Split, Tree};

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
            nodes[parent] = Node::Split(Split {
                feature: self.below(features) as u16,
                threshold: self.below(9) as f32 - 4.0,
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
        let member = |dice: &mut Self| Member {
            weight: 0.1 + dice.below(9) as f64 / 10.0,
            map: Affine {
                slope: 0.2 + dice.real().abs(),
                intercept: dice.real(),
            },
            kind: Kind::GradientBoosting(GradientBoosting {
                base: dice.real() * 4.0,
                trees: (0..trees)
                    .map(|_| {
                        let splits = dice.below(splits + 1);
                        dice.tree(features, splits)
                    })
                    .collect(),
            }),
        };
        Contents {
            name: "dice & co".to_owned(),
            version: 3,
            features: (0..features).map(|feature| format!("f{feature}")).collect(),
            members: (0..members).map(|_| member(self)).collect(),
            calibration: Affine {
                slope: 0.9,
                intercept: -0.1,
            },
            anchors: [-1.5, -0.25, 1.0 / 3.0, 4.0].map(LogOdds::from_f64),
        }
    }
}

fn sample() -> Vec<u8> {
    text::write(&Dice(7).contents(5, 3, 4))
}

/// Puts the right hash under a changed body.
fn seal(body: &str) -> Vec<u8> {
    let hash = ContentHash::of(body.as_bytes());
    format!("{body}hash {hash}\n").into_bytes()
}

/// The sample with one piece of its text replaced, and the right hash under it.
fn changed(from: &str, to: &str) -> ModelError {
    let body = "sentinel-model 1\nname m\nversion 1\nfeatures 2\nfeature a\nfeature b\nmembers 1\n\
                member gradient-boosting\nweight 1\nmap 1 0\nbase -2\ntrees 1\ntree 5\n\
                split 0 1.5 left 1 2\nleaf 0.5 10\nsplit 1 0 right 3 4\nleaf -0.5 20\nleaf 0.25 5\n\
                calibration 1 0\nanchors -1 0 1 2\n";
    assert!(Model::parse(&seal(body)).is_ok());
    assert_eq!(body.matches(from).count(), 1, "{from:?} stands once");
    Model::parse(&seal(&body.replace(from, to))).unwrap_err()
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
fn each_broken_section_is_named_with_its_line() {
    check(
        "sentinel-model 1",
        "sentinel-model 2",
        1,
        "sentinel-model 1",
    );
    check("name m", "name ", 2, "1 to 256");
    check("name m", "name  m", 2, "spaces");
    check("version 1", "version -1", 3, "\"-1\" cannot be version");
    check(
        "features 2",
        "features 4294967295",
        4,
        "features are 1 to 4095",
    );
    check(
        "features 2",
        "features 99999999999999999999999",
        4,
        "cannot be features",
    );
    check("feature b", "feature a", 6, "stands twice");
    check(
        "features 2\nfeature a",
        "features 1\nfeature a",
        6,
        "expected section \"members\"",
    );
    check(
        "members 1",
        "colours 1",
        7,
        "expected section \"members\", found \"colours\"",
    );
    check("member gradient", "member random", 8, "no kind of model");
    check("weight 1", "weight 0", 9, "weight");
    check("weight 1", "weight NaN", 9, "weight");
    check("map 1 0", "map -1 0", 10, "slope");
    check("map 1 0", "map 1 inf", 10, "slope");
    check("base -2", "base inf", 11, "base");
    check("trees 1", "trees 10001", 12, "0 to 10000");
    check("tree 5", "tree 8192", 13, "1 to 8191");
    check("calibration 1 0", "calibration 0 0", 19, "slope");
    check("anchors -1 0 1 2", "anchors -1 0 0 2", 20, "rise");
    check("anchors -1 0 1 2", "anchors -1 0 1 NaN", 20, "anchor");
    check(
        "anchors -1 0 1 2",
        "anchors -1 0 1 2 3",
        20,
        "one word too many",
    );
    check("leaf 0.5 10", "leaf 1e300 10", 18, "1000000");
}

#[test]
fn each_broken_node_is_named_with_its_line() {
    check(
        "split 0 1.5 left 1 2",
        "split 2 1.5 left 1 2",
        14,
        "no feature 2",
    );
    check(
        "split 0 1.5 left 1 2",
        "split 0 NaN left 1 2",
        14,
        "threshold",
    );
    check(
        "split 0 1.5 left 1 2",
        "split 0 inf left 1 2",
        14,
        "threshold",
    );
    check(
        "split 0 1.5 left 1 2",
        "split 0 1.5 up 1 2",
        14,
        "\"left\" or \"right\"",
    );
    check(
        "split 0 1.5 left 1 2",
        "split 0 1.5 left 0 2",
        14,
        "child 0",
    );
    check(
        "split 0 1.5 left 1 2",
        "split 0 1.5 left 1 5",
        14,
        "child 5",
    );
    check(
        "split 0 1.5 left 1 2",
        "split 0 1.5 left 1 1",
        14,
        "two splits lead to node 1",
    );
    check(
        "split 0 1.5 left 1 2",
        "split 0 1.5 left 1 3",
        16,
        "no split leads to node 2",
    );
    check("split 1 0 right 3 4", "split 1 0 right 0 4", 16, "child 0");
    check("leaf 0.5 10", "leaf NaN 10", 15, "leaf is not finite");
    check("leaf 0.5 10", "leaf 0.5 0", 15, "covers");
    check("leaf 0.5 10", "leaf 0.5 18446744073709551615", 15, "covers");
    check("leaf 0.5 10", "twig 0.5 10", 15, "\"split\" or \"leaf\"");
    check("leaf 0.5 10", "leaf 0.50 10", 15, "shortest spelling");
    check("leaf 0.5 10", "leaf 5e-1 10", 15, "shortest spelling");
}

#[test]
fn a_tree_that_is_too_deep_is_refused() {
    let mut nodes: Vec<Node> = Vec::new();
    for level in 0..66_u16 {
        let left = 2 * level + 1;
        nodes.push(Node::Split(Split {
            feature: 0,
            threshold: 0.0,
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
    let error = model.bind(&["f0", "f1", "f3", "f4"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "bind model dice & co: the engine has no feature named f2"
    );
    let error = model
        .bind(&["f0", "f1", "f2", "f3", "f4", "f1"])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "bind model dice & co: the engine has two features named f1"
    );
    assert!(
        model
            .bind(&["x", "f4", "f3", "f2", "y", "y", "f1", "f0"])
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
