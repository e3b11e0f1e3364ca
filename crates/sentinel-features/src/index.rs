//! Names of entities: each gets a number at first sight.
//!
//! Full names are compared, so no two entities ever share a state; hashes are seeded per process and only
//! serve to look up. A look-up has two halves, so that a batch can overlap the waiting for memory: a
//! *candidate* by hash alone, then the comparison. The table is split so that no growth moves more than a
//! part of it.

use std::hash::BuildHasher;

use sentinel_domain::Text;

use crate::arena::{prefetch, prefetch_all};
use crate::column::Column;
use crate::entity::Key;
use crate::slots::Slots;

/// Parts of the table.
const PARTS: usize = 32;

/// Names by number.
#[derive(Debug)]
enum Names {
    Words(Column<Text>),
    Numbers(Column<u64>),
}

/// Names and numbers of one kind of entity, or of the words of one field.
#[derive(Debug)]
pub(crate) struct Index {
    parts: Vec<Slots>,
    names: Names,
    free: Vec<u32>,
    hasher: foldhash::fast::RandomState,
}

impl Index {
    /// Of things that are called by words.
    pub fn of_words() -> Self {
        Self::new(Names::Words(Column::default()))
    }

    /// Of things that are called by numbers.
    pub fn of_numbers() -> Self {
        Self::new(Names::Numbers(Column::default()))
    }

    fn new(names: Names) -> Self {
        Self {
            parts: (0..PARTS).map(|_| Slots::default()).collect(),
            names,
            free: Vec::new(),
            hasher: foldhash::fast::RandomState::default(),
        }
    }

    /// The hash of a name.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "32 bits are kept")]
    pub fn hash(&self, key: Key<'_>) -> u32 {
        match key {
            Key::Absent => 0,
            Key::Word(word) => self.hasher.hash_one(word.as_str()) as u32,
            Key::Number(number) => self.hasher.hash_one(number) as u32,
        }
    }

    /// Asks for the line where a hash points.
    #[inline]
    pub fn prefetch_hash(&self, hash: u32) {
        self.part(hash).prefetch(hash);
    }

    /// The number of some name with this hash; 0 where there is none.
    #[inline]
    pub fn candidate(&self, hash: u32) -> u32 {
        self.part(hash).find(hash, |_| true).unwrap_or(0)
    }

    /// Asks for the line of a name.
    #[inline]
    pub fn prefetch_name(&self, number: u32) {
        match &self.names {
            Names::Words(names) => prefetch_all(&names[number as usize - 1]),
            Names::Numbers(names) => prefetch(&names[number as usize - 1]),
        }
    }

    /// The number of a name; 0 where it has none.
    #[inline]
    pub fn find(&self, key: Key<'_>, hash: u32, candidate: u32) -> u32 {
        if candidate != 0 && self.is(candidate, key) {
            return candidate;
        }
        self.part(hash)
            .find(hash, |number| self.is(number, key))
            .unwrap_or(0)
    }

    /// Gives a name that has none a number, from 1.
    pub fn insert(&mut self, key: Key<'_>, hash: u32) -> u32 {
        let number = match self.free.pop() {
            Some(number) => number,
            None => self.add_place(),
        };
        let at = number as usize - 1;
        match (&mut self.names, key) {
            (Names::Words(names), Key::Word(word)) => names[at] = word.clone(),
            (Names::Numbers(names), Key::Number(value)) => names[at] = value,
            _ => {}
        }
        self.parts[part_of(hash)].insert(hash, number);
        number
    }

    /// Takes a number back.
    pub fn remove(&mut self, number: u32) {
        let hash = self.hash(self.name(number));
        self.parts[part_of(hash)].remove(hash, number);
        if let Names::Words(names) = &mut self.names {
            names[number as usize - 1] = Text::default();
        }
        self.free.push(number);
    }

    /// Calls a number something else. What it was called has no number any more.
    pub fn rename(&mut self, number: u32, key: Key<'_>) {
        let hash = self.hash(self.name(number));
        self.parts[part_of(hash)].remove(hash, number);
        match (&mut self.names, key) {
            (Names::Words(names), Key::Word(word)) => names[number as usize - 1] = word.clone(),
            (Names::Numbers(names), Key::Number(value)) => names[number as usize - 1] = value,
            _ => {}
        }
        let hash = self.hash(key);
        self.parts[part_of(hash)].insert(hash, number);
    }

