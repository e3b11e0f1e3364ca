//! Dividing the rows of a leaf by the answer to its question.
//!
//! Promises each side in the order that was: rising rows stay rising. Must never look at a value: the codes
//! of the bins say all.

#![allow(
    clippy::indexing_slicing,
    reason = "a numeric loop over rows; codes lie within their column's bins"
)]

use super::bins::{Codes, Column};
use super::split::{Candidate, Rule};

/// For each code of a column whether its rows go left.
pub(super) fn goes_left(column: &Column, best: &Candidate, missing_left: bool) -> Vec<bool> {
    let values = column.values();
    let mut left = vec![false; values + 1];
    match &best.rule {
        Rule::UpTo(bin) => left[..=*bin].fill(true),
        Rule::OneOf(bins) => bins.iter().for_each(|bin| left[*bin] = true),
    }
    left[values] = best.missing_left.unwrap_or(missing_left);
    left
}

/// Divides rows by their codes, each side in the order that was.
pub(super) fn part(column: &Column, rows: &[u32], goes_left: &[bool], sides: &mut [Vec<u32>; 2]) {
    match &column.codes {
        Codes::Narrow(codes) => {
            let mut all = [false; 256];
            all[..goes_left.len()].copy_from_slice(goes_left);
            part_by(rows, sides, |row| all[usize::from(codes[row as usize])]);
        }
        Codes::Wide(codes) => {
            part_by(rows, sides, |row| {
                goes_left[usize::from(codes[row as usize])]
            });
        }
    }
}

/// Without a branch on the answer, which nothing could foresee: a row is written to both sides, and one of
/// them moves on.
fn part_by(rows: &[u32], sides: &mut [Vec<u32>; 2], goes_left: impl Fn(u32) -> bool) {
    let [left, right] = sides;
    left.resize(rows.len(), 0);
    right.resize(rows.len(), 0);
    let (mut at_left, mut at_right) = (0, 0);
    for row in rows {
        let goes = usize::from(goes_left(*row));
        left[at_left] = *row;
        right[at_right] = *row;
        at_left += goes;
        at_right += 1 - goes;
    }
    left.truncate(at_left);
    right.truncate(at_right);
}
