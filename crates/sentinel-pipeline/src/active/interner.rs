//! An interner: what is costly to make of some bytes is made once while anybody uses it.
//!
//! Promises that what is found is what would have been made: the key is the hash of everything that it is made of.
//! Owner, snapshot maker, a replay and the check before a start share one model that way, and a switch of rates reads
//! no model again. Must never keep what nobody uses, nor hold anybody up while something is made.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use sentinel_domain::ContentHash;

/// The hashes of what a thing is made of.
pub(super) type Key = [ContentHash; 2];

/// Things of one kind.
pub(super) struct Interner<T>(Mutex<Vec<(Key, Weak<T>)>>);

impl<T> Interner<T> {
    pub const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    fn find(&self, key: &Key) -> Option<Arc<T>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = known.iter().find(|(of, _)| of == key)?;
        place.1.upgrade()
    }

    /// What is made of the bytes with these hashes; `make` does it where nobody has it. Two who ask at the same time
    /// may both make it: equal things.
    pub fn get<E>(&self, key: Key, make: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        if let Some(found) = self.find(&key) {
            return Ok(found);
        }
        let made = Arc::new(make()?);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(_, one)| one.strong_count() > 0);
        known.push((key, Arc::downgrade(&made)));
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(bytes: &[u8]) -> Key {
        [ContentHash::of(bytes), ContentHash::default()]
    }

    #[test]
    fn a_thing_is_made_once_while_it_is_used_and_not_kept_for_longer() {
        let interner = Interner::new();
        let made = interner.get(key(b"a"), || Ok::<_, ()>(1)).unwrap();
        let again = interner.get(key(b"a"), || Err("made twice")).unwrap();
        assert!(Arc::ptr_eq(&made, &again));
        assert_eq!(*interner.get(key(b"b"), || Ok::<_, ()>(2)).unwrap(), 2);
        drop((made, again));
        assert_eq!(*interner.get(key(b"a"), || Ok::<_, ()>(3)).unwrap(), 3);
        assert_eq!(interner.0.lock().unwrap().len(), 1);
    }

    #[test]
    fn what_cannot_be_made_is_not_there() {
        let interner = Interner::<u8>::new();
        assert_eq!(interner.get(key(b"a"), || Err("broken")), Err("broken"));
        assert_eq!(
            interner.get(key(b"a"), || Ok::<_, ()>(1)).map(|one| *one),
            Ok(1)
        );
    }
}
