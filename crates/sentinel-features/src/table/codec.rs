//! The entities of one kind as bytes, in the order of their numbers.

use sentinel_domain::{Coordinates, Instant, Text};

use super::{Dictionary, EntityTable, Lifetime, Windows};
use crate::calendar::{Calendar, Page};
use crate::codec::{CodecError, Reader, Writer};
use crate::entity::Key;
use crate::fraud::Frauds;
use crate::habit::Habit;
use crate::index::Index;
use crate::place::Place;
use crate::seen::SeenHeader;
use crate::slab::NONE;
use crate::tiles::{TileHeader, TileStore};

/// What stands before each place of an index.
const EMPTY: u64 = 0;
const WORD: u64 = 1;
const NUMBER: u64 = 2;

impl EntityTable {
    /// Writes every entity.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        let is_named = |at: usize| self.lifetime(at).named_ms != i64::MIN;
        encode_index(&self.index, is_named, writer);
        for at in (0..self.places()).filter(|at| is_named(*at)) {
            self.encode_entity(at, writer);
            writer.between();
        }
    }

    /// Reads what [`EntityTable::encode`] wrote.
    pub fn restore(&mut self, reader: &mut Reader<'_>) -> Result<(), CodecError> {
        let named = restore_index(&mut self.index, reader)?;
        for (at, is_named) in named.iter().enumerate() {
            self.add_place_at(at);
            if *is_named {
                self.restore_entity(at, reader)?;
            }
        }
        Ok(())
    }

    fn encode_entity(&self, at: usize, writer: &mut Writer<'_>) {
        let lifetime = self.lifetime(at);
        writer.signed(lifetime.named_ms);
        writer.unsigned(lifetime.count);
        writer.signed(lifetime.first.micros());
        writer.signed(lifetime.newest.micros());
        if self.plan.has_windows() {
            self.encode_windows(&self.records[at].windows, writer);
        }
        for set in 0..self.plan.seen.len() {
            let (level, hour, pairs) = self.seen_store.values(self.seen(at, set));
            writer.unsigned(u64::from(level));
            writer.signed(i64::from(hour));
            writer.count(pairs.len());
            for (value, seen) in pairs {
                writer.unsigned(u64::from(value));
                writer.signed(i64::from(hour) - i64::from(seen));
            }
        }
        if self.plan.has_place() {
            let place = self.records[at].place.get();
            writer.unsigned(u64::from(place.is_some()));
            if let Some(place) = place {
                writer.signed(place.time.micros());
                writer.signed(i64::from(place.coordinates.lat_e7));
                writer.signed(i64::from(place.coordinates.lon_e7));
            }
        }
        if self.plan.has_habit() {
            let habit = &self.persons[at].habit;
            let counters = habit.hours.iter().chain(&habit.weekdays);
            for counter in counters.chain(&habit.amounts) {
                writer.unsigned(u64::from(*counter));
            }
        }
        if self.plan.has_calendar() {
            let calendar = &self.persons[at].calendar;
            for page in [&calendar.day, &calendar.month] {
                writer.signed(page.number);
                writer.unsigned(page.count);
                writer.signed(page.sum);
            }
        }
        if self.plan.has_fraud() {
            let frauds = self.fraud_slab.get(self.records[at].windows.frauds);
            writer.unsigned(u64::from(frauds.is_some()));
            if let Some(frauds) = frauds {
                encode_frauds(frauds, writer);
            }
        }
        if let Some(category) = self.categories.get(at) {
            writer.unsigned(u64::from(*category));
        }
    }

    fn encode_windows(&self, windows: &Windows, writer: &mut Writer<'_>) {
        writer.signed(windows.newest_ms);
        writer.unsigned(windows.amounts);
        writer.signed(windows.amount_sum);
        writer.signed(windows.silence_ms);
        writer.signed(windows.silence_ended_ms);
        if let Some(ring) = &self.ring {
            ring.encode(&windows.ring, windows.newest_ms, writer);
        }
        if let Some(hours) = &self.hours {
            encode_tiles(hours, &windows.hours, writer);
        }
        if let Some(days) = &self.days {
            encode_tiles(days, &windows.days, writer);
        }
    }

    fn restore_entity(&mut self, at: usize, reader: &mut Reader<'_>) -> Result<(), CodecError> {
        *self.lifetime_mut(at) = Lifetime {
            named_ms: reader.signed("an entity's time")?,
            count: reader.unsigned("an entity's events")?,
            first: Instant::from_micros(reader.signed("an entity's first event")?),
            newest: Instant::from_micros(reader.signed("an entity's newest event")?),
        };
        if self.plan.has_windows() {
            self.records[at].windows = self.restore_windows(reader)?;
        }
        for set in 0..self.plan.seen.len() {
            let level = reader.small("a sampling level")?;
            let hour: i32 = reader.small_signed("an hour")?;
            let mut pairs = Vec::new();
            for _ in 0..reader.count("values")? {
                let value = reader.small("a value")?;
                let age = reader.signed("a value's hour")?;
                let seen = i64::from(hour).checked_sub(age).map(i32::try_from);
                match seen {
                    Some(Ok(seen)) => pairs.push((value, seen)),
                    _ => return Err(CodecError::Content("a value's hour")),
                }
            }
            if pairs.len() > crate::seen::VALUES_MAX || level > 31 {
                return Err(CodecError::Content("values"));
            }
            let mut header = SeenHeader::EMPTY;
            self.seen_store.restore(&mut header, (level, hour), &pairs);
            *self.seen_mut(at, set) = header;
        }
        if self.plan.has_place() && reader.unsigned("a place")? != 0 {
            let time = Instant::from_micros(reader.signed("a place's time")?);
            let lat_e7 = reader.small_signed("a latitude")?;
            let lon_e7 = reader.small_signed("a longitude")?;
            let coordinates = Coordinates::new(lat_e7, lon_e7);
            let coordinates = coordinates.ok_or(CodecError::Content("a place"))?;
            self.records[at].place.set(Place { time, coordinates });
        }
        if self.plan.has_habit() {
            self.persons[at].habit = restore_habit(reader)?;
        }
        if self.plan.has_calendar() {
            self.persons[at].calendar = Calendar {
                day: restore_page(reader)?,
                month: restore_page(reader)?,
            };
        }
        if self.plan.has_fraud() && reader.unsigned("frauds")? != 0 {
            self.records[at].windows.frauds = self.fraud_slab.insert(restore_frauds(reader)?);
        }
        if at < self.categories.len() {
            self.categories[at] = reader.small("a category")?;
        }
        Ok(())
    }

    fn restore_windows(&mut self, reader: &mut Reader<'_>) -> Result<Windows, CodecError> {
        let mut windows = Windows {
            newest_ms: reader.signed("an entity's time")?,
            amounts: reader.unsigned("an entity's amounts")?,
            amount_sum: reader.signed("an entity's amounts")?,
            silence_ms: reader.signed("a silence")?,
            silence_ended_ms: reader.signed("a silence")?,
            ..Windows::EMPTY
        };
        if let Some(ring) = &mut self.ring {
            windows.ring = ring.restore(windows.newest_ms, reader)?;
        }
        if let Some(hours) = &mut self.hours {
            windows.hours = restore_tiles(hours, reader)?;
        }
        if let Some(days) = &mut self.days {
            windows.days = restore_tiles(days, reader)?;
        }
        Ok(windows)
    }

    fn add_place_at(&mut self, at: usize) {
        if self.places() == at {
            self.add_columns();
        }
        debug_assert_eq!(self.lifetime(at).named_ms, i64::MIN);
        if let Some(record) = self.records.get_mut(at) {
            record.windows.frauds = NONE;
        }
    }
}

