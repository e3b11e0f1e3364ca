//! One event at one entity: what was known, taking it in, what the windows add up to, the slots.

use sentinel_domain::{Instant, Transaction};

use super::{EXACT_EMPTY_MS, EntityTable, Lifetime, RATES_EMPTY_MS, TILED_EMPTY_MS, Windows};
use crate::fact::Fact;
use crate::habit::Habit;
use crate::local_time::LocalTime;
use crate::place::{Distance, Way};
use crate::plan::{COLUMNS_MAX, D7, D30};
use crate::reading::{Readings, Sample, line_of_category, row_of_window};
use crate::ring::RingHeader;
use crate::seen::SeenHeader;
use crate::tiles::TileHeader;
use crate::totals::{ABSENT, count_to_f64, ratio, to_f64};
use crate::window::LONGEST_EXACT_MS;

/// Events that go through the stages together. More would push each other out of the cache.
pub(crate) const EVENTS_MAX: usize = 64;

/// An event as every entity sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EventView<'a> {
    pub transaction: &'a Transaction,
    /// Whether there is a row to fill.
    pub answers: bool,
    /// Its place in the group.
    pub place: usize,
    pub time_ms: i64,
    /// The partition's greatest event time, this event included.
    pub now_ms: i64,
    pub is_too_late: bool,
    pub amount: Option<i64>,
    pub marks: u32,
    /// The set's numbers, and its categories numbered.
    pub numbers: &'a [i64],
    pub categories: &'a [u32],
    pub local: LocalTime,
    /// How it stood at its entities so far.
    pub flags: EntityFlags,
}

/// How an event stood at one entity.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct EntityFlags {
    pub is_late: bool,
    pub is_estimated: bool,
}

/// Places for facts: a power of two, so that a masked place needs no check.
pub(super) const FACTS: usize = 32;
const _: () = assert!(Fact::ALL.len() <= FACTS);

/// Buffers reused from entity to entity.
#[derive(Debug)]
pub(crate) struct Scratch {
    pub readings: Readings,
    pub facts: [f64; FACTS],
    pub numbers: [i64; COLUMNS_MAX],
    pub values: [u32; COLUMNS_MAX],
    /// Of each event of a group, the distance that was asked for last.
    pub distances: [Distance; EVENTS_MAX],
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            readings: Readings::default(),
            facts: [f64::NAN; FACTS],
            numbers: [ABSENT; COLUMNS_MAX],
            values: [0; COLUMNS_MAX],
            distances: [Distance::UNASKED; EVENTS_MAX],
        }
    }
}

impl Scratch {
    pub(super) fn set(&mut self, fact: Fact, value: f64) {
        self.facts[usize::from(fact.code()) % FACTS] = value;
    }
}

/// What the slots are read from: the state of one entity after an event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seat<'a> {
    pub newest_ms: i64,
    pub ring: &'a RingHeader,
    /// Where the event lies in the ring, if it does.
    pub position: Option<u32>,
    pub is_taken_in: bool,
}

impl EntityTable {
    /// Takes an event in at an entity (number 0: one that is not known) and fills its slots of the row.
    pub fn apply(
        &mut self,
        number: u32,
        event: &EventView<'_>,
        scratch: &mut Scratch,
        row: &mut [f64],
    ) -> EntityFlags {
        let at = (number as usize).checked_sub(1);
        if !event.answers {
            return self.absorb(at, event, scratch);
        }
        self.describe_past(at, event, scratch);
        if !self.keeps.windows {
            self.live_on(at, event);
            self.describe_calendar(at, scratch);
            self.fill(None, event, scratch, row);
            return EntityFlags::default();
        }
        self.select_columns(event, scratch);
        if let Some(at) = at.filter(|_| !event.is_too_late) {
            let (position, flags) = self.take_in(at, event, scratch);
            self.live_on(Some(at), event);
            let newest_ms = self.records[at].windows.newest_ms;
            if self.keeps.fraud {
                self.forget_frauds(at, newest_ms);
            }
            let seat = Seat {
                newest_ms,
                ring: &self.records[at].windows.ring,
                position,
                is_taken_in: true,
            };
            self.tell(Some(at), event, &seat, scratch, row);
            return flags;
        }
        let (seat, flags) = match at {
            Some(at) => self.peek(at, event, scratch),
            None => self.peek_at_nothing(scratch),
        };
        self.tell(at, event, &seat, scratch, row);
        flags
    }

    /// Says what the entity knows after the event.
    #[inline]
    fn tell(
        &self,
        at: Option<usize>,
        event: &EventView<'_>,
        seat: &Seat<'_>,
        scratch: &mut Scratch,
        row: &mut [f64],
    ) {
        self.describe_present(at, event, seat, scratch);
        self.describe_calendar(at, scratch);
        self.fill(Some(seat), event, scratch, row);
    }

