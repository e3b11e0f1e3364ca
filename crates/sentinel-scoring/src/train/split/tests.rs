//! Splits against a naive search that counts and sums rows one by one.

#![allow(clippy::cast_precision_loss, reason = "small numbers of tests")]

use super::*;
use crate::model::tests::Dice;
use crate::train::lines::Rows;

const ROWS: usize = 60;

/// A small leaf: columns of few and of many values, some missing, with slopes and curves.
struct Leaf {
    columns: Vec<Column>,
    packed: Vec<i64>,
    scale: Scale,
}

impl Leaf {
    fn random(dice: &mut Dice) -> Self {
        let columns = (0..20).map(|column| {
            let distinct = [2, 5, 40][column % 3];
            let value = |dice: &mut Dice| match dice.below(distinct + 2) {
                value if value < distinct => value as f32,
                _ => f32::NAN,
            };
            let values: Vec<f32> = (0..ROWS).map(|_| value(dice)).collect();
            Column::new(&values, 255)
        });
        let scale = Scale::new(ROWS as f64, ROWS as f64, ROWS);
        // Steps stay below the largest that a leaf may take.
        let row = |dice: &mut Dice| scale.pack(dice.real(), 0.1 + dice.real().abs() / 4.0);
        Self {
            columns: columns.collect(),
            packed: (0..ROWS).map(|_| row(dice)).collect(),
            scale,
        }
    }

    fn total(&self) -> i64 {
        self.packed.iter().sum()
    }

    /// Rows and sums on the left of a cut, one row after the other.
    fn left_of(&self, feature: usize, bin: usize, missing_left: bool) -> (usize, i64) {
        let column = &self.columns[feature];
        let goes = |row: &usize| {
            let code = column.code(*row);
            if code == column.values() {
                missing_left
            } else {
                code <= bin
            }
        };
        let left: Vec<usize> = (0..ROWS).filter(goes).collect();
        (left.len(), left.iter().map(|row| self.packed[*row]).sum())
    }

    /// The greatest gain of all cuts, by the definition.
    fn best_gain(&self, law: &Law) -> Option<f64> {
        let score = |sum: i64| {
            let sums = self.scale.unpack(sum);
            law.worth(sums, law.step(sums, (f64::NEG_INFINITY, f64::INFINITY)))
        };
        let mut best: Option<f64> = None;
        for (feature, column) in self.columns.iter().enumerate() {
            for bin in 0..column.values() {
                for missing_left in [false, true] {
                    let (rows, left) = self.left_of(feature, bin, missing_left);
                    let right = self.total() - left;
                    let step = |sum| law.step(self.scale.unpack(sum), (-9.0, 9.0));
                    let way = f64::from(law.monotone_of(feature)) * (step(right) - step(left));
                    if rows.min(ROWS - rows) < law.rows_min
                        || rows == 0
                        || rows == ROWS
                        || way < 0.0
                    {
                        continue;
                    }
                    let gain = (score(left) + score(right) - score(self.total())) / 2.0;
                    if gain > law.gain_min && best.is_none_or(|best| gain > best) {
                        best = Some(gain);
                    }
                }
            }
        }
        best
    }

    /// The best split by the product's search, over groups in parts.
    fn found(&self, law: &Law, parts: usize, counted: bool) -> Option<Candidate> {
        let blocks = Blocks::new(&self.columns);
        let groups = blocks.groups.len();
        let summed = |values: &[i64]| {
            let mut cells = vec![Vec::new(); groups];
            blocks.sum(0..groups, Rows::First(ROWS), values, &mut cells);
            cells
        };
        let (cells, counts) = (summed(&self.packed), summed(&[1; ROWS]));
        let ground = Ground {
            columns: &self.columns,
            blocks: &blocks,
            law,
            scale: self.scale,
        };
        let asked = Asked {
            total: self.total(),
            rows: ROWS,
            range: (f64::NEG_INFINITY, f64::INFINITY),
            features: None,
            counts: counted.then_some(&counts),
        };
        (0..parts).fold(None, |best, part| {
            let range = groups * part / parts..groups * (part + 1) / parts;
            better(
                best,
                super::best(ground, asked, range.clone(), &cells[range]),
            )
        })
    }
}

fn law() -> Law {
    Law {
        rows_min: 1,
        curve_min: 0.0,
        gain_min: 1e-6,
        lambda: 1.0,
        alpha: 0.0,
        step_max: 20.0,
        monotone: Vec::new(),
        category_smoothing: 0.0,
        category_lambda: 0.0,
        categories_max: 64,
    }
}