    /// The name of a number.
    pub fn name(&self, number: u32) -> Key<'_> {
        match &self.names {
            Names::Words(names) => Key::Word(&names[number as usize - 1]),
            Names::Numbers(names) => Key::Number(names[number as usize - 1]),
        }
    }

    /// Numbers given out so far, those taken back included.
    pub fn places(&self) -> usize {
        match &self.names {
            Names::Words(names) => names.len(),
            Names::Numbers(names) => names.len(),
        }
    }

    /// Names that have a number.
    pub fn len(&self) -> usize {
        self.places() - self.free.len()
    }

    /// Numbers taken back, in the order in which they will be given out again from the end.
    pub fn free(&self) -> &[u32] {
        &self.free
    }

    /// Puts a place back as it was: a name, or none.
    pub fn restore(&mut self, key: Key<'_>) {
        let number = self.add_place();
        self.free.push(number);
        if key != Key::Absent {
            // Takes the place just added from the end of the free list.
            self.insert(key, self.hash(key));
        }
    }

    /// Whether the last place has a name.
    pub fn is_named_last(&self) -> bool {
        self.free.last().map(|number| *number as usize) != Some(self.places())
    }

    /// Puts the numbers taken back in their order.
    pub fn restore_free(&mut self, free: Vec<u32>) {
        self.free = free;
    }

    /// Bytes of one name and its entry, for capacity planning.
    pub fn bytes_of(&self, number: u32) -> usize {
        // Slots are half to three quarters full.
        let entry = size_of::<u64>() + size_of::<u64>() / 2;
        entry
            + match &self.names {
                Names::Words(names) => {
                    let name = &names[number as usize - 1];
                    let heap = if name.is_heap_allocated() {
                        name.capacity()
                    } else {
                        0
                    };
                    size_of::<Text>() + heap
                }
                Names::Numbers(_) => size_of::<u64>(),
            }
    }

    fn add_place(&mut self) -> u32 {
        match &mut self.names {
            Names::Words(names) => names.push(Text::default()),
            Names::Numbers(names) => names.push(0),
        }
        let places = self.places();
        assert!(
            places < 1 << 31,
            "numbers keep their top bit free for the ring's mark"
        );
        u32::try_from(places).unwrap_or(u32::MAX)
    }

    fn is(&self, number: u32, key: Key<'_>) -> bool {
        match (&self.names, key) {
            (Names::Words(names), Key::Word(word)) => names[number as usize - 1] == *word,
            (Names::Numbers(names), Key::Number(value)) => names[number as usize - 1] == value,
            _ => false,
        }
    }

    fn part(&self, hash: u32) -> &Slots {
        &self.parts[part_of(hash)]
    }
}

#[inline]
const fn part_of(hash: u32) -> usize {
    (hash >> 27) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_whatever_was_removed_between_them() {
        let mut index = Index::of_numbers();
        let mut known = std::collections::BTreeMap::new();
        let mut seed = 7_u64;
        for _ in 0..60_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let value = (seed >> 33) % 3_000;
            let key = Key::Number(value);
            let hash = index.hash(key);
            let found = index.find(key, hash, index.candidate(hash));
            assert_eq!(found, known.get(&value).copied().unwrap_or(0));
            if found == 0 {
                known.insert(value, index.insert(key, hash));
            } else {
                index.remove(found);
                known.remove(&value);
            }
        }
        assert_eq!(index.len(), known.len());
    }

    #[test]
    fn a_name_keeps_its_number_until_it_is_taken_back() {
        let mut index = Index::of_words();
        let names: Vec<Text> = (0..1_000)
            .map(|n| Text::from(format!("name {n}")))
            .collect();
        for (at, name) in names.iter().enumerate() {
            let key = Key::Word(name);
            let hash = index.hash(key);
            assert_eq!(index.find(key, hash, index.candidate(hash)), 0);
            assert_eq!(index.insert(key, hash) as usize, at + 1);
        }
        index.remove(7);
        for (at, name) in names.iter().enumerate() {
            let key = Key::Word(name);
            let hash = index.hash(key);
            let expected = if at == 6 { 0 } else { at + 1 };
            assert_eq!(
                index.find(key, hash, index.candidate(hash)) as usize,
                expected
            );
        }
        let key = Key::Word(&names[6]);
        assert_eq!(index.insert(key, index.hash(key)), 7);
        assert_eq!(index.len(), 1_000);
    }
}
