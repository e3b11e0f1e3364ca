//! Names of entities: each gets a number at first sight.
//!
//! Full names are compared, so no two entities ever share a state; hashes are seeded per process and only
//! serve to look up. A look-up has two halves, so that a batch can overlap the waiting for memory: a
//! *candidate* by hash alone, then the comparison. The table is split so that no growth moves more than a
//! part of it.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use sentinel_domain::Text;

use crate::entity::Key;

/// Parts of the table.
const PARTS: usize = 32;

#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u32,
    number: u32,
}

impl Entry {
    fn spread(self) -> u64 {
        spread(self.hash)
    }
}

/// All 64 bits that the table wants, from the 32 that an entry keeps.
#[inline]
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Names by number.
#[derive(Debug)]
enum Names {
    Words(Vec<Text>),
    Numbers(Vec<u64>),
}

/// Names and numbers of one kind of entity, or of the words of one field.
#[derive(Debug)]
pub(crate) struct Index {
    parts: Vec<HashTable<Entry>>,
    names: Names,
    free: Vec<u32>,
    hasher: foldhash::fast::RandomState,
}

impl Index {
    /// Of things that are called by words.
    pub fn of_words() -> Self {
        Self::new(Names::Words(Vec::new()))
    }

    /// Of things that are called by numbers.
    pub fn of_numbers() -> Self {
        Self::new(Names::Numbers(Vec::new()))
    }

    fn new(names: Names) -> Self {
        Self {
            parts: (0..PARTS).map(|_| HashTable::new()).collect(),
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

    /// The number of some name with this hash; 0 where there is none.
    #[inline]
    pub fn candidate(&self, hash: u32) -> u32 {
        self.part(hash)
            .find(spread(hash), |entry| entry.hash == hash)
            .map_or(0, |entry| entry.number)
    }

    /// A word of a name, so that its line is on the way.
    #[inline]
    pub fn touch(&self, number: u32) -> u32 {
        match &self.names {
            Names::Words(names) => {
                let last = names[number as usize - 1].as_bytes().last();
                u32::from(last.copied().unwrap_or(0))
            }
            Names::Numbers(names) => crate::arena::low(names[number as usize - 1]),
        }
    }

    /// The number of a name; 0 where it has none.
    #[inline]
    pub fn find(&self, key: Key<'_>, hash: u32, candidate: u32) -> u32 {
        if candidate != 0 && self.is(candidate, key) {
            return candidate;
        }
        self.part(hash)
            .find(spread(hash), |entry| {
                entry.hash == hash && self.is(entry.number, key)
            })
            .map_or(0, |entry| entry.number)
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
        let entry = Entry { hash, number };
        self.parts[part_of(hash)].insert_unique(entry.spread(), entry, |entry| entry.spread());
        number
    }

    /// Takes a number back.
    pub fn remove(&mut self, number: u32) {
        let hash = self.hash(self.name(number));
        let part = &mut self.parts[part_of(hash)];
        if let Ok(entry) = part.find_entry(spread(hash), |entry| entry.number == number) {
            entry.remove();
        }
        if let Names::Words(names) = &mut self.names {
            names[number as usize - 1] = Text::default();
        }
        self.free.push(number);
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
        let entry = (size_of::<Entry>() + 1) * 8 / 7;
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

    fn part(&self, hash: u32) -> &HashTable<Entry> {
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
