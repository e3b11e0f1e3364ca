//! Frauds known of an entity, by the UTC hour of the transaction they speak of.
//!
//! A label counts from its place in the log on. Which event ids are labelled is remembered for the newest
//! million, so that a second label of one fraud does not count it twice and a correction takes it back.

use std::collections::VecDeque;

use hashbrown::HashMap;
use sentinel_domain::EventId;

use crate::entity::EntityKind;

/// The most labelled events remembered.
pub(crate) const LABELLED_MAX: usize = 1_048_576;

/// Days kept for windows: 30 days that end a week ago.
pub(crate) const DAYS_KEPT: i64 = 38;

/// Hours of a day.
const DAY_HOURS: i64 = 24;

/// Frauds of one entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frauds {
    /// The number of the first fraud counted here: what was labelled before was another life's.
    pub since: u64,
    /// All that are known.
    pub ever: u64,
    /// When the newest became known, microseconds.
    pub known_at_micros: i64,
    /// Hour and frauds of it, by hour.
    pub hours: Vec<(i64, u64)>,
}

impl Frauds {
    /// None yet; the next fraud has this number.
    pub const fn new(since: u64) -> Self {
        Self {
            since,
            ever: 0,
            known_at_micros: i64::MIN,
            hours: Vec::new(),
        }
    }

    /// Counts a fraud, or takes one back.
    pub fn change(&mut self, hour: i64, is_fraud: bool) {
        let at = self.hours.binary_search_by_key(&hour, |(hour, _)| *hour);
        match (at, is_fraud) {
            (Ok(at), true) => self.hours[at].1 += 1,
            (Err(at), true) => self.hours.insert(at, (hour, 1)),
            (Ok(at), false) if self.hours[at].1 > 1 => self.hours[at].1 -= 1,
            (Ok(at), false) => {
                self.hours.remove(at);
            }
            (Err(_), false) => {}
        }
        self.ever = if is_fraud {
            self.ever + 1
        } else {
            self.ever.saturating_sub(1)
        };
    }

    /// Drops days that no window reaches.
    pub fn forget(&mut self, today: i64) {
        let first = (today - DAYS_KEPT + 1) * DAY_HOURS;
        self.hours.retain(|(hour, _)| *hour >= first);
    }

    /// Frauds in a stretch of days, both ends included.
    pub fn between(&self, from: i64, to: i64) -> u64 {
        let first = from.saturating_mul(DAY_HOURS);
        let end = to.saturating_add(1).saturating_mul(DAY_HOURS);
        self.since_hour(first)
            .take_while(|(hour, _)| *hour < end)
            .map(|(_, count)| count)
            .sum()
    }

    /// Whether a fraud of this hour is known.
    pub fn has_hour(&self, hour: i64) -> bool {
        let at = self.hours.binary_search_by_key(&hour, |(hour, _)| *hour);
        at.is_ok()
    }

    /// Hours with frauds from one hour on, each with its frauds.
    pub fn since_hour(&self, first: i64) -> impl Iterator<Item = (i64, u64)> + '_ {
        let from = self.hours.partition_point(|(hour, _)| *hour < first);
        self.hours.iter().skip(from).copied()
    }
}

/// Where a fraud was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fraud {
    /// Frauds are numbered in the order of their labels.
    pub number: u64,
    /// The UTC hour of the transaction.
    pub hour: i64,
    /// The entities it was counted for, in the order of [`LABELLED_KINDS`]; 0 for none.
    pub entities: [u32; LABELLED_KINDS.len()],
}

/// The kinds of entity that a label speaks of; the category is the one its merchant was last seen with.
pub(crate) const LABELLED_KINDS: [EntityKind; 5] = [
    EntityKind::Account,
    EntityKind::Card,
    EntityKind::Merchant,
    EntityKind::Terminal,
    EntityKind::Mcc,
];

/// Which events are labelled as fraud.
#[derive(Debug, Default)]
pub(crate) struct Labelled {
    events: HashMap<EventId, Fraud, foldhash::fast::RandomState>,
    /// In the order in which they were labelled; an entry whose number is no longer the event's is stale.
    order: VecDeque<(EventId, u64)>,
    next: u64,
}

impl Labelled {
    /// Whether an event is noted as fraud.
    pub fn contains(&self, event_id: &EventId) -> bool {
        self.events.contains_key(event_id)
    }

    /// The number that the next fraud gets.
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// Begins to number where another left off.
    pub fn go_on_from(&mut self, next: u64) {
        self.next = next;
    }

    /// Notes a fraud that is not noted yet.
    pub fn insert(&mut self, event_id: &EventId, fraud: Fraud) {
        self.order.push_back((event_id.clone(), fraud.number));
        self.events.insert(event_id.clone(), fraud);
        self.next = fraud.number + 1;
        // Entries of frauds taken back are stale: they count for nothing and go with the oldest.
        while let Some((oldest, number)) = self.order.front() {
            let is_noted = self
                .events
                .get(oldest)
                .is_some_and(|have| have.number == *number);
            if is_noted && self.events.len() <= LABELLED_MAX {
                break;
            }
            if let Some((oldest, _)) = self.order.pop_front()
                && is_noted
            {
                self.events.remove(&oldest);
            }
        }
        if self.order.len() > 2 * LABELLED_MAX {
            let events = &self.events;
            self.order.retain(|(event_id, number)| {
                events
                    .get(event_id)
                    .is_some_and(|have| have.number == *number)
            });
        }
    }

    /// Takes a fraud back; `None` where it is not noted.
    pub fn remove(&mut self, event_id: &EventId) -> Option<Fraud> {
        self.events.remove(event_id)
    }

    /// The noted events in the order in which they were labelled, for the codec.
    pub fn iter(&self) -> impl Iterator<Item = (&EventId, &Fraud)> {
        self.order.iter().filter_map(|(event_id, number)| {
            let fraud = self.events.get(event_id)?;
            (fraud.number == *number).then_some((event_id, fraud))
        })
    }
}
