//! The entities of one kind: their numbers and what is known of each.
//!
//! State lies by number: what every event of a kind touches side by side in one record, what only some
//! kinds keep in columns that exist where the plan asks for them (ADR 0018). Blocks of events, tiles and
//! values come from arenas of the table. Must never let the sweep change an answer: it
//! frees what has left every window, and forgetting is decided when an entity is named, not when it is
//! swept.

mod apply;
mod answer;
mod census;
mod codec;
mod record;

use sentinel_domain::{Instant, Text};

use crate::arena::{prefetch, prefetch_all};
use crate::column::Column;
use crate::entity::{EntityKind, Key};
use crate::filter::EarlierAmounts;
use crate::fraud::{Fraud, Frauds};
use crate::index::Index;
use crate::plan::KindPlan;
use crate::ring::RingStore;
use crate::seen::{SeenHeader, SeenStore};
use crate::slab::{NONE, Slab};
use crate::tiles::TileStore;
use crate::window::{DAY_MS, FORGOTTEN_AFTER_MS, HOUR_MS, LATENESS_ALLOWED_MS, LONGEST_EXACT_MS};

pub(crate) use apply::{EVENTS_MAX, EntityFlags, EventView, Scratch};
use record::{Lifetime, Person, Record, Windows};

/// An entity that has been still for so long has nothing left in an exact window.
const EXACT_EMPTY_MS: i64 = LONGEST_EXACT_MS + LATENESS_ALLOWED_MS;
/// Nor in a tiled one, delayed rates aside.
const TILED_EMPTY_MS: i64 = 32 * DAY_MS;
/// Nor in those.
const RATES_EMPTY_MS: i64 = 40 * DAY_MS;

/// What a kind keeps, asked for at every event: worked out once.
#[derive(Debug, Clone, Copy)]
struct Keeps {
    windows: bool,
    place: bool,
    habit: bool,
    calendar: bool,
    fraud: bool,
    /// There is a number that each entity measures for itself.
    distance: bool,
    /// There is anything to say of what was known before an event.
    past: bool,
    /// Events touch no more of a record than its front.
    front_only: bool,
}

impl Keeps {
    fn of(plan: &KindPlan) -> Self {
        Self {
            windows: plan.has_windows(),
            place: plan.has_place(),
            habit: plan.has_habit(),
            calendar: plan.has_calendar(),
            fraud: plan.has_fraud(),
            distance: plan.numbers.iter().any(|column| column.is_distance),
            past: plan.facts != 0 || plan.has_place(),
            front_only: plan.hours.is_none()
                && plan.days.is_none()
                && plan.seen.is_empty()
                && !plan.has_place(),
        }
    }
}

/// The entities of one kind.
#[derive(Debug)]
pub(crate) struct EntityTable {
    plan: KindPlan,
    keeps: Keeps,
    index: Index,
    /// Of a kind with windows or places; empty for others.
    records: Column<Record>,
    /// Of any other kind.
    lifetimes: Column<Lifetime>,
    persons: Column<Person>,
    /// As many a number as the plan has categories over tiled windows, but for the first.
    seen: Column<SeenHeader>,
    /// The category each merchant was last seen with, plus one; 0 for none.
    categories: Column<u32>,
    keeps_categories: bool,
    ring: Option<RingStore>,
    hours: Option<TileStore>,
    days: Option<TileStore>,
    seen_store: SeenStore,
    fraud_slab: Slab<Frauds>,
}

impl EntityTable {
    /// No entities yet.
    pub fn new(kind: EntityKind, plan: KindPlan, keeps_categories: bool) -> Self {
        Self {
            index: if kind.is_called_by_number() {
                Index::of_numbers()
            } else {
                Index::of_words()
            },
            records: Column::default(),
            lifetimes: Column::default(),
            persons: Column::default(),
            seen: Column::default(),
            categories: Column::default(),
            keeps_categories,
            ring: plan.ring.clone().map(RingStore::new),
            hours: plan.hours.clone().map(TileStore::new),
            days: plan.days.clone().map(TileStore::new),
            seen_store: SeenStore::default(),
            fraud_slab: Slab::default(),
            keeps: Keeps::of(&plan),
            plan,
        }
    }

    /// What it keeps.
    pub fn plan(&self) -> &KindPlan {
        &self.plan
    }

    /// What every entity has.
    #[inline]
    fn lifetime(&self, at: usize) -> &Lifetime {
        match self.records.get(at) {
            Some(record) => &record.lifetime,
            None => &self.lifetimes[at],
        }
    }

