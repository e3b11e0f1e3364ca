//! The second walk: features of the rows that learn and of those that are asked, and nothing of the others.
//!
//! **Promises** one walk for all folds. Features are held as 32-bit numbers, which is what models see.
//! **Must never** hold a row twice but where two folds learn from it and the smaller one is no part of the
//! larger.

use anyhow::ensure;
use sentinel_domain::{EventId, RateTable};
use sentinel_features::FeatureSet;
use sentinel_scoring::Model;
use sentinel_scoring::train::TrainingSet;

use super::split::Fold;
use crate::labelled::LabelledStream;
use crate::labelled::facts::Facts;
use crate::learn::{empty_set, progress_bar};
use crate::matrix::MatrixRow;

/// Rows with the places they have among the facts, rising.
#[derive(Default)]
struct Kept {
    places: Vec<usize>,
    values: Vec<f32>,
}

/// The rows of all folds.
pub struct Gathered {
    /// A training set without rows.
    like: TrainingSet,
    train: Kept,
    test: Kept,
    ids: Vec<EventId>,
}

/// What a row is wanted for.
const LEARNS: u8 = 1;
const ASKED: u8 = 2;

/// Walks the stream and keeps what the folds want.
pub fn gather(
    stream: &LabelledStream,
    facts: &Facts,
    folds: &[Fold],
    (set, rates): (FeatureSet, RateTable),
) -> anyhow::Result<Gathered> {
    let mut wanted = vec![0_u8; facts.rows.len()];
    for fold in folds {
        for (places, role) in [(&fold.train, LEARNS), (&fold.test, ASKED)] {
            for place in places {
                if let Some(wanted) = wanted.get_mut(*place) {
                    *wanted |= role;
                }
            }
        }
    }
    let like = empty_set(&set);
    let width = like.features.len();
    let room = |role: u8| wanted.iter().filter(|wanted| **wanted & role != 0).count();
    let kept = |role: u8| Kept {
        places: Vec::with_capacity(room(role)),
        values: Vec::with_capacity(room(role) * width),
    };
    let (mut train, mut test, mut ids) = (kept(LEARNS), kept(ASKED), Vec::new());
    let bar = progress_bar("{percent}% of the rows", None);
    let mut place = 0;
    let counts = stream.replay(
        (set, rates),
        &mut |read, total| {
            bar.set_length(total);
            bar.set_position(read);
        },
        &mut |row| {
            let wanted = wanted.get(place).copied().unwrap_or(0);
            if wanted & LEARNS != 0 {
                train.push(place, row);
            }
            if wanted & ASKED != 0 {
                test.push(place, row);
                ids.push(row.event_id.clone());
            }
            place += 1;
            Ok(())
        },
    );
    bar.finish_and_clear();
    counts?;
    ensure!(
        place == facts.rows.len(),
        "the input changed while it was read: {} transactions, then {place}",
        facts.rows.len()
    );
    Ok(Gathered {
        like,
        train,
        test,
        ids,
    })
}

impl Kept {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "models see slots rounded to f32"
    )]
    fn push(&mut self, place: usize, row: &MatrixRow<'_>) {
        self.places.push(place);
        self.values
            .extend(row.values.iter().map(|value| *value as f32));
    }

    /// Keeps only the rows at these places, which rise.
    fn narrow(&mut self, places: &[usize], width: usize) {
        let mut wanted = places.iter().peekable();
        let mut kept = 0;
        for at in 0..self.places.len() {
            let Some(place) = self.places.get(at).copied() else {
                break;
            };
            if wanted.next_if(|wanted| **wanted == place).is_none() {
                continue;
            }
            self.values
                .copy_within(at * width..(at + 1) * width, kept * width);
            if let Some(slot) = self.places.get_mut(kept) {
                *slot = place;
            }
            kept += 1;
        }
        self.places.truncate(kept);
        self.values.truncate(kept * width);
    }

    /// The rows at these places, which rise and are all kept.
    fn copy_of(&self, places: &[usize], width: usize) -> Vec<f32> {
        let mut values = Vec::with_capacity(places.len() * width);
        let mut wanted = places.iter().peekable();
        for (place, row) in self.places.iter().zip(self.values.chunks_exact(width)) {
            if wanted.next_if(|wanted| *wanted == place).is_some() {
                values.extend_from_slice(row);
            }
        }
        values
    }
}

