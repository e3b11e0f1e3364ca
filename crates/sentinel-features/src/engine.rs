//! The engine: every entity of one partition, and the join of their slices into a row.
//!
//! **Enters:** transactions in log order. **Leaves:** one row each, and how the event stood in time.
//! Memory grows with the number of entities ever seen; an entity holds what its last 24 hours hold.

use sentinel_domain::{Scalar, Transaction};

use crate::entity::{ENTITY_KINDS, EntityKind, EntityTable};
use crate::feature::Context;
use crate::ring::{Arrival, EntityWindows, Event};
use crate::set::{AttributeKind, FeatureSet, Step};
use crate::slice::Slice;
use crate::window::LATENESS_ALLOWED_MS;

/// How an event stood in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Applied {
    /// Older than the newest event of at least one of its entities: put in its place there.
    pub late: bool,
    /// More than the allowed lateness behind the partition: windows left as they were.
    pub too_late: bool,
    /// At least one entity holds fewer events than its windows cover.
    pub estimated: bool,
}

/// Window state of one partition.
#[derive(Debug)]
pub struct FeatureEngine {
    set: FeatureSet,
    tables: [EntityTable; ENTITY_KINDS],
    /// The partition's greatest event time, whole milliseconds.
    greatest_ms: Option<i64>,
}

impl FeatureEngine {
    /// An engine that has seen nothing.
    pub fn new(set: FeatureSet) -> Self {
        Self {
            set,
            tables: Default::default(),
            greatest_ms: None,
        }
    }

    /// The set whose rows it fills.
    pub fn set(&self) -> &FeatureSet {
        &self.set
    }

    /// Fills rows of another set from here on; windows stay.
    pub fn replace_set(&mut self, set: FeatureSet) {
        self.set = set;
    }

    /// Takes a transaction in and fills its row; `amount` is in minor units of the reference currency.
    /// The row must have the width of the set.
    pub fn apply(
        &mut self,
        transaction: &Transaction,
        amount: Option<i64>,
        row: &mut [f64],
    ) -> Applied {
        assert_eq!(
            row.len(),
            self.set.width(),
            "a row has the width of its feature set"
        );
        let time_ms = transaction.event_time.millis_floor();
        let greatest_ms = self
            .greatest_ms
            .map_or(time_ms, |greatest| greatest.max(time_ms));
        self.greatest_ms = Some(greatest_ms);
        let mut applied = Applied {
            too_late: time_ms < greatest_ms - LATENESS_ALLOWED_MS,
            ..Applied::default()
        };
        let slices = self.slices(transaction, amount, &mut applied);
        self.join(transaction, Context { amount }, &slices, row);
        applied
    }

    /// Entities of a kind seen so far.
    pub fn entities(&self, kind: EntityKind) -> usize {
        self.tables[kind.index()].len()
    }

    /// Bytes held by entities.
    pub fn bytes(&self) -> usize {
        self.tables.iter().map(EntityTable::bytes).sum()
    }

    /// Applies the event to each of its entities.
    fn slices(
        &mut self,
        transaction: &Transaction,
        amount: Option<i64>,
        applied: &mut Applied,
    ) -> [Slice; ENTITY_KINDS] {
        let mut numbers = [0_u32; ENTITY_KINDS];
        for kind in EntityKind::ALL {
            if let Some(name) = kind.key(transaction) {
                numbers[kind.index()] = self.tables[kind.index()].number(name);
            }
        }
        let mut slices = [Slice::MISSING; ENTITY_KINDS];
        for kind in EntityKind::ALL {
            let number = numbers[kind.index()];
            if number == 0 || !self.set.has_entity(*kind) {
                continue;
            }
            let event = Event {
                time: transaction.event_time,
                amount,
                place: transaction.coordinates,
                counterpart: numbers[kind.counterpart().index()],
            };
            let state = self.tables[kind.index()].state_mut(number);
            let slice = &mut slices[kind.index()];
            apply_to_entity(state, &event, slice, applied);
        }
        slices
    }

    /// Puts the slices and the transaction's own facts into the order of the row.
    fn join(
        &self,
        transaction: &Transaction,
        context: Context,
        slices: &[Slice; ENTITY_KINDS],
        row: &mut [f64],
    ) {
        for (slot, step) in row.iter_mut().zip(self.set.plan()) {
            *slot = match *step {
                Step::Entity { kind, place } => slices[usize::from(kind)].0[usize::from(place)],
                Step::Transaction(value) => value(transaction, context),
                Step::Attribute { place } => {
                    let (name, kind) = &self.set.attributes()[usize::from(place)];
                    attribute_value(transaction.attributes.get(name), *kind)
                }
            };
        }
    }
}

/// One entity, one event, one slice: the step that can happen on another node.
fn apply_to_entity(
    state: &mut EntityWindows,
    event: &Event,
    slice: &mut Slice,
    applied: &mut Applied,
) {
    if applied.too_late {
        state.peek(event, slice);
    } else {
        applied.late |= state.apply(event, slice) != Arrival::InOrder;
    }
    applied.estimated |= state.is_estimated();
}

/// An attribute as a number; missing where there is none or it is not of the kind.
#[allow(clippy::cast_precision_loss, reason = "attributes are data, not money")]
fn attribute_value(value: Option<&Scalar>, kind: AttributeKind) -> f64 {
    match (kind, value) {
        (_, None) => f64::NAN,
        (AttributeKind::Numeric, Some(Scalar::Integer(value))) => *value as f64,
        (AttributeKind::Numeric, Some(Scalar::Number(value))) => *value,
        (_, Some(Scalar::Boolean(value))) => f64::from(u8::from(*value)),
        (AttributeKind::Numeric, Some(Scalar::Text(_))) => f64::NAN,
        (AttributeKind::Categorical, Some(Scalar::Text(text))) => word_value(text.as_bytes()),
        (AttributeKind::Categorical, Some(Scalar::Integer(value))) => {
            word_value(&value.to_le_bytes())
        }
        (AttributeKind::Categorical, Some(Scalar::Number(value))) => {
            word_value(&value.to_bits().to_le_bytes())
        }
    }
}

/// A fixed hash of a word, 0 to 65,535 (FNV-1a, folded).
fn word_value(word: &[u8]) -> f64 {
    let hash = word.iter().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    f64::from((hash >> 16) ^ (hash & 0xffff))
}