    /// Takes an event in and reads nothing but what the windows themselves take in.
    fn absorb(
        &mut self,
        at: Option<usize>,
        event: &EventView<'_>,
        scratch: &mut Scratch,
    ) -> EntityFlags {
        let mut flags = EntityFlags::default();
        if let Some(at) = at.filter(|_| self.keeps.windows && !event.is_too_late) {
            if self.keeps.distance {
                let way = self.way(Some(at), event, &mut scratch.distances[event.place]);
                self.set_distance(way.map_or(ABSENT, |way| way.metres), scratch);
            }
            self.select_columns(event, scratch);
            (_, flags) = self.take_in(at, event, scratch);
            if self.keeps.fraud {
                self.forget_frauds(at, self.records[at].windows.newest_ms);
            }
        }
        self.live_on(at, event);
        flags
    }

    fn set_distance(&self, metres: i64, scratch: &mut Scratch) {
        for (column, number) in self.plan.numbers.iter().zip(&mut scratch.numbers) {
            if column.is_distance {
                *number = metres;
            }
        }
    }

    /// What the entity knew before the event, and the event's own way.
    fn describe_past(&self, at: Option<usize>, event: &EventView<'_>, scratch: &mut Scratch) {
        if !self.keeps.past {
            return;
        }
        let lifetime = at.map_or(&Lifetime::EMPTY, |at| self.lifetime(at));
        let is_known = lifetime.count > 0;
        let time = event.transaction.event_time;
        let since = |earlier: Instant| {
            if is_known {
                to_f64(time.micros_since(earlier).max(0)) / 1e6
            } else {
                f64::NAN
            }
        };
        scratch.set(Fact::CountEver, count_to_f64(lifetime.count));
        scratch.set(Fact::IsNew, f64::from(u8::from(!is_known)));
        scratch.set(Fact::SecondsSinceLast, since(lifetime.newest));
        scratch.set(Fact::SecondsSinceFirst, since(lifetime.first));
        if self.plan.wants(Fact::AmountToMeanEver) {
            let windows = at.map_or(&Windows::EMPTY, |at| &self.records[at].windows);
            let mean = if windows.amounts == 0 {
                f64::NAN
            } else {
                to_f64(windows.amount_sum) / count_to_f64(windows.amounts)
            };
            let amount = event.amount.map_or(f64::NAN, to_f64);
            scratch.set(Fact::AmountToMeanEver, ratio(amount, mean));
        }
        if self.keeps.place {
            let way = self.way(at, event, &mut scratch.distances[event.place]);
            scratch.set(
                Fact::DistanceKm,
                way.map_or(f64::NAN, |way| way.distance_km),
            );
            scratch.set(Fact::SpeedKmh, way.map_or(f64::NAN, |way| way.speed_kmh));
            if self.keeps.distance {
                self.set_distance(way.map_or(ABSENT, |way| way.metres), scratch);
            }
        }
        if self.keeps.habit {
            let habit = at.map_or(&Habit::EMPTY, |at| &self.persons[at].habit);
            scratch.set(Fact::HourShare, habit.hour_share(&event.local));
            scratch.set(Fact::WeekdayShare, habit.weekday_share(&event.local));
            scratch.set(Fact::AmountShare, habit.amount_share(event.amount));
        }
    }

    fn way(&self, at: Option<usize>, event: &EventView<'_>, known: &mut Distance) -> Option<Way> {
        let last = self.records[at?].place.get()?;
        let here = event.transaction.coordinates?;
        Some(last.way_to(event.transaction.event_time, here, known))
    }

    /// Selects the kind's columns from the set's; distances are there already.
    fn select_columns(&self, event: &EventView<'_>, scratch: &mut Scratch) {
        let passes = |mark: Option<u8>| mark.is_none_or(|mark| event.marks >> mark & 1 == 1);
        for (column, number) in self.plan.numbers.iter().zip(&mut scratch.numbers) {
            if !passes(column.column.mark) {
                *number = ABSENT;
            } else if !column.is_distance {
                *number = event.numbers[usize::from(column.column.source)];
            }
        }
        for (column, value) in self.plan.categories.iter().zip(&mut scratch.values) {
            *value = if passes(column.mark) {
                event.categories[usize::from(column.source)]
            } else {
                0
            };
        }
    }