    #[inline]
    fn lifetime_mut(&mut self, at: usize) -> &mut Lifetime {
        match self.records.get_mut(at) {
            Some(record) => &mut record.lifetime,
            None => &mut self.lifetimes[at],
        }
    }

    /// An entity's header of a category over tiled windows.
    #[inline]
    fn seen(&self, at: usize, set: usize) -> &SeenHeader {
        match set.checked_sub(1) {
            None => &self.records[at].seen,
            Some(further) => &self.seen[at * (self.plan.seen.len() - 1) + further],
        }
    }

    #[inline]
    fn seen_mut(&mut self, at: usize, set: usize) -> &mut SeenHeader {
        match set.checked_sub(1) {
            None => &mut self.records[at].seen,
            Some(further) => &mut self.seen[at * (self.plan.seen.len() - 1) + further],
        }
    }

    /// The hash of a name.
    pub fn hash(&self, key: Key<'_>) -> u32 {
        self.index.hash(key)
    }

    /// The number of some name with this hash; 0 where there is none.
    pub fn candidate(&self, hash: u32) -> u32 {
        self.index.candidate(hash)
    }

    /// The number under which an event that came too late is answered: 0 for a name that is not known,
    /// or forgotten at `now_ms`, the partition's greatest event time.
    pub fn find(&self, key: Key<'_>, hash: u32, candidate: u32, now_ms: i64) -> u32 {
        let number = self.index.find(key, hash, candidate);
        if number == 0 || self.is_forgotten(number, now_ms) {
            0
        } else {
            number
        }
    }

    /// The number of a name, given at first sight; it is named at `now_ms`. Whether it was forgotten
    /// before: then it is to be [`EntityTable::begin_anew`] when its turn comes.
    pub fn name(&mut self, key: Key<'_>, hash: u32, candidate: u32, now_ms: i64) -> (u32, bool) {
        let mut number = self.index.find(key, hash, candidate);
        let mut was_forgotten = false;
        if number == 0 {
            number = self.index.insert(key, hash);
            self.add_place();
        } else {
            was_forgotten = self.is_forgotten(number, now_ms);
        }
        let lifetime = self.lifetime_mut(number as usize - 1);
        lifetime.named_ms = lifetime.named_ms.max(now_ms);
        (number, was_forgotten)
    }

    /// Makes an entity as new that was forgotten before it was named again.
    pub fn begin_anew(&mut self, number: u32) {
        let at = number as usize - 1;
        let named_ms = self.lifetime(at).named_ms;
        self.reset(number);
        self.lifetime_mut(at).named_ms = named_ms;
    }

    /// Empties an entity and takes its name away, as if it had never been seen: whoever is called so next is new. Its number
    /// is given to nobody else before every window of others that may hold it is over, so others keep what they
    /// have of it, a number without a name.
    pub fn erase(&mut self, key: Key<'_>) {
        let hash = self.hash(key);
        let number = self.index.find(key, hash, self.candidate(hash));
        if number == 0 {
            return;
        }
        self.begin_anew(number);
        // Longer than any name that a caller may send.
        let nobody = Text::from(format!("{number:0>257}"));
        self.index.rename(number, Key::Word(&nobody));
    }

    /// Keeps the category that a merchant was seen with.
    pub fn keep_category(&mut self, number: u32, mcc: Option<u16>) {
        if self.keeps_categories
            && let Some(mcc) = mcc
        {
            self.categories[number as usize - 1] = u32::from(mcc) + 1;
        }
    }

    /// The category that a merchant was last seen with.
    pub fn category(&self, number: u32) -> Option<u16> {
        let kept = self.categories.get(number as usize - 1)?;
        kept.checked_sub(1).and_then(|mcc| u16::try_from(mcc).ok())
    }

    /// Names an entity at `now_ms` without making one.
    pub fn name_known(&mut self, key: Key<'_>, now_ms: i64) {
        let hash = self.hash(key);
        let number = self.find(key, hash, self.candidate(hash), now_ms);
        if number != 0 {
            let lifetime = self.lifetime_mut(number as usize - 1);
            lifetime.named_ms = lifetime.named_ms.max(now_ms);
        }
    }

    /// What an entity (number 0: one that is not known) paid so far.
    pub fn earlier_amounts(&self, number: u32) -> EarlierAmounts {
        let at = (number as usize).checked_sub(1);
        at.map_or(EarlierAmounts::default(), |at| EarlierAmounts {
            count: self.records[at].windows.amounts,
            sum: self.records[at].windows.amount_sum,
        })
    }

