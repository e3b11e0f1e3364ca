//! One entity: the list of its events, and what it knows without a window.
//!
//! Promises that the list stands in the order of time, ties in the order of the log, and that nothing is
//! summed up that a loop over the list can find. What reaches back beyond the list (lifetime, habit,
//! calendar, frauds) is kept as the meaning says it is kept.
//!
//! An entity lets its events go when no event that may still come can see them: it is idle for so long
//! that the next one would leave them behind. Only an event too late, which moves nothing, can tell.
//!
//! An event that lies more than 39 days behind the entity's newest is taken off the list: the longest
//! window is 30 days, the delayed share of frauds looks back 37, and nothing here looks further.

use std::rc::Rc;

use sentinel_domain::Coordinates;

use super::bucket;
use super::local::Local;
use super::named::Name;

pub const HOUR_MS: i64 = 3_600_000;
pub const DAY_MS: i64 = 86_400_000;

const HELD_EVENTS_MAX: usize = 65_536;
const LISTED_MS: i64 = 39 * DAY_MS;

/// How long an entity is idle when it lets go of single events, of tiles, of days with frauds.
pub const EVENTS_GO_AFTER_MS: i64 = DAY_MS + HOUR_MS;
pub const TILES_GO_AFTER_MS: i64 = 32 * DAY_MS;
pub const FRAUD_DAYS_GO_AFTER_MS: i64 = 40 * DAY_MS;

/// What the oracle writes down of an event on arrival, the same for each of its entities.
#[derive(Debug)]
pub struct Record {
    /// Its place in the log.
    pub position: u64,
    pub time_us: i64,
    pub time_ms: i64,
    pub amount: Option<i64>,
    pub place: Option<Coordinates>,
    pub local: Local,
    pub mcc: Option<Name>,
    /// By the number of the filter: whether it passes.
    pub passes: Vec<bool>,
    /// By the number of the category: its value, as a number of its own.
    pub values: Vec<Option<u32>>,
    /// By the number of the attribute: its thousandths.
    pub attributes: Vec<Option<i64>>,
}

/// An event as one entity holds it.
#[derive(Debug)]
pub struct Stored {
    pub record: Rc<Record>,
    /// Whole metres from the entity's last place, as known on arrival.
    pub distance: Option<i64>,
    /// Left early, into the tiles of ten seconds.
    pub dropped: bool,
}

/// The way from the last place.
#[derive(Debug, Clone, Copy, Default)]
pub struct Journey {
    pub metres: Option<f64>,
    /// Between the two events, at least a second.
    pub seconds: f64,
}

/// All events ever.
#[derive(Debug, Default)]
pub struct Lifetime {
    pub count: u64,
    pub newest_us: i64,
    pub oldest_us: i64,
    pub amounts: u64,
    pub amounts_sum: i128,
}

/// The times and amounts an entity is used to.
#[derive(Debug)]
pub struct Habit {
    pub hours: [u16; 24],
    pub weekdays: [u16; 7],
    pub amounts: [u16; 32],
}

/// The newest day (or month) seen and what it holds.
#[derive(Debug, Default)]
pub struct Held {
    pub date: Option<i64>,
    pub count: u64,
    pub sum: i128,
}

/// Everything known of one entity.
#[derive(Debug)]
pub struct Entity {
    /// T: the greatest event time.
    pub newest_ms: Option<i64>,
    /// How far the partition was when an event or a label named it last.
    pub named_ms: Option<i64>,
    /// How far the partition was beyond the newest event when it was asked last.
    pub idle_ms: i64,
    pub list: Vec<Stored>,
    pub lifetime: Lifetime,
    pub place: Option<(i64, Coordinates)>,
    /// Silence in milliseconds, and when it ended.
    pub dormancy: Option<(i64, i64)>,
    pub habit: Habit,
    pub day: Held,
    pub month: Held,
    /// Known frauds: of which event, in which hour.
    pub frauds: Vec<(String, i64)>,
    pub fraud_known_us: Option<i64>,
    /// Where a merchant was last seen.
    pub mcc: Option<Name>,
    /// By the number of a tiled count of different values: the most values that were held at a time
    /// since it is sampled.
    pub sampled: Vec<Option<usize>>,
}

impl Entity {
    /// Nothing is known of it.
    pub fn new(tiled_distincts: usize) -> Self {
        Self {
            newest_ms: None,
            named_ms: None,
            idle_ms: 0,
            list: Vec::new(),
            lifetime: Lifetime::default(),
            place: None,
            dormancy: None,
            habit: Habit {
                hours: [0; 24],
                weekdays: [0; 7],
                amounts: [0; 32],
            },
            day: Held::default(),
            month: Held::default(),
            frauds: Vec::new(),
            fraud_known_us: None,
            mcc: None,
            sampled: vec![None; tiled_distincts],
        }
    }

