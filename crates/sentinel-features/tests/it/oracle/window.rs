//! What a definition says of an event, by loops over the entity's list.
//!
//! Promises integers up to the last step; a number that is not there is `None` to the end.

use sentinel_features::definition::Aggregate;
use sentinel_features::window::WindowIndex;

use super::bucket;
use super::entity::{
    DAY_MS, EVENTS_GO_AFTER_MS, Entity, HOUR_MS, Record, Stored, TILES_GO_AFTER_MS,
};
use super::question::{NumberAt, Windowed};

/// Width of the tiles into which events go that leave early.
const TILE_MS: i64 = 10_000;

/// A window, said a second time on purpose.
#[derive(Debug, Clone, Copy)]
enum Reach {
    /// So many milliseconds.
    Exact(i64),
    /// So many tiles of so many milliseconds.
    Tiles(i64, i64),
}

fn reach(window: WindowIndex) -> Reach {
    match window.index() {
        0 => Reach::Exact(60_000),
        1 => Reach::Exact(300_000),
        2 => Reach::Exact(900_000),
        3 => Reach::Exact(3_600_000),
        4 => Reach::Exact(21_600_000),
        5 => Reach::Exact(86_400_000),
        6 => Reach::Tiles(168, HOUR_MS),
        7 => Reach::Tiles(30, DAY_MS),
        index => panic!("no window has the place {index}"),
    }
}

impl Reach {
    /// Whether an event lies in the window that ends at the entity's newest event.
    fn holds(self, time_ms: i64, newest_ms: i64) -> bool {
        match self {
            Self::Exact(length) => newest_ms - time_ms < length,
            Self::Tiles(tiles, width) => {
                time_ms.div_euclid(width) > newest_ms.div_euclid(width) - tiles
            }
        }
    }
}

/// The event that asks.
#[derive(Debug, Clone, Copy)]
pub struct Own<'a> {
    pub record: &'a Record,
    /// Metres from this entity's last place.
    pub distance: Option<i64>,
    /// Not too late: it stands in the lists.
    pub taken_in: bool,
}

/// One definition, one entity, one event.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub entity: &'a Entity,
    pub question: &'a Windowed,
    pub own: Own<'a>,
}

impl<'a> Asked<'a> {
    /// The answer, with what it is divided by.
    pub fn answer(&self) -> Option<f64> {
        let definition = &self.question.definition;
        let value = self.value(definition.window);
        let Some(base) = definition.ratio_to else {
            return value;
        };
        let base = self.value(base)?;
        if base == 0.0 {
            return None;
        }
        Some(value? / base)
    }

    fn value(&self, window: WindowIndex) -> Option<f64> {
        let value = self.unscaled(window)?;
        let scaled = match self.question.definition.aggregate {
            Aggregate::ToMean(_) | Aggregate::ZScore(_) | Aggregate::Rank(_) => false,
            _ => matches!(
                self.question.number,
                Some(NumberAt::Distance | NumberAt::Attribute(_))
            ),
        };
        Some(if scaled { value / 1_000.0 } else { value })
    }

    fn unscaled(&self, window: WindowIndex) -> Option<f64> {
        match &self.question.definition.aggregate {
            Aggregate::Count => Some(self.events(window, true).count() as f64),
            Aggregate::Sum(_) => Some(sum(&self.numbers(window)) as f64),
            Aggregate::Mean(_) => mean(&self.numbers(window)),
            Aggregate::StandardDeviation(_) => standard_deviation(&self.numbers(window)),
            Aggregate::Min(_) => self.numbers(window).iter().min().map(|&x| x as f64),
            Aggregate::Max(_) => self.numbers(window).iter().max().map(|&x| x as f64),
            Aggregate::First(_) => self.held_numbers(window).first().map(|&(_, x)| x as f64),
            Aggregate::Previous(_) => self.held_others(window).last().map(|&x| x as f64),
            Aggregate::Median(_) => quantile(&self.held_numbers(window), 1, 2),
            Aggregate::Quantile90(_) => quantile(&self.held_numbers(window), 9, 10),
            Aggregate::Rank(_) => rank(self.own_number()?, &self.held_others(window)),
            Aggregate::ToMean(_) => {
                let x = self.own_number()?;
                let mean = mean(&self.others(window))?;
                (mean > 0.0).then(|| x as f64 / mean)
            }
            Aggregate::ZScore(_) => {
                let x = self.own_number()?;
                let others = self.others(window);
                let deviation = standard_deviation(&others)?;
                let scored = others.len() >= 2 && deviation != 0.0;
                scored.then_some((x as f64 - mean(&others)?) / deviation)
            }
            Aggregate::Distinct(_) => Some(self.distinct(window) as f64),
            Aggregate::GapMean => gap_mean(&self.times(window)),
            Aggregate::GapStandardDeviation => gap_standard_deviation(&self.times(window)),
        }
    }