    /// Counts a fraud of an entity.
    pub fn add_fraud(&mut self, number: u32, fraud: &Fraud, known_at: Instant) {
        let place = &mut self.records[number as usize - 1].windows.frauds;
        if *place == NONE {
            *place = self.fraud_slab.insert(Frauds::new(fraud.number));
        }
        if let Some(frauds) = self.fraud_slab.get_mut(*place) {
            frauds.change(fraud.hour, true);
            frauds.known_at_micros = frauds.known_at_micros.max(known_at.micros());
        }
    }

    /// Takes a fraud back, if the entity has not been forgotten since.
    pub fn take_fraud_back(&mut self, number: u32, fraud: &Fraud) {
        let record = self.records.get(number as usize - 1);
        let frauds = record.and_then(|record| self.fraud_slab.get_mut(record.windows.frauds));
        if let Some(frauds) = frauds.filter(|frauds| frauds.since <= fraud.number) {
            frauds.change(fraud.hour, false);
        }
    }

    /// Asks for the line where a hash points.
    #[inline]
    pub fn prefetch_hash(&self, hash: u32) {
        self.index.prefetch_hash(hash);
    }

    /// Asks for the lines that an entity's name and headers lie in.
    #[inline]
    pub fn prefetch_headers(&self, number: u32) {
        if number == 0 {
            return;
        }
        let at = number as usize - 1;
        self.index.prefetch_name(number);
        match self.records.get(at) {
            Some(record) if self.keeps.front_only => {
                prefetch(record);
                prefetch(&record.windows.frauds);
            }
            Some(record) => prefetch_all(record),
            None => prefetch(&self.lifetimes[at]),
        }
    }

    /// Asks for the lines of an entity's record.
    #[inline]
    pub fn prefetch_record(&self, number: u32) {
        if let Some(record) = self.records.get(number as usize - 1) {
            prefetch_all(record);
        }
    }

    /// Asks for the lines of an entity's further columns.
    #[inline]
    pub fn prefetch_columns(&self, number: u32) {
        let at = number as usize - 1;
        if let Some(person) = self.persons.get(at) {
            prefetch_all(person);
        }
        for set in 1..self.plan.seen.len() {
            prefetch(self.seen(at, set));
        }
    }

    /// Whether there is anything for [`EntityTable::prefetch_columns`] to do.
    pub fn has_columns(&self) -> bool {
        !self.persons.is_empty() || !self.seen.is_empty()
    }

    /// Whether entities have blocks that events touch.
    pub fn has_blocks(&self) -> bool {
        !self.plan.slots.is_empty() && !self.records.is_empty()
    }

    /// Asks for the lines of the blocks that an entity's headers point at.
    #[inline]
    pub fn prefetch_blocks(&self, number: u32, categories: &[u32]) {
        let at = number as usize - 1;
        if let Some(Record { windows, .. }) = self.records.get(at) {
            if let Some(ring) = &self.ring {
                let value = |column: &u8| {
                    let source = self.plan.categories[usize::from(*column)].source;
                    categories[usize::from(source)]
                };
                ring.prefetch(&windows.ring, value);
            }
            if let Some(hours) = &self.hours {
                hours.prefetch(&windows.hours);
            }
            if let Some(days) = &self.days {
                days.prefetch(&windows.days);
            }
        }
        for set in 0..self.plan.seen.len() {
            self.seen_store.prefetch(self.seen(at, set));
        }
    }

    /// Asks for the lines where windows begin.
    #[inline]
    pub fn prefetch_cursors(&self, number: u32) {
        let at = (number as usize).wrapping_sub(1);
        if let (Some(ring), Some(record)) = (&self.ring, self.records.get(at)) {
            ring.prefetch_cursors(&record.windows.ring);
        }
    }

    /// How many places a sweep has to look at.
    pub fn places(&self) -> usize {
        self.records.len().max(self.lifetimes.len())
    }

