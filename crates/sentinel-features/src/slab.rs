//! A slab: values that few entities have, behind a number of 32 bits.

use crate::column::Column;

/// No value.
pub(crate) const NONE: u32 = u32::MAX;

/// Values by number; numbers of removed values are used again.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    values: Column<Option<Box<T>>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            values: Column::default(),
            free: Vec::new(),
        }
    }
}

impl<T> Slab<T> {
    /// Keeps a value.
    pub fn insert(&mut self, value: T) -> u32 {
        let value = Some(Box::new(value));
        if let Some(number) = self.free.pop() {
            self.values[number as usize] = value;
            return number;
        }
        self.values.push(value);
        u32::try_from(self.values.len() - 1).unwrap_or(NONE)
    }

    /// Lets a value go.
    pub fn remove(&mut self, number: u32) {
        if number != NONE {
            self.values[number as usize] = None;
            self.free.push(number);
        }
    }

    /// The value of a number.
    pub fn get(&self, number: u32) -> Option<&T> {
        self.values.get(number as usize)?.as_deref()
    }

    /// The value of a number, to be changed.
    pub fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        self.values.get_mut(number as usize)?.as_deref_mut()
    }
}