    /// The events of a window that pass, oldest first: with those that left early into tiles of ten
    /// seconds, or without them.
    fn events(&self, window: WindowIndex, with_dropped: bool) -> impl Iterator<Item = &'a Stored> {
        let newest_ms = self.entity.newest_ms.unwrap_or(0);
        let reach = reach(window);
        let filter = self.question.filter;
        let first = match reach {
            // No tile that counts is older than this.
            Reach::Exact(length) => self.entity.first_after(newest_ms - length - TILE_MS),
            Reach::Tiles(tiles, width) => self.entity.first_after(newest_ms - (tiles + 1) * width),
        };
        let gone = match reach {
            Reach::Exact(_) => self.entity.idle_ms >= EVENTS_GO_AFTER_MS,
            Reach::Tiles(..) => self.entity.idle_ms >= TILES_GO_AFTER_MS,
        };
        // While a day misses none there is nothing to make up for.
        let with_dropped = with_dropped && self.entity.incomplete();
        let counts = move |stored: &&Stored| {
            let time_ms = stored.record.time_ms;
            let inside = match reach {
                _ if gone => false,
                Reach::Exact(length) if stored.dropped => {
                    let last_of_tile = time_ms.div_euclid(TILE_MS) * TILE_MS + TILE_MS - 1;
                    with_dropped && last_of_tile > newest_ms - length
                }
                _ => reach.holds(time_ms, newest_ms),
            };
            inside && filter.is_none_or(|filter| stored.record.passes[filter])
        };
        self.entity.list[first..].iter().filter(counts)
    }

    fn number(&self, record: &Record, distance: Option<i64>) -> Option<i64> {
        match self.question.number? {
            NumberAt::Amount => record.amount,
            NumberAt::Distance => distance,
            NumberAt::Attribute(place) => record.attributes[place],
        }
    }

    /// The number of the event that asks; none where it does not pass.
    fn own_number(&self) -> Option<i64> {
        let Own {
            record, distance, ..
        } = self.own;
        let passes = self.question.filter.is_none_or(|at| record.passes[at]);
        self.number(record, distance).filter(|_| passes)
    }

    fn is_own(&self, stored: &Stored) -> bool {
        self.own.taken_in && stored.record.position == self.own.record.position
    }

    /// The numbers of the window.
    fn numbers(&self, window: WindowIndex) -> Vec<i64> {
        self.events(window, true)
            .filter_map(|stored| self.number(&stored.record, stored.distance))
            .collect()
    }

    /// The numbers of the window but for the event's own, if it is in the window at all.
    fn others(&self, window: WindowIndex) -> Vec<i64> {
        let newest_ms = self.entity.newest_ms.unwrap_or(0);
        let own_inside = reach(window).holds(self.own.record.time_ms, newest_ms);
        self.events(window, true)
            .filter(|stored| !(own_inside && self.is_own(stored)))
            .filter_map(|stored| self.number(&stored.record, stored.distance))
            .collect()
    }

    /// The numbers of the held events of the window, with the events.
    fn held_numbers(&self, window: WindowIndex) -> Vec<(&'a Stored, i64)> {
        self.events(window, false)
            .filter_map(|stored| {
                let number = self.number(&stored.record, stored.distance)?;
                Some((stored, number))
            })
            .collect()
    }

    fn held_others(&self, window: WindowIndex) -> Vec<i64> {
        self.held_numbers(window)
            .into_iter()
            .filter(|(stored, _)| !self.is_own(stored))
            .map(|(_, number)| number)
            .collect()
    }

    /// How many different values. Tiled windows know all events, exact ones those held.
    pub fn distinct(&self, window: WindowIndex) -> usize {
        let Some(category) = self.question.category else {
            return 0;
        };
        let mut values: Vec<u32> = self
            .events(window, false)
            .filter_map(|stored| stored.record.values[category])
            .collect();
        values.sort_unstable();
        values.dedup();
        values.len()
    }

    fn times(&self, window: WindowIndex) -> Vec<i64> {
        self.events(window, false)
            .map(|stored| stored.record.time_ms)
            .collect()
    }
}

fn sum(numbers: &[i64]) -> i128 {
    numbers.iter().map(|&number| i128::from(number)).sum()
}

fn mean(numbers: &[i64]) -> Option<f64> {
    let any = !numbers.is_empty();
    any.then(|| sum(numbers) as f64 / numbers.len() as f64)
}

/// The root of n Σx² - (Σx)², over n. The difference is the same from whatever zero the numbers are
/// counted, so they are counted from the first: that keeps the squares small.
fn standard_deviation(numbers: &[i64]) -> Option<f64> {
    let zero = i128::from(*numbers.first()?);
    let (mut sum, mut squares) = (0, 0);
    for &number in numbers {
        let from_zero = i128::from(number) - zero;
        sum += from_zero;
        squares += from_zero * from_zero;
    }
    let count = numbers.len() as i128;
    let difference = count * squares - sum * sum;
    Some((difference.max(0) as f64).sqrt() / count as f64)
}

/// The middle of the bucket that holds the number of rank ceil(n · `part` / `whole`).
fn quantile(numbers: &[(&Stored, i64)], part: usize, whole: usize) -> Option<f64> {
    if numbers.is_empty() {
        return None;
    }
    let mut buckets: Vec<usize> = numbers.iter().map(|&(_, x)| bucket::of(x)).collect();
    buckets.sort_unstable();
    let rank = (numbers.len() * part).div_ceil(whole);
    Some(bucket::value(buckets[rank - 1]))
}

fn rank(own: i64, others: &[i64]) -> Option<f64> {
    if others.is_empty() {
        return None;
    }
    let not_above = others
        .iter()
        .filter(|&&other| bucket::of(other) <= bucket::of(own));
    Some(not_above.count() as f64 / others.len() as f64)
}

/// Seconds between the newest and the oldest over the gaps between them.
fn gap_mean(times_ms: &[i64]) -> Option<f64> {
    let (first, last) = (times_ms.first()?, times_ms.last()?);
    let gaps = times_ms.len() - 1;
    (gaps > 0).then(|| (last - first) as f64 / gaps as f64 / 1_000.0)
}

fn gap_standard_deviation(times_ms: &[i64]) -> Option<f64> {
    let gaps: Vec<i64> = times_ms.windows(2).map(|pair| pair[1] - pair[0]).collect();
    standard_deviation(&gaps).map(|milliseconds| milliseconds / 1_000.0)
}