impl Dictionary {
    /// Writes every word.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        let is_named = |at: usize| self.named_ms[at] != i64::MIN;
        encode_index(&self.index, is_named, writer);
        for named_ms in self.named_ms.iter().filter(|ms| **ms != i64::MIN) {
            writer.signed(*named_ms);
            writer.between();
        }
    }

    /// Reads what [`Dictionary::encode`] wrote.
    pub fn restore(&mut self, reader: &mut Reader<'_>) -> Result<(), CodecError> {
        for is_named in restore_index(&mut self.index, reader)? {
            self.named_ms.push(if is_named {
                reader.signed("a word's time")?
            } else {
                i64::MIN
            });
        }
        Ok(())
    }
}

fn encode_index(index: &Index, is_named: impl Fn(usize) -> bool, writer: &mut Writer<'_>) {
    writer.count(index.places());
    for at in 0..index.places() {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        match index.name(number) {
            _ if !is_named(at) => writer.unsigned(EMPTY),
            Key::Word(word) => {
                writer.unsigned(WORD);
                writer.text(word.as_str());
            }
            Key::Number(value) => {
                writer.unsigned(NUMBER);
                writer.unsigned(value);
            }
            Key::Absent => writer.unsigned(EMPTY),
        }
        writer.between();
    }
    writer.count(index.free().len());
    for number in index.free() {
        writer.unsigned(u64::from(*number));
        writer.between();
    }
}

