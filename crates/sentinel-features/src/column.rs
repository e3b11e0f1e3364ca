//! A column: values by number, in pieces of memory.
//!
//! Promises that growth moves nothing: a column of a million records that moved to a larger place would keep every
//! payment waiting meanwhile. Must never take a value out of the middle.

/// Values of one piece; a power of two.
const PIECE: usize = 4_096;

/// Values by number, from 0.
#[derive(Debug)]
pub(crate) struct Column<T> {
    /// All but the last one are full.
    pieces: Vec<Vec<T>>,
}

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self { pieces: Vec::new() }
    }
}

impl<T> Column<T> {
    /// Adds a value at the end.
    pub fn push(&mut self, value: T) {
        let is_full = |piece: &Vec<T>| piece.len() == PIECE;
        if self.pieces.last().is_none_or(is_full) {
            self.pieces.push(Vec::with_capacity(PIECE));
        }
        if let Some(piece) = self.pieces.last_mut() {
            piece.push(value);
        }
    }

    /// Values.
    pub fn len(&self) -> usize {
        let last = self.pieces.last().map_or(0, Vec::len);
        self.pieces.len().saturating_sub(1) * PIECE + last
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The value of a number, where it has one.
    #[inline]
    pub fn get(&self, at: usize) -> Option<&T> {
        self.pieces.get(at / PIECE)?.get(at % PIECE)
    }

    /// The same, to be changed.
    #[inline]
    pub fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        self.pieces.get_mut(at / PIECE)?.get_mut(at % PIECE)
    }
}

impl<T> std::ops::Index<usize> for Column<T> {
    type Output = T;

    #[inline]
    fn index(&self, at: usize) -> &T {
        &self.pieces[at / PIECE][at % PIECE]
    }
}

impl<T> std::ops::IndexMut<usize> for Column<T> {
    #[inline]
    fn index_mut(&mut self, at: usize) -> &mut T {
        &mut self.pieces[at / PIECE][at % PIECE]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_where_they_are_and_are_found_by_number() {
        let mut column = Column::default();
        assert!(column.is_empty());
        column.push(0_u64);
        let first = std::ptr::from_ref(&column[0]);
        for number in 1..10_000 {
            column.push(number);
        }
        column[9_999] += 1;
        assert_eq!(column.len(), 10_000);
        assert_eq!(std::ptr::from_ref(&column[0]), first, "nothing has moved");
        assert_eq!(
            (column[4_095], column[4_096], column[9_999]),
            (4_095, 4_096, 10_000)
        );
        assert_eq!(
            (column.get(9_999), column.get(10_000)),
            (Some(&10_000), None)
        );
    }
}
