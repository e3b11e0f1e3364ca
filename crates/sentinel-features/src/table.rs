//! The entities of one kind: their numbers and what is known of each.
//!
//! State lies in columns by number: a column exists only where the plan asks for what it keeps. Blocks of
//! events, tiles and values come from arenas of the table. Must never let the sweep change an answer: it
//! frees what has left every window, and forgetting is decided when an entity is named, not when it is
//! swept.

mod apply;
mod answer;
mod census;
mod codec;

use sentinel_domain::{Instant, Text};

use crate::arena::{prefetch, prefetch_all};
use crate::calendar::Calendar;
use crate::entity::{EntityKind, Key};
use crate::filter::EarlierAmounts;
use crate::fraud::{Fraud, Frauds};
use crate::habit::Habit;
use crate::index::Index;
use crate::place::Place;
use crate::plan::KindPlan;
use crate::ring::{RingHeader, RingStore};
use crate::seen::{SeenHeader, SeenStore};
use crate::slab::{NONE, Slab};
use crate::tiles::{TileHeader, TileStore};
use crate::window::{DAY_MS, FORGOTTEN_AFTER_MS, HOUR_MS, LATENESS_ALLOWED_MS, LONGEST_EXACT_MS};

pub(crate) use apply::{EventView, Scratch};

/// An entity that has been still for so long has nothing left in an exact window.
const EXACT_EMPTY_MS: i64 = LONGEST_EXACT_MS + LATENESS_ALLOWED_MS;
/// Nor in a tiled one, delayed rates aside.
const TILED_EMPTY_MS: i64 = 32 * DAY_MS;
/// Nor in those.
const RATES_EMPTY_MS: i64 = 40 * DAY_MS;

/// What every entity has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(32))]
pub(crate) struct Lifetime {
    pub first: Instant,
    pub newest: Instant,
    pub count: u64,
    /// Time of the newest event or label that named it, as the partition's greatest then, milliseconds.
    pub named_ms: i64,
}

impl Lifetime {
    const EMPTY: Self = Self {
        first: Instant::from_micros(0),
        newest: Instant::from_micros(0),
        count: 0,
        named_ms: i64::MIN,
    };
}

/// What an entity with windows has besides.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Windows {
    /// `T`: the greatest event time, whole milliseconds; the least number before the first event.
    pub newest_ms: i64,
    /// Amounts ever, and their sum.
    pub amounts: u64,
    pub amount_sum: i64,
    /// The last silence of a day or more, and when it ended; the least number where there was none.
    pub silence_ms: i64,
    pub silence_ended_ms: i64,
    pub ring: RingHeader,
    pub hours: TileHeader,
    pub days: TileHeader,
}

impl Windows {
    pub const EMPTY: Self = Self {
        newest_ms: i64::MIN,
        amounts: 0,
        amount_sum: 0,
        silence_ms: 0,
        silence_ended_ms: i64::MIN,
        ring: RingHeader::EMPTY,
        hours: TileHeader::EMPTY,
        days: TileHeader::EMPTY,
    };
}

