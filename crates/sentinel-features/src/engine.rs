//! The engine: every entity of one partition, and the rows of a micro-batch.
//!
//! **Enters:** transactions and labels in log order. **Leaves:** one row a transaction, and how the event
//! stood in time.
//!
//! A batch goes through in stages, so that the waiting for memory overlaps: hashes and candidates, names
//! and records, numbers in log order, and at last the events, kind of entity by kind, each kind in log
//! order. The kinds depend on nothing of each other but what an account paid before, and accounts come
//! first: the size of a batch changes speed, never a value.

mod batch;
mod census;
mod lookup;
mod codec;
mod tasks;

use sentinel_domain::{Label, LabelKind, Text, Transaction};

use crate::entity::{EntityKind, Key};
use crate::field::Category;
use crate::fraud::{Fraud, LABELLED_KINDS, Labelled};
use crate::set::FeatureSet;
use crate::table::{Dictionary, EntityTable, Scratch};
use crate::window::HOUR_MS;

pub use crate::codec::CodecError;
use batch::{Batch, Lanes};
pub use census::{Census, KindCensus, Weight};
pub use codec::Part;
use tasks::Kept;
pub use tasks::{Event, Executor, Task};

/// How an event stood in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Applied {
    /// Older than the newest event of at least one of its entities: put in its place there.
    pub late: bool,
    /// More than the allowed lateness behind the partition: windows left as they were.
    pub too_late: bool,
    /// At least one window answers with an estimate.
    pub estimated: bool,
}

/// Entries between two sweeps, and the least number of places that a sweep looks at. It looks at more
/// the more there are, so that it comes round in about a million entries however many names arrive: all
/// of it a function of the log alone.
const SWEEP_ENTRIES: u64 = 256;
const SWEEP_PLACES_MIN: usize = 64;
const SWEEPS_A_ROUND: usize = 4_096;

/// Window state of one partition.
#[derive(Debug)]
pub struct FeatureEngine {
    set: FeatureSet,
    lanes: Lanes,
    tables: Vec<EntityTable>,
    /// Words of fields that are no entities, by place in the set's categories.
    dictionaries: Vec<Option<Dictionary>>,
    labelled: Labelled,
    /// The partition's greatest event time, whole milliseconds.
    greatest_ms: Option<i64>,
    /// Transactions applied.
    entries: u64,
    /// Where the next sweep begins: a table and a place in it.
    sweep: (usize, usize),
    batch: Batch,
    scratch: Scratch,
    kept: Kept,
}

impl FeatureEngine {
    /// An engine that has seen nothing.
    pub fn new(set: FeatureSet) -> Self {
        let plan = set.plan();
        let has_categories = !plan.kinds[EntityKind::Mcc.index()].slots.is_empty();
        let tables = EntityKind::ALL
            .iter()
            .map(|kind| {
                let keeps_categories = *kind == EntityKind::Merchant && has_categories;
                EntityTable::new(*kind, plan.kinds[kind.index()].clone(), keeps_categories)
            })
            .collect();
        let is_word = |category: &Category| {
            matches!(
                category,
                Category::EmailDomain | Category::Session | Category::Attribute(_)
            )
        };
        let dictionary = |category| is_word(category).then(Dictionary::new);
        Self {
            lanes: Lanes::of_plan(plan),
            dictionaries: plan.categories.iter().map(dictionary).collect(),
            tables,
            labelled: Labelled::default(),
            greatest_ms: None,
            entries: 0,
            sweep: (0, 0),
            batch: Batch::default(),
            scratch: Scratch::default(),
            kept: Kept::default(),
            set,
        }
    }

    /// The set whose rows it fills.
    pub fn set(&self) -> &FeatureSet {
        &self.set
    }

    /// Fills rows of another set from here on; windows stay, so both sets must have one
    /// [`FeatureSet::state_hash`].
    pub fn replace_set(&mut self, set: FeatureSet) {
        assert_eq!(
            set.state_hash(),
            self.set.state_hash(),
            "windows serve a set that asks for the same state"
        );
        self.set = set;
        self.kept = Kept::default();
    }

