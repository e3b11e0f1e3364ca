//! What every number of a row means, in plain loops over plain lists.
//!
//! Promises to keep little but the events of each entity, in their order, and to work every answer out
//! from them anew: no running sum over a window, no cursor, no hash. Money is summed in integers. Must
//! never be made faster in a way that needs an argument why it is still right.
//!
//! Start reading at [`window`] for definitions, at [`fact`] for facts, at [`entity`] for what is kept.

pub mod bucket;
pub mod entity;
pub mod fact;
pub mod filter;
pub mod local;
pub mod named;
pub mod question;
pub mod window;
mod label;

use std::collections::BTreeMap;
use std::rc::Rc;

use sentinel_domain::Transaction;
use sentinel_features::EntityKind;
use sentinel_features::definition::Aggregate;
use sentinel_features::feature::Feature;

use entity::{DAY_MS, Entity, HOUR_MS, Record};
use fact::Earlier;
use filter::Paid;
use label::Labels;
use named::Name;
use question::{Question, Questions, Windowed};
use window::{Asked, Own};

const FORGOTTEN_AFTER_MS: i64 = 400 * DAY_MS;

/// The most different values that are told apart over tiles before they are sampled.
const VALUES_MAX: usize = 512;

/// The flags of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags {
    pub late: bool,
    pub too_late: bool,
    pub estimated: bool,
}

/// An event's entity, and what it said before it took the event in.
#[derive(Debug)]
struct Presence {
    entity: usize,
    earlier: Earlier,
}

/// An event that was applied: what is needed to answer for it.
#[derive(Debug)]
pub struct Told {
    record: Rc<Record>,
    pub flags: Flags,
    entities: BTreeMap<EntityKind, Presence>,
}

/// The value of a slot.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    /// To the bit.
    Exactly(f64),
    /// Counted in a sample: within so much of it.
    Roughly(f64, f64),
    /// Follows from a sample: anything.
    Sampled,
    /// Not the oracle's business.
    Unread,
}

/// Everything that was stored so far.
#[derive(Debug)]
pub struct Oracle {
    questions: Questions,
    /// G, of the partition.
    greatest_ms: Option<i64>,
    position: u64,
    /// The values of the categories, numbered as they come.
    values: BTreeMap<(usize, Name), u32>,
    /// The places in `entities`.
    names: BTreeMap<(EntityKind, Name), usize>,
    entities: Vec<Entity>,
    labels: Labels,
}

impl Oracle {
    /// Nothing stored yet; entities of the kinds `without` have no windows and no facts.
    pub fn new(features: &[Feature], without: &[EntityKind]) -> Self {
        Self {
            questions: Questions::new(features, without),
            greatest_ms: None,
            position: 0,
            values: BTreeMap::new(),
            names: BTreeMap::new(),
            entities: Vec::new(),
            labels: Labels::default(),
        }
    }

    /// The place of an entity, a new one where it has none or has been forgotten.
    fn place(&mut self, kind: EntityKind, name: Name) -> usize {
        let fresh = || Entity::new(self.questions.tiled_distincts.len());
        let next = self.entities.len();
        let place = *self.names.entry((kind, name)).or_insert(next);
        if place == next {
            self.entities.push(fresh());
        }
        let forgotten = match (self.greatest_ms, self.entities[place].named_ms) {
            (Some(greatest_ms), Some(named_ms)) => greatest_ms - named_ms > FORGOTTEN_AFTER_MS,
            _ => false,
        };
        if forgotten {
            self.entities[place] = Entity::new(self.questions.tiled_distincts.len());
        }
        if let (Some(greatest_ms), Some(newest_ms)) =
            (self.greatest_ms, self.entities[place].newest_ms)
        {
            self.entities[place].idle_ms = greatest_ms - newest_ms;
        }
        place
    }

    /// Takes an event in, unless it is too late.
    pub fn apply(&mut self, t: &Transaction, amount: Option<i64>) -> Told {
        let mut record = self.record(t, amount);
        let greatest_ms = self
            .greatest_ms
            .map_or(record.time_ms, |before| before.max(record.time_ms));
        if self.greatest_ms.is_none() {
            // Labels before any event came when the log began.
            let known = self.entities.iter_mut();
            known.for_each(|entity| entity.named_ms = Some(greatest_ms));
        }
        self.greatest_ms = Some(greatest_ms);
        let paid = self.paid(t, amount);
        record.passes = self.questions.passes(t, paid);
        let record = Rc::new(record);
        let mut flags = Flags {
            late: false,
            too_late: record.time_ms < greatest_ms - HOUR_MS,
            estimated: false,
        };
        let mut entities = BTreeMap::new();
        for kind in self.questions.kept() {
            let Some(name) = named::entity(kind, t) else {
                continue;
            };
            let place = self.place(kind, name);
            let earlier = Earlier::of(&self.entities[place], &record);
            let newest_ms = self.entities[place].newest_ms;
            let older = newest_ms.is_some_and(|newest_ms| record.time_ms < newest_ms);
            let was_late = older && !flags.too_late;
            if !flags.too_late {
                let today = record.time_ms.div_euclid(DAY_MS);
                if newest_ms.is_some_and(|ms| ms.div_euclid(DAY_MS) <= today - 30) {
                    // All values have left: nothing is sampled any more.
                    self.entities[place].sampled.fill(None);
                }
                self.entities[place].take_in(&record);
                self.entities[place].named_ms = self.greatest_ms;
                self.note_values(kind, place, &record);
            }
            if !self.questions.kinds.contains(&kind) {
                continue;
            }
            let entity = &self.entities[place];
            flags.late |= was_late;
            flags.estimated |= entity.incomplete() || entity.sampled.iter().any(Option::is_some);
            let presence = Presence {
                entity: place,
                earlier,
            };
            entities.insert(kind, presence);
        }
        Told {
            record,
            flags,
            entities,
        }
    }