/// The entities of one kind.
#[derive(Debug)]
pub(crate) struct EntityTable {
    plan: KindPlan,
    index: Index,
    lifetimes: Vec<Lifetime>,
    windows: Vec<Windows>,
    places: Vec<Option<Place>>,
    habits: Vec<Habit>,
    calendars: Vec<Calendar>,
    /// As many a number as the plan has categories over tiled windows.
    seen: Vec<SeenHeader>,
    /// A place in the slab, or none.
    frauds: Vec<u32>,
    /// The category each merchant was last seen with, plus one; 0 for none.
    categories: Vec<u32>,
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
            lifetimes: Vec::new(),
            windows: Vec::new(),
            places: Vec::new(),
            habits: Vec::new(),
            calendars: Vec::new(),
            seen: Vec::new(),
            frauds: Vec::new(),
            categories: Vec::new(),
            keeps_categories,
            ring: plan.ring.clone().map(RingStore::new),
            hours: plan.hours.clone().map(TileStore::new),
            days: plan.days.clone().map(TileStore::new),
            seen_store: SeenStore::default(),
            fraud_slab: Slab::default(),
            plan,
        }
    }

    /// What it keeps.
    pub fn plan(&self) -> &KindPlan {
        &self.plan
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
        let lifetime = &mut self.lifetimes[number as usize - 1];
        lifetime.named_ms = lifetime.named_ms.max(now_ms);
        (number, was_forgotten)
    }

    /// Makes an entity as new that was forgotten before it was named again.
    pub fn begin_anew(&mut self, number: u32) {
        let named_ms = self.lifetimes[number as usize - 1].named_ms;
        self.reset(number);
        self.lifetimes[number as usize - 1].named_ms = named_ms;
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
            let lifetime = &mut self.lifetimes[number as usize - 1];
            lifetime.named_ms = lifetime.named_ms.max(now_ms);
        }
    }

    /// What an entity (number 0: one that is not known) paid so far.
    pub fn earlier_amounts(&self, number: u32) -> EarlierAmounts {
        let at = (number as usize).checked_sub(1);
        at.map_or(EarlierAmounts::default(), |at| EarlierAmounts {
            count: self.windows[at].amounts,
            sum: self.windows[at].amount_sum,
        })
    }

    /// Counts a fraud of an entity.
    pub fn add_fraud(&mut self, number: u32, fraud: &Fraud, known_at: Instant) {
        let place = &mut self.frauds[number as usize - 1];
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
        let place = self.frauds.get(number as usize - 1).copied();
        let frauds = place.and_then(|place| self.fraud_slab.get_mut(place));
        if let Some(frauds) = frauds.filter(|frauds| frauds.since <= fraud.number) {
            frauds.change(fraud.hour, false);
        }
    }

    /// Asks for the line where a hash points.
    #[inline]
    pub fn prefetch_hash(&self, hash: u32) {
        self.index.prefetch_hash(hash);
    }

    /// Asks for the lines that an entity's name, headers and further columns lie in.
    #[inline]
    pub fn prefetch_headers(&self, number: u32) {
        if number == 0 {
            return;
        }
        let at = number as usize - 1;
        self.index.prefetch_name(number);
        prefetch(&self.lifetimes[at]);
        let sets = self.plan.seen.len();
        if sets > 0 {
            prefetch(&self.seen[at * sets]);
        }
        prefetch_entry(&self.windows, at);
        prefetch_entry(&self.places, at);
        prefetch_entry(&self.habits, at);
        prefetch_entry(&self.calendars, at);
        prefetch_entry(&self.frauds, at);
    }

    /// Asks for the lines of the blocks that an entity's headers point at.
    #[inline]
    pub fn prefetch_blocks(&self, number: u32, categories: &[u32]) {
        let at = number as usize - 1;
        if let Some(windows) = self.windows.get(at) {
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
        let sets = self.plan.seen.len();
        for header in &self.seen[at * sets..(at + 1) * sets] {
            self.seen_store.prefetch(header);
        }
    }

    /// Asks for the lines where windows begin.
    #[inline]
    pub fn prefetch_cursors(&self, number: u32) {
        if let (Some(ring), Some(windows)) = (&self.ring, self.windows.get(number as usize - 1)) {
            ring.prefetch_cursors(&windows.ring);
        }
    }

    /// How many places a sweep has to look at.
    pub fn places(&self) -> usize {
        self.lifetimes.len()
    }

    /// Entities with a number.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Frees what an entity holds no longer at `now_ms`.
    pub fn sweep(&mut self, at: usize, now_ms: i64) {
        let named_ms = self.lifetimes[at].named_ms;
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
            self.lifetimes[at].named_ms = i64::MIN;
            self.index.remove(number);
            return;
        }
        if let Some(windows) = self.windows.get_mut(at) {
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
            let sets = self.plan.seen.len();
            for header in &mut self.seen[at * sets..(at + 1) * sets] {
                self.seen_store.free(header);
            }
        }
    }

    fn is_forgotten(&self, number: u32, now_ms: i64) -> bool {
        let named_ms = self.lifetimes[number as usize - 1].named_ms;
        named_ms != i64::MIN && now_ms - named_ms > FORGOTTEN_AFTER_MS
    }

    /// Makes an entity as new.
    fn reset(&mut self, number: u32) {
        let at = number as usize - 1;
        self.lifetimes[at] = Lifetime::EMPTY;
        if let Some(windows) = self.windows.get_mut(at) {
            if let Some(ring) = &mut self.ring {
                ring.free(&mut windows.ring);
            }
            if let Some(hours) = &mut self.hours {
                hours.free(&mut windows.hours);
            }
            if let Some(days) = &mut self.days {
                days.free(&mut windows.days);
            }
            *windows = Windows::EMPTY;
        }
        let sets = self.plan.seen.len();
        for header in &mut self.seen[at * sets..(at + 1) * sets] {
            self.seen_store.free(header);
        }
        if let Some(place) = self.places.get_mut(at) {
            *place = None;
        }
        if let Some(habit) = self.habits.get_mut(at) {
            *habit = Habit::EMPTY;
        }
        if let Some(calendar) = self.calendars.get_mut(at) {
            *calendar = Calendar::EMPTY;
        }
        if let Some(frauds) = self.frauds.get_mut(at) {
            self.fraud_slab.remove(*frauds);
            *frauds = NONE;
        }
        if let Some(category) = self.categories.get_mut(at) {
            *category = 0;
        }
    }

    /// Makes room in every column for the places that the index has.
    fn add_place(&mut self) {
        if self.lifetimes.len() < self.index.places() {
            self.add_columns();
        }
    }

    /// Adds one place to every column.
    fn add_columns(&mut self) {
        self.lifetimes.push(Lifetime::EMPTY);
        if self.plan.has_windows() {
            self.windows.push(Windows::EMPTY);
        }
        if self.plan.has_place() {
            self.places.push(None);
        }
        if self.plan.has_habit() {
            self.habits.push(Habit::EMPTY);
        }
        if self.plan.has_calendar() {
            self.calendars.push(Calendar::EMPTY);
        }
        for _ in &self.plan.seen {
            self.seen.push(SeenHeader::EMPTY);
        }
        if self.plan.has_fraud() {
            self.frauds.push(NONE);
        }
        if self.keeps_categories {
            self.categories.push(0);
        }
    }
}

/// Asks for the lines of an entry, where the column exists.
#[inline]
fn prefetch_entry<T>(column: &[T], at: usize) {
    if let Some(entry) = column.get(at) {
        prefetch_all(entry);
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