    /// Takes a transaction in and fills its row: a batch of one. `amount` is in minor units of the
    /// reference currency. The row must have the width of the set.
    pub fn apply(
        &mut self,
        transaction: &Transaction,
        amount: Option<i64>,
        row: &mut [f64],
    ) -> Applied {
        let mut applied = Applied::default();
        self.run(&[(transaction, amount)], Some(row), |one| applied = one);
        applied
    }

    /// Takes transactions in, in log order, and says nothing of them: the state is as if their rows had been filled.
    pub fn absorb(&mut self, events: &[(&Transaction, Option<i64>)]) {
        self.run(events, None, |_| {});
    }

    /// Takes transactions in, in log order, and fills their rows, one after the other in `rows`; how each
    /// stood in time is appended to `applied`.
    pub fn apply_batch(
        &mut self,
        events: &[(&Transaction, Option<i64>)],
        rows: &mut [f64],
        applied: &mut Vec<Applied>,
    ) {
        self.run(events, Some(rows), |one| applied.push(one));
    }

    /// Takes a label in: it is known from here on. True if it changed what is known.
    pub fn apply_label(&mut self, label: &Label) -> bool {
        let is_noted = self.labelled.contains(&label.event_id);
        match label.kind {
            LabelKind::Fraud if !is_noted => self.add_fraud(label),
            LabelKind::Legitimate if is_noted => self.take_fraud_back(label),
            LabelKind::Fraud | LabelKind::Legitimate | LabelKind::Suspect => return false,
        }
        true
    }

    /// Forgets what is known of an entity, from here on as if it had never been seen. False for kinds that are no names:
    /// networks, categories and pairs. What pairs hold of it cannot be reached any more, since they are made of its number.
    pub fn forget(&mut self, kind: EntityKind, name: &Text) -> bool {
        if kind.is_called_by_number() {
            return false;
        }
        self.tables[kind.index()].erase(Key::Word(name));
        true
    }

    fn add_fraud(&mut self, label: &Label) {
        let now_ms = self.time_of(label);
        let mut fraud = Fraud {
            number: self.labelled.next(),
            hour: label.event_time.millis_floor().div_euclid(HOUR_MS),
            entities: [0; LABELLED_KINDS.len()],
        };
        let keys = self.keys_of(label, now_ms);
        for ((kind, key), entity) in LABELLED_KINDS.iter().zip(keys).zip(&mut fraud.entities) {
            let table = &mut self.tables[kind.index()];
            if key == Key::Absent {
                continue;
            }
            if table.plan().has_fraud() {
                let hash = table.hash(key);
                let (number, was_forgotten) = table.name(key, hash, table.candidate(hash), now_ms);
                if was_forgotten {
                    table.begin_anew(number);
                }
                *entity = number;
            } else {
                table.name_known(key, now_ms);
            }
        }
        for (kind, entity) in LABELLED_KINDS.iter().zip(fraud.entities) {
            if entity != 0 {
                self.tables[kind.index()].add_fraud(entity, &fraud, label.known_at);
            }
        }
        self.labelled.insert(&label.event_id, fraud);
    }

    /// Takes a fraud back where it was counted, whatever the correction names.
    fn take_fraud_back(&mut self, label: &Label) {
        let now_ms = self.time_of(label);
        let keys = self.keys_of(label, now_ms);
        for (kind, key) in LABELLED_KINDS.iter().zip(keys) {
            if key != Key::Absent {
                self.tables[kind.index()].name_known(key, now_ms);
            }
        }
        let Some(fraud) = self.labelled.remove(&label.event_id) else {
            return;
        };
        for (kind, entity) in LABELLED_KINDS.iter().zip(fraud.entities) {
            if entity != 0 {
                self.tables[kind.index()].take_fraud_back(entity, &fraud);
            }
        }
    }

