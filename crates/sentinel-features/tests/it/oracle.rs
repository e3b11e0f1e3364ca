//! What every number of a row means, in plain loops over plain lists.
//!
//! Promises to keep nothing but the stored events of each entity, in log order, and to work every answer
//! out from them anew: no running sum, no cursor, no order but the log's. Money is summed in integers.
//! Must never be made faster in a way that needs an argument why it is still right.

use std::collections::BTreeMap;

use sentinel_domain::Coordinates;

use crate::event::Event;

/// The windows' lengths in milliseconds, said a second time on purpose.
pub const WINDOW_LENGTHS_MS: [i64; 4] = [60_000, 300_000, 3_600_000, 86_400_000];

const LATENESS_MS: i64 = 3_600_000;
const HELD_EVENTS_MAX: usize = 65_536;
const KINDS: [Kind; 5] = [
    Kind::Account,
    Kind::Card,
    Kind::Device,
    Kind::Merchant,
    Kind::Ip,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Account,
    Card,
    Device,
    Merchant,
    Ip,
}

impl Kind {
    /// The entity of this kind that the event names.
    fn entity(self, event: &Event) -> Option<u32> {
        match self {
            Self::Account => Some(event.account),
            Self::Card => event.card,
            Self::Device => event.device,
            Self::Merchant => event.merchant,
            Self::Ip => event.ip,
        }
    }

    /// Whose different values are counted: the merchants of a payer, the accounts of all else.
    fn counterpart(self, event: &Event) -> Option<u32> {
        match self {
            Self::Account | Self::Card => event.merchant,
            Self::Device | Self::Merchant | Self::Ip => Some(event.account),
        }
    }
}

/// An event as one of its entities remembers it.
#[derive(Debug)]
struct Stored {
    time_us: i64,
    time_ms: i64,
    amount: Option<i64>,
    counterpart: Option<u32>,
    place: Option<Coordinates>,
}

/// The flags of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags {
    pub late: bool,
    pub too_late: bool,
    pub estimated: bool,
}

/// What one window says.
#[derive(Debug, Clone, Copy)]
pub struct WindowAnswer {
    pub count: f64,
    pub sum: f64,
    pub mean: f64,
    pub max: f64,
    pub distinct: f64,
    pub amount_to_mean: f64,
}

/// What one entity says.
#[derive(Debug, Clone, Copy)]
pub struct EntityAnswer {
    pub windows: [WindowAnswer; 4],
    pub amount_to_mean_ever: f64,
    pub count_ever: f64,
    pub seconds_since_last: f64,
    pub seconds_since_first: f64,
    pub distance_km: f64,
    pub speed_kmh: f64,
}

/// What the whole event gets; an entity that it does not name says nothing.
#[derive(Debug)]
pub struct Answer {
    pub flags: Flags,
    pub entities: BTreeMap<Kind, EntityAnswer>,
}

/// Everything that was stored so far.
#[derive(Debug, Default)]
pub struct Oracle {
    greatest_ms: Option<i64>,
    stored: BTreeMap<(Kind, u32), Vec<Stored>>,
}

impl Oracle {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes an event in and answers it.
    pub fn apply(&mut self, event: &Event) -> Answer {
        let too_late = self.store(event);
        self.answer(event, too_late)
    }

    /// Takes an event in, unless it is too late; says whether it is.
    pub fn store(&mut self, event: &Event) -> bool {
        let time_ms = event.time_us.div_euclid(1_000);
        let greatest_ms = self
            .greatest_ms
            .map_or(time_ms, |before| before.max(time_ms));
        self.greatest_ms = Some(greatest_ms);
        if time_ms < greatest_ms - LATENESS_MS {
            return true;
        }
        for kind in KINDS {
            if let Some(entity) = kind.entity(event) {
                let list = self.stored.entry((kind, entity)).or_default();
                list.push(Stored {
                    time_us: event.time_us,
                    time_ms,
                    amount: event.amount,
                    counterpart: kind.counterpart(event),
                    place: event.place,
                });
            }
        }
        false
    }

    /// Answers the event that was taken in last.
    pub fn answer(&self, event: &Event, too_late: bool) -> Answer {
        let mut flags = Flags {
            late: false,
            too_late,
            estimated: false,
        };
        let mut entities = BTreeMap::new();
        for kind in KINDS {
            let Some(entity) = kind.entity(event) else {
                continue;
            };
            let list: &[Stored] = self.stored.get(&(kind, entity)).map_or(&[], Vec::as_slice);
            // The event itself is the last of the list, unless it came too late to be stored.
            let own_index = if too_late { None } else { Some(list.len() - 1) };
            if let Some(own_index) = own_index {
                let newest_before = newest_ms(&list[..own_index]);
                flags.late |= newest_before.is_some_and(|ms| list[own_index].time_ms < ms);
            }
            let (held, incomplete) = held_events(list);
            flags.estimated |= incomplete;
            entities.insert(kind, entity_answer(event, list, own_index, &held));
        }
        Answer { flags, entities }
    }
}

