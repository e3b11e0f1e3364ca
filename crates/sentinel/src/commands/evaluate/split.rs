//! Which rows learn and which are asked, by a stated protocol.
//!
//! The protocols of the fraud detection handbook: seven days learn, seven days pass until their labels are
//! out, the seven days after them are asked. From each day that is asked, the cards drop out which were
//! found out by then: those with a fraud in the training week, or on a later day up to eight days before.
//! `handbook-b` does it four times, a week apart. `time-split`: what is before one instant or row learns,
//! the rest is asked.
//!
//! **Promises** that no row learns whose label was not out when the first row was asked. **Must never**
//! look at a label of the rows that are asked, but to drop cards as the protocol says.

use std::collections::HashMap;

use sentinel_domain::Instant;

use super::arguments::{SplitAt, TrainOn};
use crate::commands::usage;
use crate::labelled::facts::{Fact, Facts};

/// Microseconds of a day.
pub const DAY_MICROS: i64 = 86_400_000_000;

/// Days that learn, that pass, and that are asked.
const WEEK: i64 = 7;

/// A card drops out so many days after its fraud: seven until the label is out, and the day that is asked
/// begins before the labels of its own morning come.
const KNOWN_AFTER: i64 = WEEK + 1;

/// The folds of `handbook-b`.
pub const FOLDS: i64 = 4;

/// One training and one test. Rows are places among the facts, rising.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fold {
    /// The rows that learn.
    pub train: Vec<usize>,
    /// The rows that are asked.
    pub test: Vec<usize>,
    /// Whether each of them is left out of the figures, its card being known.
    pub dropped: Vec<bool>,
    /// When the model is trained: labels that are known later are not known.
    pub moment: Instant,
}

/// The day of an instant, UTC, since 1970.
pub fn day_of(at: Instant) -> i64 {
    at.micros().div_euclid(DAY_MICROS)
}

/// The instant on which a day begins.
pub fn start_of(day: i64) -> Instant {
    Instant::from_micros(day.saturating_mul(DAY_MICROS))
}

/// The folds of the handbook, the first with its training week on this day.
pub fn handbook(
    facts: &Facts,
    (start, folds): (i64, i64),
    train_on: TrainOn,
    delay_micros: i64,
) -> anyhow::Result<Vec<Fold>> {
    (0..folds)
        .map(|fold| week(facts, start + WEEK * fold, train_on, delay_micros))
        .collect()
}

fn week(facts: &Facts, start: i64, train_on: TrainOn, delay_micros: i64) -> anyhow::Result<Fold> {
    let (train_end, test_start) = (start + WEEK, start + 2 * WEEK);
    let moment = start_of(test_start);
    let mut fold = Fold {
        moment,
        ..Fold::default()
    };
    let mut week_rows = 0;
    // The first day of the training week or later on which a card has a fraud.
    let mut found: HashMap<u32, i64> = HashMap::new();
    for (place, row) in facts.rows.iter().enumerate() {
        let day = day_of(row.event_time);
        if (start..train_end).contains(&day) {
            week_rows += 1;
        }
        let learns = match train_on {
            TrainOn::Week => (start..train_end).contains(&day),
            TrainOn::History => day < train_end,
        };
        if learns && row.settled(moment, delay_micros) {
            fold.train.push(place);
        }
        if row.fraud && day >= start {
            let first = found.entry(row.card).or_insert(day);
            *first = day.min(*first);
        }
        if (test_start..test_start + WEEK).contains(&day) {
            fold.test.push(place);
        }
    }
    let is_known = |row: &Fact| {
        let first = found.get(&row.card);
        first.is_some_and(|first| first + KNOWN_AFTER <= day_of(row.event_time))
    };
    let asked = fold.test.iter().filter_map(|place| facts.rows.get(*place));
    fold.dropped = asked.map(is_known).collect();
    within(facts, ("training", week_rows), (start, train_end))?;
    within(
        facts,
        ("test", fold.test.len()),
        (test_start, test_start + WEEK),
    )?;
    Ok(fold)
}

/// Refuses a week that holds no row.
fn within(
    facts: &Facts,
    (what, rows): (&str, usize),
    (from, to): (i64, i64),
) -> anyhow::Result<()> {
    if rows > 0 {
        return Ok(());
    }
    let first = facts.rows.iter().map(|row| row.event_time).min();
    Err(usage(format!(
        "the {what} week from {} to {} holds no row: the input goes from {} to {}; name another --start",
        start_of(from),
        start_of(to),
        first.unwrap_or(facts.end),
        facts.end
    )))
}

/// What is before one instant or row learns, the rest is asked.
pub fn at_one_time(facts: &Facts, at: SplitAt, delay_micros: i64) -> anyhow::Result<Fold> {
    let before = |row: &Fact| match at {
        SplitAt::Row(number) => row.number < number,
        SplitAt::Time(instant) => row.event_time < instant,
    };
    let asked = facts.rows.iter().filter(|row| !before(row));
    let first_asked = asked.map(|row| row.event_time).min();
    let told = match at {
        SplitAt::Row(number) => format!("row {number}"),
        SplitAt::Time(instant) => instant.to_string(),
    };
    let Some(first_asked) = first_asked.filter(|_| facts.rows.iter().any(before)) else {
        let first = facts.rows.iter().map(|row| row.event_time).min();
        return Err(usage(format!(
            "--split-at {told} lies outside the input, which has {} rows from {} to {}",
            facts.rows.len(),
            first.unwrap_or(facts.end),
            facts.end
        )));
    };
    let moment = match at {
        SplitAt::Row(_) => first_asked,
        SplitAt::Time(instant) => instant,
    };
    let mut fold = Fold {
        moment,
        ..Fold::default()
    };
    for (place, row) in facts.rows.iter().enumerate() {
        if !before(row) {
            fold.test.push(place);
        } else if row.settled(moment, delay_micros) {
            fold.train.push(place);
        }
    }
    fold.dropped = vec![false; fold.test.len()];
    if fold.train.is_empty() {
        return Err(usage(format!(
            "no label of the rows before {told} is known at that time: labels come {} after the event; name \
             another --split-at or --label-delay",
            days_text(delay_micros)
        )));
    }
    Ok(fold)
}

/// Every row whose label is out by the end of the input.
pub fn everything(facts: &Facts, delay_micros: i64) -> anyhow::Result<Fold> {
    let settled =
        |(place, row): (usize, &Fact)| row.settled(facts.end, delay_micros).then_some(place);
    let test: Vec<usize> = facts.rows.iter().enumerate().filter_map(settled).collect();
    if test.is_empty() {
        return Err(usage(format!(
            "no label is known by the end of the input at {}: labels come {} after the event; name --label-delay",
            facts.end,
            days_text(delay_micros)
        )));
    }
    Ok(Fold {
        dropped: vec![false; test.len()],
        test,
        moment: facts.end,
        ..Fold::default()
    })
}

/// A length of time in days, for people.
pub fn days_text(micros: i64) -> String {
    let days = micros as f64 / DAY_MICROS as f64;
    format!("{} days", (days * 1_000.0).round() / 1_000.0)
}

#[cfg(test)]
mod tests;