/// Which places have a name.
fn restore_index(index: &mut Index, reader: &mut Reader<'_>) -> Result<Vec<bool>, CodecError> {
    let places = reader.far_count("names")?;
    let mut named = Vec::new();
    for _ in 0..places {
        match reader.unsigned("a name")? {
            EMPTY => index.restore(Key::Absent),
            WORD => index.restore(Key::Word(&Text::from(reader.text("a name")?))),
            NUMBER => index.restore(Key::Number(reader.unsigned("a name")?)),
            _ => return Err(CodecError::Content("a name")),
        }
        named.push(index.is_named_last());
    }
    let mut free = Vec::new();
    let mut taken = named.clone();
    for _ in 0..reader.far_count("free numbers")? {
        let number: u32 = reader.small("a free number")?;
        let at = (number as usize).checked_sub(1);
        match at.and_then(|at| taken.get_mut(at)) {
            Some(taken) if !*taken => *taken = true,
            _ => return Err(CodecError::Content("a free number")),
        }
        free.push(number);
    }
    if taken.contains(&false) {
        return Err(CodecError::Content(
            "a number that is neither free nor named",
        ));
    }
    index.restore_free(free);
    Ok(named)
}

fn encode_tiles(store: &TileStore, header: &TileHeader, writer: &mut Writer<'_>) {
    let (newest, words) = store.records(header);
    writer.signed(i64::from(newest));
    writer.count(words.len() / store.stride());
    for word in words {
        writer.unsigned(u64::from(*word));
    }
}

fn restore_tiles(store: &mut TileStore, reader: &mut Reader<'_>) -> Result<TileHeader, CodecError> {
    let newest = reader.small_signed("a tile")?;
    let records = reader.count("tiles")?;
    let mut words = Vec::with_capacity(records * store.stride());
    for _ in 0..records * store.stride() {
        words.push(reader.small("a tile")?);
    }
    let mut header = TileHeader::EMPTY;
    if records > 0 || newest != i32::MIN {
        store.restore(&mut header, newest, &words);
    }
    Ok(header)
}

fn restore_habit(reader: &mut Reader<'_>) -> Result<Habit, CodecError> {
    let mut counters = [0_u8; 63];
    for counter in &mut counters {
        *counter = reader.small("a habit")?;
    }
    let (mut hours, mut weekdays, mut amounts) = ([0; 24], [0; 7], [0; 32]);
    hours.copy_from_slice(&counters[..24]);
    weekdays.copy_from_slice(&counters[24..31]);
    amounts.copy_from_slice(&counters[31..]);
    let habit = Habit::of(hours, weekdays, amounts);
    if habit.is_possible() {
        Ok(habit)
    } else {
        Err(CodecError::Content("a habit"))
    }
}

fn restore_page(reader: &mut Reader<'_>) -> Result<Page, CodecError> {
    Ok(Page {
        number: reader.signed("a calendar page")?,
        count: reader.unsigned("a calendar page")?,
        sum: reader.signed("a calendar page")?,
    })
}

fn encode_frauds(frauds: &Frauds, writer: &mut Writer<'_>) {
    writer.unsigned(frauds.since);
    writer.unsigned(frauds.ever);
    writer.signed(frauds.known_at_micros);
    writer.count(frauds.hours.len());
    for (hour, count) in &frauds.hours {
        writer.signed(*hour);
        writer.unsigned(*count);
    }
}

fn restore_frauds(reader: &mut Reader<'_>) -> Result<Frauds, CodecError> {
    let mut frauds = Frauds {
        since: reader.unsigned("frauds")?,
        ever: reader.unsigned("frauds")?,
        known_at_micros: reader.signed("a label's time")?,
        hours: Vec::new(),
    };
    for _ in 0..reader.count("hours of fraud")? {
        let hour = reader.signed("an hour of fraud")?;
        frauds
            .hours
            .push((hour, reader.unsigned("frauds of an hour")?));
    }
    Ok(frauds)
}
