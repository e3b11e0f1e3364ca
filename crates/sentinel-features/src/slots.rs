//! Numbers by hash, side by side in one word, found by looking on from where the hash points.
//!
//! One line of memory a look-up, and its address is known beforehand: that is why this is not a library's
//! table. An empty slot is 0, so hash and number are never both 0. Must never be iterated for an answer.

use crate::arena::{low, prefetch};

/// Slots of the smallest table.
const SLOTS_START: usize = 8;

/// A table of hashes and numbers; a hash may stand several times.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slots {
    slots: Box<[u64]>,
    used: usize,
}

impl Slots {
    /// Asks for the line where a hash points.
    #[inline]
    pub fn prefetch(&self, hash: u32) {
        if !self.slots.is_empty() {
            prefetch(&self.slots[self.home(hash)]);
        }
    }

    /// The first number with this hash that is wanted.
    #[inline]
    pub fn find(&self, hash: u32, is_wanted: impl Fn(u32) -> bool) -> Option<u32> {
        self.place(hash, is_wanted).map(|at| low(self.slots[at]))
    }

    /// Adds an entry.
    pub fn insert(&mut self, hash: u32, number: u32) {
        if (self.used + 1) * 4 > self.slots.len() * 3 {
            let slots = (self.slots.len() * 2).max(SLOTS_START);
            self.rebuild(slots, |_| true);
        }
        self.used += 1;
        self.put(entry(hash, number));
    }

    /// Gives a hash that stands once at most another number; the one it had.
    pub fn replace(&mut self, hash: u32, number: u32) -> Option<u32> {
        let Some(at) = self.place(hash, |_| true) else {
            self.insert(hash, number);
            return None;
        };
        let before = std::mem::replace(&mut self.slots[at], entry(hash, number));
        Some(low(before))
    }

    /// Removes an entry. Those behind it move up, so that no search ends too early.
    pub fn remove(&mut self, hash: u32, number: u32) {
        let Some(mut at) = self.place(hash, |have| have == number) else {
            return;
        };
        self.used -= 1;
        let mask = self.slots.len() - 1;
        let mut next = (at + 1) & mask;
        while self.slots[next] != 0 {
            let home = self.home(low(self.slots[next] >> 32));
            if next.wrapping_sub(home) & mask >= next.wrapping_sub(at) & mask {
                self.slots[at] = self.slots[next];
                at = next;
            }
            next = (next + 1) & mask;
        }
        self.slots[at] = 0;
    }

    /// Drops entries whose numbers are not wanted any more.
    pub fn retain(&mut self, is_wanted: impl Fn(u32) -> bool) {
        self.rebuild(self.slots.len(), is_wanted);
    }

    /// Drops every entry.
    pub fn clear(&mut self) {
        self.slots.fill(0);
        self.used = 0;
    }

    /// Entries.
    pub fn len(&self) -> usize {
        self.used
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.slots.len() * size_of::<u64>()
    }

    /// Where the hash points.
    #[inline]
    fn home(&self, hash: u32) -> usize {
        // The upper bits of the product are mixed from all bits of the hash.
        let mixed = u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        mixed as usize & (self.slots.len() - 1)
    }

    #[inline]
    fn place(&self, hash: u32, is_wanted: impl Fn(u32) -> bool) -> Option<usize> {
        if self.slots.is_empty() {
            return None;
        }
        let mut at = self.home(hash);
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                return None;
            }
            if low(slot >> 32) == hash && is_wanted(low(slot)) {
                return Some(at);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    fn rebuild(&mut self, slots: usize, is_wanted: impl Fn(u32) -> bool) {
        let old = std::mem::replace(&mut self.slots, vec![0; slots].into_boxed_slice());
        self.used = 0;
        for slot in old {
            if slot != 0 && is_wanted(low(slot)) {
                self.used += 1;
                self.put(slot);
            }
        }
    }

    fn put(&mut self, entry: u64) {
        let mut at = self.home(low(entry >> 32));
        while self.slots[at] != 0 {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = entry;
    }
}

fn entry(hash: u32, number: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(number)
}