fn check(leaf: &Leaf, law: &Law, counted: bool) {
    let (expected, found) = (leaf.best_gain(law), leaf.found(law, 1, counted));
    assert_eq!(
        expected.is_some(),
        found.is_some(),
        "{expected:?} {found:?}"
    );
    if let (Some(expected), Some(found)) = (expected, found) {
        assert!(
            (found.gain - expected).abs() < 1e-9 * (1.0 + expected),
            "{found:?} {expected}"
        );
        let Rule::UpTo(bin) = found.rule else {
            panic!("no categories here")
        };
        let (_, left) = leaf.left_of(found.feature, bin, found.missing_left == Some(true));
        assert_eq!(left, found.left);
    }
}

#[test]
fn the_best_split_is_that_of_a_naive_search() {
    let mut dice = Dice(1);
    for round in 0..60 {
        let leaf = Leaf::random(&mut dice);
        let law = Law {
            lambda: [0.0, 1.0, 30.0][round % 3],
            ..law()
        };
        check(&leaf, &law, false);
        let counted = Law {
            rows_min: [3, 12, 29, 31][round % 4],
            ..law.clone()
        };
        check(&leaf, &counted, true);
    }
}

#[test]
fn bounded_steps_choose_as_the_naive_search_does() {
    let mut dice = Dice(2);
    for round in 0..60_usize {
        let leaf = Leaf::random(&mut dice);
        let law = Law {
            alpha: [0.0, 1.5][round % 2],
            step_max: [20.0, 0.2][round / 2 % 2],
            monotone: (0..20)
                .map(|feature| [0, 1, -1][(feature + round) % 3])
                .collect(),
            rows_min: 1 + round % 5,
            ..law()
        };
        check(&leaf, &law, true);
    }
}

#[test]
fn parts_of_the_features_give_the_split_of_all_of_them() {
    let mut dice = Dice(3);
    for _ in 0..30 {
        let mut leaf = Leaf::random(&mut dice);
        // The same feature again and again: ties must fall to the first, wherever the parts meet.
        for copy in 1..20 {
            leaf.columns[copy] = Column {
                cuts: Cuts::Values(match &leaf.columns[0].cuts {
                    Cuts::Values(cuts) => cuts.clone(),
                    Cuts::Categories(_) => Vec::new(),
                }),
                codes: leaf.columns[0].codes.clone(),
                alike: false,
            };
        }
        let whole = leaf.found(&law(), 1, false);
        assert!(
            whole.as_ref().is_none_or(|split| split.feature == 0),
            "{whole:?}"
        );
        assert_eq!(leaf.found(&law(), 2, false), whole);
    }
}

#[test]
fn without_smoothing_the_best_division_of_categories_is_found() {
    let mut dice = Dice(4);
    for _ in 0..30 {
        let values: Vec<f32> = (0..ROWS).map(|_| dice.below(7) as f32).collect();
        let mut leaf = Leaf::random(&mut dice);
        leaf.columns = vec![Column::of_categories(&values, 255)];
        let law = law();
        let found = leaf.found(&law, 1, false).unwrap();
        let free = (f64::NEG_INFINITY, f64::INFINITY);
        let worth = |sum: i64| {
            let sums = leaf.scale.unpack(sum);
            law.worth(sums, law.step(sums, free))
        };
        // Every subset of the seven categories.
        let best = (1..127_u32).map(|subset| {
            let goes = |row: &usize| subset >> leaf.columns[0].code(*row) & 1 == 1;
            let left: i64 = (0..ROWS).filter(goes).map(|row| leaf.packed[row]).sum();
            (worth(left) + worth(leaf.total() - left) - worth(leaf.total())) / 2.0
        });
        let best = best.fold(0.0, f64::max);
        // With a pull to zero the order is not exact; it is never far off.
        assert!(
            found.gain > 0.9 * best && found.gain < best + 1e-9,
            "{found:?} {best}"
        );
        let exact = Law {
            lambda: 0.0,
            ..law.clone()
        };
        let Some(found) = leaf.found(&exact, 1, false) else {
            panic!("random slopes divide somehow")
        };
        assert!(matches!(found.rule, Rule::OneOf(ref bins) if !bins.is_empty()));
        assert_eq!(found.missing_left, Some(false));
    }
}
