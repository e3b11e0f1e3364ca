//! Idempotency of decisions: one event id, one decision.
//!
//! Holds the fingerprints of recent transactions as part of the partition's state: 72 hours of log time
//! or 8,388,608 ids, whichever is smaller. After that a repeat is a new transaction. The same log prefix
//! gives the same answers; the table is only looked up, never iterated: a snapshot holds ids in the order
//! in which they were seen.

use std::collections::VecDeque;
use std::hash::BuildHasher;

use hashbrown::HashTable;
use sentinel_domain::{ContentHash, Instant, Offset, Override};

/// How long an id is remembered, microseconds of log time.
const REMEMBERED_US: i64 = 72 * 3_600 * 1_000_000;

/// The most ids remembered.
const IDS_MAX: usize = 8_388_608;

/// Parts of the table: growth moves one of them at a time. Grown whole, it kept a million payments waiting for
/// a fifth of a second.
const PARTS: usize = 512;

/// Ids of one piece of the list; the same reason.
const CHUNK_IDS: usize = 4_096;

/// What is known of an event id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sighting {
    /// Not seen within the window.
    First,
    /// Seen at this offset with the same content.
    Repeat(Offset),
    /// Seen at this offset with other content.
    Conflict(Offset),
}

/// One id that is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub log_time: Instant,
    pub key: [u8; 16],
    pub fingerprint: [u8; 16],
    pub offset: Offset,
}

/// The memory of recent event ids.
#[derive(Debug)]
pub struct Idempotency {
    recent: Recent,
    index: Index,
    ids_max: usize,
}

impl Default for Idempotency {
    fn default() -> Self {
        Self {
            recent: Recent::default(),
            index: Index::default(),
            ids_max: IDS_MAX,
        }
    }
}

impl Idempotency {
    /// Looks an event up by the [`key_of`] its id and remembers it where it is new.
    pub fn observe(
        &mut self,
        key: [u8; 16],
        fingerprint: [u8; 16],
        offset: Offset,
        log_time: Instant,
    ) -> Sighting {
        self.forget_at(log_time);
        let hash = self.index.hash(&key);
        if let Some(seen) = self.index.find(hash, &key, &self.recent) {
            return if seen.fingerprint == fingerprint {
                Sighting::Repeat(seen.offset)
            } else {
                Sighting::Conflict(seen.offset)
            };
        }
        if self.recent.len() >= self.ids_max {
            self.forget_oldest();
        }
        let number = self.recent.push(Remembered {
            log_time,
            key,
            fingerprint,
            offset,
        });
        self.index.insert(hash, number);
        Sighting::First
    }

    /// Touches where keys will be looked up, all of them in one go, so that the waiting for memory overlaps: one by one,
    /// between other work, each look-up waits alone. Changes nothing.
    pub(crate) fn foresee<'k>(&self, keys: impl Iterator<Item = &'k [u8; 16]>) {
        for key in keys {
            let found = self.index.find(self.index.hash(key), key, &self.recent);
            std::hint::black_box(found.is_some());
        }
    }

    /// Where an event id was first seen, while it is remembered.
    pub fn offset_of(&self, event_id: &str) -> Option<Offset> {
        let key = key_of(event_id);
        let seen = self.index.find(self.index.hash(&key), &key, &self.recent);
        seen.map(|seen| seen.offset)
    }

    /// When the oldest id that is remembered was seen.
    pub fn oldest(&self) -> Option<Instant> {
        self.recent.oldest().map(|one| one.log_time)
    }

    /// Ids remembered.
    pub fn len(&self) -> usize {
        self.recent.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.recent.len() == 0
    }

    /// What is remembered, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Remembered> {
        self.recent.iter().copied()
    }

    /// Remembers one more as [`Idempotency::iter`] gave it; false where it cannot stand behind the others.
    #[must_use]
    pub(crate) fn restore(&mut self, one: &Remembered) -> bool {
        let newest = self.recent.newest();
        let goes_on = newest
            .is_none_or(|newest| newest.log_time <= one.log_time && newest.offset < one.offset);
        let hash = self.index.hash(&one.key);
        let is_known = self.index.find(hash, &one.key, &self.recent).is_some();
        if !goes_on || is_known || self.recent.len() >= self.ids_max {
            return false;
        }
        let number = self.recent.push(*one);
        self.index.insert(hash, number);
        true
    }

    /// Forgets what is too old at a log time.
    pub fn forget_at(&mut self, log_time: Instant) {
        let horizon = horizon(log_time);
        while self.oldest().is_some_and(|oldest| oldest <= horizon) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((number, oldest)) = self.recent.pop() {
            self.index.remove(self.index.hash(&oldest.key), number);
        }
    }
}