    /// Takes the event into every window. Its position in the ring, if it lies there.
    #[inline]
    fn take_in(
        &mut self,
        at: usize,
        event: &EventView<'_>,
        scratch: &mut Scratch,
    ) -> (Option<u32>, EntityFlags) {
        let sample = Sample {
            time_ms: event.time_ms,
            marks: event.marks,
            numbers: &scratch.numbers,
            values: &scratch.values,
        };
        let windows = &mut self.records[at].windows;
        let before_ms = windows.newest_ms;
        let is_late = event.time_ms < before_ms;
        let newest_ms = before_ms.max(event.time_ms);
        windows.newest_ms = newest_ms;
        if !is_late && before_ms != i64::MIN && newest_ms - before_ms >= LONGEST_EXACT_MS {
            windows.silence_ms = newest_ms - before_ms;
            windows.silence_ended_ms = newest_ms;
        }
        if let Some(amount) = event.amount {
            windows.amounts += 1;
            windows.amount_sum = windows.amount_sum.saturating_add(amount);
        }
        let (mut position, mut is_estimated) = (None, false);
        let readings = &mut scratch.readings;
        if let Some(ring) = &mut self.ring {
            let asked = (&mut *readings, event.answers);
            position = ring.take_in(&mut windows.ring, before_ms, &sample, asked);
            is_estimated = ring.is_estimated(&windows.ring, newest_ms);
        }
        if let Some(hours) = &mut self.hours {
            let asked = event.answers.then_some((D7, &mut *readings));
            hours.take_in(&mut windows.hours, newest_ms, &sample, asked);
        }
        if let Some(days) = &mut self.days {
            let asked = event.answers.then_some((D30, &mut *readings));
            days.take_in(&mut windows.days, newest_ms, &sample, asked);
        }
        for (set, column) in self.plan.seen.iter().enumerate() {
            let header = match set.checked_sub(1) {
                None => &mut self.records[at].seen,
                Some(further) => &mut self.seen[at * (self.plan.seen.len() - 1) + further],
            };
            let value = sample.values[usize::from(*column)];
            self.seen_store
                .take_in(header, newest_ms, event.time_ms, value);
            if event.answers {
                read_seen(header, *column, readings);
            }
            is_estimated |= header.is_sampled();
        }
        let flags = EntityFlags {
            is_late,
            is_estimated,
        };
        (position, flags)
    }

    /// Answers an event that came too late from the windows as they are.
    fn peek(
        &self,
        at: usize,
        event: &EventView<'_>,
        scratch: &mut Scratch,
    ) -> (Seat<'_>, EntityFlags) {
        let windows = &self.records[at].windows;
        let idle_ms = event.now_ms.saturating_sub(windows.newest_ms);
        let mut seat = Seat {
            newest_ms: windows.newest_ms,
            ring: &windows.ring,
            position: None,
            is_taken_in: false,
        };
        let (mut hours, mut days) = (windows.hours, windows.days);
        // The sweep may have freed what is idle: it answers as empty, whether swept yet or not.
        if idle_ms >= EXACT_EMPTY_MS {
            seat.ring = &RingHeader::EMPTY;
        }
        let is_still = idle_ms >= TILED_EMPTY_MS;
        if is_still {
            (hours, days) = (TileHeader::EMPTY, TileHeader::EMPTY);
        }
        let mut is_estimated = false;
        let readings = &mut scratch.readings;
        if let Some(ring) = &self.ring {
            ring.read(seat.ring, seat.newest_ms, readings);
            is_estimated = ring.is_estimated(seat.ring, seat.newest_ms);
        }
        if let Some(store) = &self.hours {
            store.read(&hours, D7, readings);
        }
        if let Some(store) = &self.days {
            store.read(&days, D30, readings);
        }
        for (set, column) in self.plan.seen.iter().enumerate() {
            let header = match is_still {
                true => &SeenHeader::EMPTY,
                false => self.seen(at, set),
            };
            read_seen(header, *column, readings);
            is_estimated |= header.is_sampled();
        }
        let flags = EntityFlags {
            is_late: false,
            is_estimated,
        };
        (seat, flags)
    }

    /// Answers for an entity that is not known.
    fn peek_at_nothing(&self, scratch: &mut Scratch) -> (Seat<'_>, EntityFlags) {
        let readings = &mut scratch.readings;
        if let Some(ring) = &self.ring {
            ring.read_nothing(readings);
        }
        readings.clear_tiled(D7);
        readings.clear_tiled(D30);
        let seat = Seat {
            newest_ms: i64::MIN,
            ring: &RingHeader::EMPTY,
            position: None,
            is_taken_in: false,
        };
        (seat, EntityFlags::default())
    }

    /// Takes the event into what is known without a window.
    fn live_on(&mut self, at: Option<usize>, event: &EventView<'_>) {
        let Some(at) = at.filter(|_| !event.is_too_late) else {
            return;
        };
        let time = event.transaction.event_time;
        let lifetime = self.lifetime_mut(at);
        if lifetime.count == 0 || time < lifetime.first {
            lifetime.first = time;
        }
        if lifetime.count == 0 || time > lifetime.newest {
            lifetime.newest = time;
        }
        lifetime.count += 1;
        if self.keeps.place {
            let place = &mut self.records[at].place;
            place.renew(time, event.transaction.coordinates);
        }
        if let Some(person) = self.persons.get_mut(at) {
            // Both or one: what no feature asks for is empty in no answer and in no byte of a snapshot.
            if self.keeps.habit {
                person.habit.take_in(&event.local, event.amount);
            }
            if self.keeps.calendar {
                person.calendar.take_in(&event.local, event.amount);
            }
        }
    }

    /// Whether days of an entity are still counted when a too late event asks.
    pub(super) fn has_days(&self, at: usize, event: &EventView<'_>) -> bool {
        !event.is_too_late
            || event
                .now_ms
                .saturating_sub(self.records[at].windows.newest_ms)
                < RATES_EMPTY_MS
    }
}

fn read_seen(header: &SeenHeader, column: u8, readings: &mut Readings) {
    let [within_7d, within_30d] = header.counts();
    let counts = readings.line(line_of_category(column));
    counts[row_of_window(D7)] = within_7d;
    counts[row_of_window(D30)] = within_30d;
}