    /// The partition's time when a label comes.
    fn time_of(&self, label: &Label) -> i64 {
        self.greatest_ms
            .unwrap_or_else(|| label.known_at.millis_floor())
    }

    /// What a label calls the entities of [`LABELLED_KINDS`].
    fn keys_of<'l>(&self, label: &'l Label, now_ms: i64) -> [Key<'l>; LABELLED_KINDS.len()] {
        let word = |text: Option<&'l Text>| text.map_or(Key::Absent, Key::Word);
        let mcc = self.category_of(label, now_ms);
        [
            Key::Word(&label.account_id.0),
            word(label.card_token.as_ref().map(|id| &id.0)),
            word(label.merchant_id.as_ref().map(|id| &id.0)),
            word(label.terminal_id.as_ref().map(|id| &id.0)),
            mcc.map_or(Key::Absent, |mcc| Key::Number(u64::from(mcc))),
        ]
    }

    /// Entities of a kind that are known.
    pub fn entities(&self, kind: EntityKind) -> usize {
        self.tables[kind.index()].len()
    }

    /// Bytes held by entities.
    pub fn bytes(&self) -> usize {
        let tables: usize = self.tables.iter().map(EntityTable::bytes).sum();
        let words: usize = self
            .dictionaries
            .iter()
            .flatten()
            .map(Dictionary::bytes)
            .sum();
        tables + words
    }

    /// How many entities of which class there are, and what they weigh.
    pub fn census(&self) -> Census {
        let mut all = Vec::new();
        let kinds = EntityKind::ALL
            .iter()
            .map(|kind| self.tables[kind.index()].census(*kind, &mut all));
        Census {
            kinds: kinds.collect(),
            bytes: Weight::of(&mut all),
        }
    }

    /// The category that a label's merchant was last seen with.
    fn category_of(&self, label: &Label, now_ms: i64) -> Option<u16> {
        let key = Key::Word(&label.merchant_id.as_ref()?.0);
        let table = &self.tables[EntityKind::Merchant.index()];
        let hash = table.hash(key);
        match table.find(key, hash, table.candidate(hash), now_ms) {
            0 => None,
            number => table.category(number),
        }
    }

    /// Frees what is idle, a few places at a time.
    fn sweep(&mut self, now_ms: i64) {
        sweep(
            &mut self.sweep,
            &mut self.tables,
            &mut self.dictionaries,
            now_ms,
        );
    }
}

/// Where a table is at home.
trait Home {
    fn table(&self) -> &EntityTable;
    fn table_mut(&mut self) -> &mut EntityTable;
}

impl Home for EntityTable {
    fn table(&self) -> &EntityTable {
        self
    }

    fn table_mut(&mut self) -> &mut EntityTable {
        self
    }
}

/// Frees what is idle in tables and dictionaries, a few places from `sweep` on.
fn sweep(
    sweep: &mut (usize, usize),
    tables: &mut [impl Home],
    dictionaries: &mut [Option<Dictionary>],
    now_ms: i64,
) {
    let of_tables = tables.len();
    let count = of_tables + dictionaries.len();
    let (mut at, mut place) = *sweep;
    let mut turns = 0;
    let all: usize = tables.iter().map(|home| home.table().places()).sum();
    for _ in 0..SWEEP_PLACES_MIN.max(all / SWEEPS_A_ROUND) {
        let places = match tables.get(at) {
            Some(home) => home.table().places(),
            None => dictionaries[at - of_tables]
                .as_ref()
                .map_or(0, Dictionary::places),
        };
        if place >= places {
            at = (at + 1) % count;
            place = 0;
            turns += 1;
            if turns > count {
                break;
            }
            continue;
        }
        match tables.get_mut(at) {
            Some(home) => home.table_mut().sweep(place, now_ms),
            None => {
                if let Some(dictionary) = &mut dictionaries[at - of_tables] {
                    dictionary.sweep(place, now_ms);
                }
            }
        }
        place += 1;
    }
    *sweep = (at, place);
}