/// What is remembered, in the order in which it was seen; each has a number, which wraps around.
#[derive(Debug, Default)]
struct Recent {
    chunks: VecDeque<Vec<Remembered>>,
    /// Of the first chunk, how many are forgotten.
    forgotten: usize,
    len: usize,
    /// The number of the oldest.
    first: u32,
}

impl Recent {
    fn len(&self) -> usize {
        self.len
    }

    #[allow(clippy::cast_possible_truncation, reason = "numbers wrap around")]
    fn push(&mut self, one: Remembered) -> u32 {
        let is_full = |chunk: &Vec<Remembered>| chunk.len() == CHUNK_IDS;
        if self.chunks.back().is_none_or(is_full) {
            self.chunks.push_back(Vec::with_capacity(CHUNK_IDS));
        }
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.push(one);
        }
        self.len += 1;
        self.first.wrapping_add(self.len as u32 - 1)
    }

    /// Takes the oldest out, with its number.
    fn pop(&mut self) -> Option<(u32, Remembered)> {
        let number = self.first;
        let oldest = *self.oldest()?;
        self.first = number.wrapping_add(1);
        self.len -= 1;
        self.forgotten += 1;
        if self.forgotten == CHUNK_IDS {
            self.chunks.pop_front();
            self.forgotten = 0;
        }
        Some((number, oldest))
    }

    fn get(&self, number: u32) -> Option<&Remembered> {
        let at = number.wrapping_sub(self.first) as usize + self.forgotten;
        self.chunks.get(at / CHUNK_IDS)?.get(at % CHUNK_IDS)
    }

    fn oldest(&self) -> Option<&Remembered> {
        self.get(self.first)
    }

    fn newest(&self) -> Option<&Remembered> {
        let newest = self.chunks.back()?.last();
        newest.filter(|_| self.len > 0)
    }

    fn iter(&self) -> impl Iterator<Item = &Remembered> {
        self.chunks.iter().flatten().skip(self.forgotten)
    }
}

/// Numbers by hash of the key. The hash is seeded by process, so that nobody can aim at one place; the whole key
/// is compared.
#[derive(Debug)]
struct Index {
    parts: Vec<HashTable<Entry>>,
    hasher: foldhash::fast::RandomState,
}

/// The hash stands beside the number, so that growth needs to look nothing up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    hash: u32,
    number: u32,
}

impl Entry {
    /// As the table wants it: its upper bits tell entries of a bucket apart, its lower ones name the bucket.
    fn spread(self) -> u64 {
        u64::from(self.hash)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(32)
    }
}

impl Default for Index {
    fn default() -> Self {
        Self {
            parts: vec![HashTable::new(); PARTS],
            hasher: foldhash::fast::RandomState::default(),
        }
    }
}

#[allow(
    clippy::indexing_slicing,
    reason = "a part is a remainder of how many there are"
)]
impl Index {
    #[allow(clippy::cast_possible_truncation, reason = "32 bits are kept")]
    fn hash(&self, key: &[u8; 16]) -> u32 {
        self.hasher.hash_one(key) as u32
    }

    fn find<'a>(&self, hash: u32, key: &[u8; 16], recent: &'a Recent) -> Option<&'a Remembered> {
        let entry = Entry { hash, number: 0 };
        let of = |entry: &Entry| recent.get(entry.number);
        let is_it = |entry: &Entry| of(entry).is_some_and(|one| one.key == *key);
        let found = self.parts[part_of(hash)].find(entry.spread(), is_it);
        found.and_then(of)
    }

    fn insert(&mut self, hash: u32, number: u32) {
        let entry = Entry { hash, number };
        let spread = |entry: &Entry| entry.spread();
        self.parts[part_of(hash)].insert_unique(entry.spread(), entry, spread);
    }

    fn remove(&mut self, hash: u32, number: u32) {
        let entry = Entry { hash, number };
        let found = self.parts[part_of(hash)].find_entry(entry.spread(), |one| *one == entry);
        if let Ok(found) = found {
            found.remove();
        }
    }
}

fn part_of(hash: u32) -> usize {
    hash as usize % PARTS
}

/// What was seen at this time or before is too old at a log time.
pub(crate) fn horizon(log_time: Instant) -> Instant {
    log_time.plus_micros(-REMEMBERED_US)
}