    /// What the account paid before the event.
    fn paid(&mut self, t: &Transaction, amount: Option<i64>) -> Paid {
        let mut paid = Paid {
            amount,
            account_count: 0,
            account_sum: 0,
        };
        if self.questions.asks_for_high_amounts()
            && let Some(name) = named::entity(EntityKind::Account, t)
        {
            let place = self.place(EntityKind::Account, name);
            let life = &self.entities[place].lifetime;
            (paid.account_count, paid.account_sum) = (life.amounts, life.amounts_sum);
        }
        paid
    }

    /// Writes down what entities need of an event.
    fn record(&mut self, t: &Transaction, amount: Option<i64>) -> Record {
        self.position += 1;
        let mut values = Vec::new();
        for (category, value) in self.questions.values(t).enumerate() {
            let next = self.values.len() as u32;
            let number = |value| *self.values.entry((category, value)).or_insert(next);
            values.push(value.map(number));
        }
        let time_us = t.event_time.micros();
        Record {
            position: self.position,
            time_us,
            time_ms: time_us.div_euclid(1_000),
            amount,
            place: t.coordinates,
            local: local::local(t),
            mcc: named::entity(EntityKind::Mcc, t),
            passes: Vec::new(),
            values,
            attributes: self.questions.attributes(t),
        }
    }

    /// Whether a count of different values over tiles has come to be sampled: it holds more than 512,
    /// those out of 30 days dropped.
    fn note_values(&mut self, kind: EntityKind, place: usize, record: &Record) {
        for (index, distinct) in self.questions.tiled_distincts.iter().enumerate() {
            let takes_part = distinct.kind == kind
                && record.values[distinct.category].is_some()
                && distinct.filter.is_none_or(|filter| record.passes[filter]);
            let entity = &self.entities[place];
            let sampled = entity.sampled[index];
            // Once sampled, the number of values is only needed to know how good the sample is.
            let due = sampled.is_none() || record.position.is_multiple_of(64);
            if !takes_part || !due || entity.list.len() <= VALUES_MAX {
                continue;
            }
            let today = entity.newest_ms.unwrap_or(0).div_euclid(DAY_MS);
            let inside = entity.list.iter().filter(|stored| {
                stored.record.time_ms.div_euclid(DAY_MS) > today - 30
                    && distinct.filter.is_none_or(|at| stored.record.passes[at])
            });
            let mut values: Vec<u32> = inside
                .filter_map(|stored| stored.record.values[distinct.category])
                .collect();
            values.sort_unstable();
            values.dedup();
            if values.len() > VALUES_MAX {
                let most = sampled.unwrap_or(0).max(values.len());
                self.entities[place].sampled[index] = Some(most);
            }
        }
    }

    /// The value of a slot for the event that was applied last.
    pub fn answer(&self, told: &Told, slot: usize) -> Answer {
        let value = match &self.questions.slots[slot] {
            Question::Unread => return Answer::Unread,
            Question::Windowed(question) => {
                let Some(presence) = told.entities.get(&question.definition.entity) else {
                    return Answer::Exactly(f64::NAN);
                };
                return self.windowed(told, question, presence);
            }
            Question::Fact(kind, fact) => told.entities.get(kind).and_then(|presence| {
                let entity = &self.entities[presence.entity];
                fact::answer(*fact, entity, &told.record, &presence.earlier)
            }),
        };
        Answer::Exactly(value.unwrap_or(f64::NAN))
    }

    fn windowed(&self, told: &Told, question: &Windowed, presence: &Presence) -> Answer {
        let entity = &self.entities[presence.entity];
        let metres = presence.earlier.journey.metres;
        let asked = Asked {
            entity,
            question,
            own: Own {
                record: &told.record,
                distance: metres.map(|metres| metres.round() as i64),
                taken_in: !told.flags.too_late,
            },
        };
        let definition = &question.definition;
        let sampled = question.tiled_distinct.and_then(|at| entity.sampled[at]);
        if let (Some(most), Aggregate::Distinct(_)) = (sampled, &definition.aggregate) {
            if definition.ratio_to.is_some() {
                return Answer::Sampled;
            }
            if !definition.window.is_exact() {
                let count = asked.distinct(definition.window) as f64;
                // At least 256 of the most were held: five standard deviations of what they tell.
                let deviation: f64 = (count * most as f64 / 256.0).sqrt();
                return Answer::Roughly(count, f64::max(5.0 * deviation, 0.25 * count));
            }
        }
        Answer::Exactly(asked.answer().unwrap_or(f64::NAN))
    }
}