    /// From the last place to where the event is.
    pub fn journey(&self, record: &Record) -> Journey {
        let (Some(here), Some((time_us, there))) = (record.place, self.place) else {
            return Journey::default();
        };
        let seconds = (record.time_us - time_us).abs() as f64 / 1e6;
        Journey {
            metres: Some(there.distance_metres(here)),
            seconds: if seconds < 1.0 { 1.0 } else { seconds },
        }
    }

    /// Takes an event in.
    pub fn take_in(&mut self, record: &Rc<Record>) {
        let journey = self.journey(record);
        self.note_silence(record.time_ms);
        self.lifetime.take_in(record);
        self.habit.take_in(record);
        self.day.take_in(record.local.day, record.amount);
        self.month.take_in(record.local.month, record.amount);
        if let Some(place) = record.place
            && self
                .place
                .is_none_or(|(time_us, _)| record.time_us >= time_us)
        {
            self.place = Some((record.time_us, place));
        }
        if record.mcc.is_some() {
            self.mcc.clone_from(&record.mcc);
        }
        let newest_ms = self
            .newest_ms
            .map_or(record.time_ms, |newest| newest.max(record.time_ms));
        self.newest_ms = Some(newest_ms);
        self.idle_ms = 0;
        self.store(Stored {
            record: Rc::clone(record),
            distance: journey.metres.map(|metres| metres.round() as i64),
            dropped: false,
        });
        self.drop_the_oldest(newest_ms);
        self.prune(newest_ms);
    }

    fn note_silence(&mut self, time_ms: i64) {
        if let Some(before_ms) = self.newest_ms
            && time_ms - before_ms >= DAY_MS
        {
            self.dormancy = Some((time_ms - before_ms, time_ms));
        }
    }

    /// Behind every event that is not newer.
    fn store(&mut self, stored: Stored) {
        let mut at = self.list.len();
        while at > 0 && self.list[at - 1].record.time_ms > stored.record.time_ms {
            at -= 1;
        }
        self.list.insert(at, stored);
    }

    /// Of the events of the last 24 hours the newest 65,536 are held; older ones leave early.
    fn drop_the_oldest(&mut self, newest_ms: i64) {
        let start = self.first_after(newest_ms - DAY_MS);
        if self.list.len() - start > HELD_EVENTS_MAX {
            let held = self.list.len() - HELD_EVENTS_MAX;
            for stored in &mut self.list[start..held] {
                stored.dropped = true;
            }
        }
    }

    fn prune(&mut self, newest_ms: i64) {
        let gone = self.first_after(newest_ms - LISTED_MS);
        // Now and then is enough: what lies so far back is in no answer.
        if (gone > 64 && gone > self.list.len() / 4) || gone == self.list.len() - 1 {
            self.list.drain(..gone);
        }
    }

    /// The place in the list of the first event after a time.
    pub fn first_after(&self, time_ms: i64) -> usize {
        self.list
            .partition_point(|stored| stored.record.time_ms <= time_ms)
    }

    /// Whether an event that left early lies in the window of 24 hours.
    pub fn incomplete(&self) -> bool {
        let Some(newest_ms) = self.newest_ms else {
            return false;
        };
        let start = self.first_after(newest_ms - DAY_MS);
        // Whatever left early is older than whatever is held.
        self.list.get(start).is_some_and(|stored| stored.dropped)
    }
}

impl Lifetime {
    fn take_in(&mut self, record: &Record) {
        if self.count == 0 {
            self.newest_us = record.time_us;
            self.oldest_us = record.time_us;
        }
        self.count += 1;
        self.newest_us = self.newest_us.max(record.time_us);
        self.oldest_us = self.oldest_us.min(record.time_us);
        if let Some(amount) = record.amount {
            self.amounts += 1;
            self.amounts_sum += i128::from(amount);
        }
    }
}

impl Habit {
    fn take_in(&mut self, record: &Record) {
        self.hours[record.local.hour] += 1;
        if total(&self.hours) >= 255 {
            self.hours.iter_mut().for_each(|count| *count /= 2);
        }
        self.weekdays[record.local.weekday] += 1;
        if total(&self.weekdays) >= 255 {
            self.weekdays.iter_mut().for_each(|count| *count /= 2);
        }
        if let Some(amount) = record.amount {
            self.amounts[bucket::of(amount) / 2] += 1;
            if total(&self.amounts) >= 255 {
                self.amounts.iter_mut().for_each(|count| *count /= 2);
            }
        }
    }
}

/// All of the counters.
pub fn total(counters: &[u16]) -> u32 {
    counters.iter().map(|&count| u32::from(count)).sum()
}

impl Held {
    fn take_in(&mut self, date: i64, amount: Option<i64>) {
        if self.date.is_some_and(|held| date < held) {
            return;
        }
        if self.date != Some(date) {
            *self = Self {
                date: Some(date),
                count: 0,
                sum: 0,
            };
        }
        self.count += 1;
        self.sum += i128::from(amount.unwrap_or(0));
    }
}