/// What an override is remembered by: never what an event of the same name is.
pub(crate) fn key_of_override(override_id: &str) -> [u8; 16] {
    ContentHash::of_parts(&[b"override", override_id.as_bytes()]).short()
}

/// What an override says, its name aside.
pub(crate) fn fingerprint_of_override(order: &Override) -> [u8; 16] {
    ContentHash::of_parts(&[
        order.event_id.as_str().as_bytes(),
        &order.decision.0.to_le_bytes(),
        &[order.verdict.code()],
        order.by.as_bytes(),
        order.reason.as_bytes(),
    ])
    .short()
}

/// What an event id is remembered by.
pub fn key_of(event_id: &str) -> [u8; 16] {
    ContentHash::of(event_id.as_bytes()).short()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same by looking through a list.
    #[derive(Default)]
    struct Naive(Vec<Remembered>);

    impl Naive {
        fn observe(&mut self, one: Remembered, ids_max: usize) -> Sighting {
            let horizon = one.log_time.plus_micros(-REMEMBERED_US);
            self.0.retain(|seen| seen.log_time > horizon);
            if let Some(seen) = self.0.iter().find(|seen| seen.key == one.key) {
                return match seen.fingerprint == one.fingerprint {
                    true => Sighting::Repeat(seen.offset),
                    false => Sighting::Conflict(seen.offset),
                };
            }
            if self.0.len() == ids_max {
                self.0.remove(0);
            }
            self.0.push(one);
            Sighting::First
        }
    }

    /// Twenty thousand sightings of a few thousand ids, over pieces of the list and around the end of numbers, with
    /// ids forgotten by age and by count.
    #[test]
    fn what_is_known_of_an_id_is_what_a_list_says() {
        let ids_max = 5_000;
        let mut memory = Idempotency {
            ids_max,
            ..Idempotency::default()
        };
        memory.recent.first = u32::MAX - 3_000;
        let (mut naive, mut state, mut log_time_us) = (Naive::default(), 7_u64, 0_i64);
        let mut draw = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % below
        };
        for offset in 0..20_000 {
            let rare = draw(2_000) == 0;
            log_time_us += i64::try_from(draw(2_000_000)).unwrap();
            log_time_us += if rare { REMEMBERED_US / 2 } else { 0 };
            let one = Remembered {
                log_time: Instant::from_micros(log_time_us),
                key: u128::from(draw(8_000)).to_le_bytes(),
                fingerprint: u128::from(draw(2)).to_le_bytes(),
                offset: Offset(offset),
            };
            let found = memory.observe(one.key, one.fingerprint, one.offset, one.log_time);
            assert_eq!(found, naive.observe(one, ids_max), "at {offset}");
        }
        assert!(memory.iter().eq(naive.0.iter().copied()));
        assert_eq!(memory.len(), naive.0.len());
    }

    #[test]
    fn what_was_remembered_is_remembered_again_in_order_and_once() {
        let mut memory = Idempotency::default();
        for number in 0_u64..10_000 {
            let key = key_of(&number.to_string());
            memory.observe(key, [1; 16], Offset(number), Instant::from_seconds(9));
        }
        let mut again = Idempotency::default();
        assert!(memory.iter().all(|one| again.restore(&one)));
        assert!(again.iter().eq(memory.iter()));
        assert_eq!(again.offset_of("9999"), Some(Offset(9_999)));
        let newest = memory.iter().last().unwrap();
        assert!(!again.restore(&newest), "twice");
        let key = key_of("new");
        assert!(
            !again.restore(&Remembered { key, ..newest }),
            "out of order"
        );
        let offset = Offset(10_000);
        assert!(again.restore(&Remembered {
            key,
            offset,
            ..newest
        }));
    }

    #[test]
    fn an_id_is_remembered_for_72_hours_of_log_time() {
        let mut memory = Idempotency::default();
        let id = key_of("e");
        let at = |hours: i64| Instant::from_seconds(hours * 3_600);
        assert_eq!(
            memory.observe(id, [1; 16], Offset(5), at(0)),
            Sighting::First
        );
        assert_eq!(
            memory.observe(id, [1; 16], Offset(6), at(71)),
            Sighting::Repeat(Offset(5))
        );
        assert_eq!(
            memory.observe(id, [2; 16], Offset(7), at(71)),
            Sighting::Conflict(Offset(5))
        );
        assert_eq!(memory.offset_of("e"), Some(Offset(5)));
        assert_eq!(
            memory.observe(id, [2; 16], Offset(8), at(72)),
            Sighting::First
        );
    }
}