impl Gathered {
    /// How many features a row has.
    pub fn width(&self) -> usize {
        self.like.features.len()
    }

    /// Hands each fold its training set, the last fold first: where a fold learns from a part of what the
    /// next one does, as with all history, the rows are narrowed in place instead of copied.
    pub fn for_each_training(
        &mut self,
        folds: &[Fold],
        each: &mut dyn FnMut(usize, &Fold, &mut TrainingSet) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let width = self.width();
        for (number, fold) in folds.iter().enumerate().rev() {
            let earlier = folds.get(..number).unwrap_or_default();
            let nested = earlier
                .iter()
                .all(|earlier| contains(&fold.train, &earlier.train));
            let mut set = TrainingSet {
                validation_from: fold.train.len(),
                ..self.like.clone()
            };
            if nested {
                self.train.narrow(&fold.train, width);
                set.rows = std::mem::take(&mut self.train.values);
            } else {
                set.rows = self.train.copy_of(&fold.train, width);
            }
            each(number, fold, &mut set)?;
            if nested {
                self.train.values = set.rows;
            }
        }
        Ok(())
    }

    /// The risk that a model gives each row that a fold asks.
    pub fn ask(&self, fold: &Fold, model: &Model) -> anyhow::Result<Vec<f64>> {
        let schema: Vec<&str> = self.like.features.iter().map(String::as_str).collect();
        let scorer = model.bind(&schema)?;
        let mut slots = Vec::with_capacity(self.width());
        let mut risks = Vec::with_capacity(fold.test.len());
        let mut wanted = fold.test.iter().peekable();
        for (place, row) in self
            .test
            .places
            .iter()
            .zip(self.test.values.chunks_exact(self.width()))
        {
            if wanted.next_if(|wanted| *wanted == place).is_some() {
                slots.clear();
                slots.extend(row.iter().map(|value| f64::from(*value)));
                risks.push(scorer.score(&slots).risk);
            }
        }
        Ok(risks)
    }

    /// The names of the rows that a fold asks.
    pub fn names(&self, fold: &Fold) -> Vec<EventId> {
        let mut wanted = fold.test.iter().peekable();
        let named = self.test.places.iter().zip(&self.ids);
        named
            .filter(|(place, _)| wanted.next_if(|wanted| wanted == place).is_some())
            .map(|(_, id)| id.clone())
            .collect()
    }
}

/// Whether one rising list holds every entry of another.
fn contains(all: &[usize], some: &[usize]) -> bool {
    let mut all = all.iter();
    some.iter().all(|wanted| all.any(|have| have == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(places: &[usize]) -> Kept {
        let values = places
            .iter()
            .flat_map(|place| [*place as f32, -(*place as f32)]);
        Kept {
            places: places.to_vec(),
            values: values.collect(),
        }
    }

    #[test]
    fn rows_are_narrowed_and_copied_alike() {
        for wanted in [&[1, 4, 9][..], &[], &[0, 1, 4, 7, 9], &[9], &[0]] {
            let mut rows = kept(&[0, 1, 4, 7, 9]);
            let copied = rows.copy_of(wanted, 2);
            rows.narrow(wanted, 2);
            assert_eq!(rows.places, wanted);
            assert_eq!(rows.values, copied);
            assert_eq!(rows.values, kept(wanted).values);
        }
    }

    #[test]
    fn one_list_holds_another() {
        assert!(contains(&[1, 2, 5], &[1, 5]) && contains(&[1], &[]) && contains(&[], &[]));
        assert!(!contains(&[1, 2], &[2, 3]) && !contains(&[], &[1]));
    }
}