    /// Entities with a number.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Frees what an entity holds no longer at `now_ms`.
    pub fn sweep(&mut self, at: usize, now_ms: i64) {
        let named_ms = self.lifetime(at).named_ms;
        if named_ms == i64::MIN {
            return;
        }
        let idle_ms = now_ms - named_ms;
        if idle_ms <= EXACT_EMPTY_MS + HOUR_MS {
            return;
        }
        if idle_ms > FORGOTTEN_AFTER_MS {
            let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
            self.reset(number);
            self.lifetime_mut(at).named_ms = i64::MIN;
            self.index.remove(number);
            return;
        }
        if let Some(Record { windows, .. }) = self.records.get_mut(at) {
            if let Some(ring) = &mut self.ring {
                ring.free(&mut windows.ring);
            }
            if idle_ms > TILED_EMPTY_MS + HOUR_MS
                && let Some(hours) = &mut self.hours
            {
                hours.free(&mut windows.hours);
            }
            if idle_ms > RATES_EMPTY_MS + HOUR_MS
                && let Some(days) = &mut self.days
            {
                days.free(&mut windows.days);
            }
        }
        if idle_ms > TILED_EMPTY_MS + HOUR_MS {
            self.free_seen(at);
        }
    }

    fn is_forgotten(&self, number: u32, now_ms: i64) -> bool {
        let named_ms = self.lifetime(number as usize - 1).named_ms;
        named_ms != i64::MIN && now_ms - named_ms > FORGOTTEN_AFTER_MS
    }

    /// Makes an entity as new.
    fn reset(&mut self, number: u32) {
        let at = number as usize - 1;
        if let Some(Record { windows, .. }) = self.records.get_mut(at) {
            if let Some(ring) = &mut self.ring {
                ring.free(&mut windows.ring);
            }
            if let Some(hours) = &mut self.hours {
                hours.free(&mut windows.hours);
            }
            if let Some(days) = &mut self.days {
                days.free(&mut windows.days);
            }
            self.fraud_slab.remove(windows.frauds);
            self.free_seen(at);
            self.records[at] = Record::EMPTY;
        } else {
            self.lifetimes[at] = Lifetime::EMPTY;
        }
        if let Some(person) = self.persons.get_mut(at) {
            *person = Person::EMPTY;
        }
        if let Some(category) = self.categories.get_mut(at) {
            *category = 0;
        }
    }

    /// Lets the values go that an entity was seen with.
    fn free_seen(&mut self, at: usize) {
        for set in 0..self.plan.seen.len() {
            let mut header = *self.seen(at, set);
            self.seen_store.free(&mut header);
            *self.seen_mut(at, set) = header;
        }
    }

    /// Makes room in every column for the places that the index has.
    fn add_place(&mut self) {
        if self.places() < self.index.places() {
            self.add_columns();
        }
    }

    /// Adds one place to every column.
    fn add_columns(&mut self) {
        if self.keeps.windows || self.keeps.place {
            self.records.push(Record::EMPTY);
        } else {
            self.lifetimes.push(Lifetime::EMPTY);
        }
        if self.keeps.habit || self.keeps.calendar {
            self.persons.push(Person::EMPTY);
        }
        for _ in self.plan.seen.iter().skip(1) {
            self.seen.push(SeenHeader::EMPTY);
        }
        if self.keeps_categories {
            self.categories.push(0);
        }
    }
}

/// Words of one field of transactions, numbered so that windows can tell them apart.
#[derive(Debug)]
pub(crate) struct Dictionary {
    index: Index,
    named_ms: Vec<i64>,
}

impl Dictionary {
    /// No words yet.
    pub fn new() -> Self {
        Self {
            index: Index::of_words(),
            named_ms: Vec::new(),
        }
    }

    /// The number of a word at `now_ms`.
    pub fn number(&mut self, word: &str, now_ms: i64) -> u32 {
        let text = Text::from(word);
        let key = Key::Word(&text);
        let hash = self.index.hash(key);
        let mut number = self.index.find(key, hash, self.index.candidate(hash));
        if number == 0 {
            number = self.index.insert(key, hash);
            if self.named_ms.len() < self.index.places() {
                self.named_ms.push(i64::MIN);
            }
        }
        let named_ms = &mut self.named_ms[number as usize - 1];
        *named_ms = (*named_ms).max(now_ms);
        number
    }

    /// How many places a sweep has to look at.
    pub fn places(&self) -> usize {
        self.named_ms.len()
    }

    /// Frees a word that no window can hold any more.
    pub fn sweep(&mut self, at: usize, now_ms: i64) {
        let named_ms = self.named_ms[at];
        if named_ms != i64::MIN && now_ms - named_ms > RATES_EMPTY_MS {
            self.named_ms[at] = i64::MIN;
            let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
            self.index.remove(number);
        }
    }

    /// Bytes held, for capacity planning.
    pub fn bytes(&self) -> usize {
        (1..=self.places())
            .filter(|at| self.named_ms[at - 1] != i64::MIN)
            .map(|at| self.index.bytes_of(u32::try_from(at).unwrap_or(u32::MAX)) + 8)
            .sum()
    }
}
