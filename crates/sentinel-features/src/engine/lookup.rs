//! The search for the entities that events name, and the numbers they get.
//!
//! By hash alone candidates are found, so that the lines of their names are on the way when names are compared; numbers are
//! given in log order, singles before the pairs that are made of them. Must never take an event in.

use sentinel_domain::Transaction;

use crate::entity::{EntityKind, Key};
use crate::field::{Category, CategoryValue};
use crate::table::EntityTable;

/// How an event stands in time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Time {
    pub time_ms: i64,
    pub now_ms: i64,
    pub is_too_late: bool,
}

/// The search for one entity of one event.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lookup {
    /// What an entity is called that has a number for a name, as pairs and networks have.
    pub called: u64,
    pub hash: u32,
    candidate: u32,
    pub number: u32,
    pub is_named: bool,
    /// Its entity was forgotten before: earlier events of the batch may still look at what it was.
    pub begins_anew: bool,
}

impl Lookup {
    /// Calls a pair by the numbers of its parts, and asks for the line where its hash points.
    #[inline]
    pub(super) fn call(
        &mut self,
        kind: EntityKind,
        (first, second): (&Self, &Self),
        transaction: &Transaction,
        table: &EntityTable,
    ) {
        let second = match kind {
            // The country stands in the transaction itself.
            EntityKind::CardCountry => match Category::MerchantCountry.value(transaction) {
                CategoryValue::Code(code) => Some(code),
                _ => None,
            },
            _ => second.is_named.then_some(second.number),
        };
        let (true, Some(second)) = (first.is_named, second) else {
            return;
        };
        // A part that is not known (number 0) makes a pair that is not known either.
        self.called = u64::from(first.number) << 32 | u64::from(second);
        self.hash = table.hash(Key::Number(self.called));
        self.is_named = true;
        table.prefetch_hash(self.hash);
    }

    /// Calls a single entity, and asks for the line where its hash points.
    #[inline]
    pub(super) fn look_up(
        &mut self,
        kind: EntityKind,
        transaction: &Transaction,
        table: &EntityTable,
    ) {
        let key = kind.key(transaction);
        if key == Key::Absent {
            return;
        }
        if let Key::Number(called) = key {
            self.called = called;
        }
        self.hash = table.hash(key);
        self.is_named = true;
        table.prefetch_hash(self.hash);
    }
}

/// Finds candidates of one lane by hash alone, and asks for the lines of their names and headers.
pub(super) fn find_candidates(table: &EntityTable, lookups: &mut [Lookup]) {
    for lookup in lookups {
        if lookup.is_named {
            lookup.candidate = table.candidate(lookup.hash);
            table.prefetch_headers(lookup.candidate);
        }
    }
}

/// Numbers the entities of a single kind whose candidates are known, in log order.
pub(super) fn number_singles<'e>(
    (kind, table): (EntityKind, &mut EntityTable),
    lookups: &mut [Lookup],
    events: impl Iterator<Item = (&'e Transaction, &'e Time)>,
) {
    let by_number = kind.is_called_by_number();
    for (lookup, (transaction, time)) in lookups.iter_mut().zip(events) {
        if lookup.is_named {
            let key = if by_number {
                Key::Number(lookup.called)
            } else {
                kind.key(transaction)
            };
            name(table, key, lookup, *time);
        }
    }
}

/// Numbers pairs that are called by name, in log order.
pub(super) fn number_pairs(table: &mut EntityTable, lookups: &mut [Lookup], times: &[Time]) {
    find_candidates(table, lookups);
    for (lookup, time) in lookups.iter_mut().zip(times) {
        if lookup.is_named {
            name(table, Key::Number(lookup.called), lookup, *time);
        }
    }
}

/// Numbers the entity that an event names.
#[inline]
fn name(table: &mut EntityTable, key: Key<'_>, lookup: &mut Lookup, time: Time) {
    if time.is_too_late {
        lookup.number = table.find(key, lookup.hash, lookup.candidate, time.now_ms);
    } else {
        (lookup.number, lookup.begins_anew) =
            table.name(key, lookup.hash, lookup.candidate, time.now_ms);
    }
}
