//! A ring as bytes: its events from the oldest on, and what left early. Cursors, totals and indices
//! follow from them.

use hashbrown::HashMap;

use super::overflow::Overflow;
use super::{CAPACITY_START, MEDIUM_MAX, RingHeader, RingStore, SMALL_MAX, SUPERSEDED, low_half};
use crate::arena::{read_i64, write_i64};
use crate::codec::{CodecError, Reader, Writer};
use crate::slab::NONE;
use crate::totals::ABSENT;
use crate::window::{EVENTS_PER_ENTITY_MAX, LONGEST_EXACT_MS};

impl RingStore {
    /// Writes an entity's ring; `newest_ms` is its `T`.
    pub fn encode(&self, header: &RingHeader, newest_ms: i64, writer: &mut Writer<'_>) {
        writer.count(header.live());
        for step in 0..header.head.wrapping_sub(header.oldest) {
            let position = header.oldest.wrapping_add(step);
            let event = self.event(header, position);
            writer.signed(self.age_ms(header, position, newest_ms));
            writer.unsigned(u64::from(event[1]));
            for place in 0..self.plan.numbers.len() {
                let number = read_i64(event, 2 + 2 * place);
                // Absent numbers are common and the least of all: they would take ten bytes.
                writer.signed(if number == ABSENT { 0 } else { number });
                if number == 0 || number == ABSENT {
                    writer.unsigned(u64::from(number == ABSENT));
                }
            }
            for value in &event[self.plan.categories_at..] {
                writer.unsigned(u64::from(value & !SUPERSEDED));
            }
        }
        let overflow = self.overflow.get(header.overflow);
        writer.unsigned(u64::from(overflow.is_some()));
        if let Some(overflow) = overflow {
            overflow.encode(writer);
        }
    }

    /// Reads what [`RingStore::encode`] wrote.
    pub fn restore(
        &mut self,
        newest_ms: i64,
        reader: &mut Reader<'_>,
    ) -> Result<RingHeader, CodecError> {
        let live = reader.count("events")?;
        if live > EVENTS_PER_ENTITY_MAX {
            return Err(CodecError::Content("events"));
        }
        let mut header = RingHeader::EMPTY;
        if live > 0 {
            while CAPACITY_START << header.size < live {
                header.size += 1;
            }
            header.events = self.events.allocate(header.size);
            header.head = u32::try_from(live).unwrap_or(u32::MAX);
            for position in 0..header.head {
                self.restore_event(&header, position, newest_ms, reader)?;
            }
            self.supersede_all(&header);
            if header.capacity() > SMALL_MAX {
                header.totals = self.totals.allocate(0);
                self.recount(&header, newest_ms);
            }
            if header.capacity() > MEDIUM_MAX {
                self.index(&mut header);
            }
        }
        if reader.unsigned("events that left early")? != 0 {
            let overflow = Overflow::restore(&self.plan, newest_ms, reader)?;
            header.overflow = self.overflow.insert(overflow);
        } else {
            header.overflow = NONE;
        }
        Ok(header)
    }

    fn restore_event(
        &mut self,
        header: &RingHeader,
        position: u32,
        newest_ms: i64,
        reader: &mut Reader<'_>,
    ) -> Result<(), CodecError> {
        let age_ms = reader.signed("an event's age")?;
        if !(0..LONGEST_EXACT_MS).contains(&age_ms) {
            return Err(CodecError::Content("an event's age"));
        }
        let at = header.slot(position) * self.plan.stride;
        let event = &mut self.events.block_mut(header.events, header.size)[at..];
        event[0] = low_half(newest_ms).wrapping_sub(low_half(age_ms));
        event[1] = reader.small("an event's marks")?;
        for place in 0..self.plan.numbers.len() {
            let mut number = reader.signed("an event's number")?;
            if number == 0 && reader.unsigned("an event's number")? != 0 {
                number = ABSENT;
            }
            write_i64(event, 2 + 2 * place, number);
        }
        for place in 0..self.plan.categories.len() {
            let value: u32 = reader.small("an event's value")?;
            if value >= SUPERSEDED {
                return Err(CodecError::Content("an event's value"));
            }
            event[self.plan.categories_at + place] = if value == 0 { SUPERSEDED } else { value };
        }
        Ok(())
    }

    /// Marks every value that a later event carries again.
    fn supersede_all(&mut self, header: &RingHeader) {
        let (stride, categories_at) = (self.plan.stride, self.plan.categories_at);
        let events = self.events.block_mut(header.events, header.size);
        for place in 0..self.plan.categories.len() {
            let mut later: HashMap<u32, (), foldhash::fast::FixedState> = HashMap::default();
            for position in (header.oldest..header.head).rev() {
                let word = &mut events[header.slot(position) * stride + categories_at + place];
                if *word != SUPERSEDED && later.insert(*word, ()).is_some() {
                    *word |= SUPERSEDED;
                }
            }
        }
    }
}