/// The greatest event time of an entity.
fn newest_ms(list: &[Stored]) -> Option<i64> {
    list.iter().map(|stored| stored.time_ms).max()
}

/// The places in the list of the events of the longest window that are still held, and whether any of
/// that window is not: beyond the limit the oldest leave early, in the order of time, ties by position.
fn held_events(list: &[Stored]) -> (Vec<usize>, bool) {
    let Some(newest) = newest_ms(list) else {
        return (Vec::new(), false);
    };
    let start = newest - WINDOW_LENGTHS_MS[3];
    let mut held: Vec<usize> = (0..list.len())
        .filter(|&index| list[index].time_ms > start)
        .collect();
    if held.len() <= HELD_EVENTS_MAX {
        return (held, false);
    }
    held.sort_by_key(|&index| (list[index].time_ms, index));
    (held.split_off(held.len() - HELD_EVENTS_MAX), true)
}

fn entity_answer(
    event: &Event,
    list: &[Stored],
    own_index: Option<usize>,
    held: &[usize],
) -> EntityAnswer {
    let newest = newest_ms(list).unwrap_or(0);
    let windows = WINDOW_LENGTHS_MS.map(|length| {
        let inside: Vec<usize> = held
            .iter()
            .copied()
            .filter(|&index| list[index].time_ms > newest - length)
            .collect();
        window_answer(event, list, own_index, &inside)
    });

    let earlier = &list[..own_index.unwrap_or(list.len())];
    let amounts: Vec<i64> = earlier.iter().filter_map(|stored| stored.amount).collect();
    let (distance_km, speed_kmh) = journey(event, earlier);
    EntityAnswer {
        windows,
        amount_to_mean_ever: over_mean(event.amount, &amounts),
        count_ever: earlier.len() as f64,
        seconds_since_last: seconds_since(event, earlier.iter().map(|s| s.time_us).max()),
        seconds_since_first: seconds_since(event, earlier.iter().map(|s| s.time_us).min()),
        distance_km,
        speed_kmh,
    }
}

fn window_answer(
    event: &Event,
    list: &[Stored],
    own_index: Option<usize>,
    inside: &[usize],
) -> WindowAnswer {
    let amounts: Vec<i64> = inside
        .iter()
        .filter_map(|&index| list[index].amount)
        .collect();
    let other_amounts: Vec<i64> = inside
        .iter()
        .filter(|&&index| Some(index) != own_index)
        .filter_map(|&index| list[index].amount)
        .collect();
    let mut counterparts: Vec<u32> = inside
        .iter()
        .filter_map(|&index| list[index].counterpart)
        .collect();
    counterparts.sort_unstable();
    counterparts.dedup();
    WindowAnswer {
        count: inside.len() as f64,
        sum: total(&amounts) as f64,
        mean: mean(&amounts),
        max: amounts
            .iter()
            .max()
            .map_or(f64::NAN, |&amount| amount as f64),
        distinct: counterparts.len() as f64,
        amount_to_mean: over_mean(event.amount, &other_amounts),
    }
}

fn total(amounts: &[i64]) -> i128 {
    amounts.iter().map(|&amount| i128::from(amount)).sum()
}

fn mean(amounts: &[i64]) -> f64 {
    if amounts.is_empty() {
        f64::NAN
    } else {
        total(amounts) as f64 / amounts.len() as f64
    }
}

/// An amount over the mean of others; missing without an amount, without others, or without a mean
/// above zero.
fn over_mean(amount: Option<i64>, others: &[i64]) -> f64 {
    let mean = mean(others);
    match amount {
        Some(amount) if mean > 0.0 => amount as f64 / mean,
        _ => f64::NAN,
    }
}

fn seconds_since(event: &Event, earlier_us: Option<i64>) -> f64 {
    earlier_us.map_or(f64::NAN, |earlier_us| {
        (event.time_us - earlier_us).max(0) as f64 / 1e6
    })
}

/// Kilometres from the last place, and the speed they take.
fn journey(event: &Event, earlier: &[Stored]) -> (f64, f64) {
    let mut last: Option<(i64, Coordinates)> = None;
    for stored in earlier {
        if let Some(place) = stored.place
            && last.is_none_or(|(time_us, _)| stored.time_us >= time_us)
        {
            last = Some((stored.time_us, place));
        }
    }
    let (Some(here), Some((time_us, there))) = (event.place, last) else {
        return (f64::NAN, f64::NAN);
    };
    let distance_km = there.distance_metres(here) / 1_000.0;
    let seconds = (event.time_us - time_us).abs() as f64 / 1e6;
    let seconds = if seconds < 1.0 { 1.0 } else { seconds };
    (distance_km, distance_km / (seconds / 3_600.0))
}
