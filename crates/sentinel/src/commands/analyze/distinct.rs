//! How many different clients there are and how much each does, in bounded memory.
//!
//! Every name is hashed (BLAKE3, fixed). A name is kept, with an exact count of its rows, as long as its
//! hash begins with enough zero bits; whenever more than the bound are kept, one more zero is asked for.
//! So what is kept in the end is a fair sample of one in 2^k names, with every row of theirs counted,
//! and it follows from the set of names alone: the order of the rows changes nothing. With `n` names
//! kept, the relative standard error of the number of names is 1 / sqrt(n), below 0.6 % for the 32,768
//! that are kept at least once the bound of 65,536 was met. Below the bound all is exact.

use std::collections::HashMap;

use sentinel_domain::ContentHash;

/// A sample of names with their counts.
#[derive(Debug)]
pub struct Distinct {
    kept: HashMap<u64, u64>,
    kept_max: usize,
    /// How many zero bits a hash must begin with.
    zeros: u32,
    /// Rows that named someone.
    rows: u64,
}

impl Distinct {
    /// Nobody yet; `kept_max` names are held at most.
    pub fn new(kept_max: usize) -> Self {
        Self {
            kept: HashMap::new(),
            kept_max,
            zeros: 0,
            rows: 0,
        }
    }

    /// Takes note of one row of this name.
    pub fn add(&mut self, name: &str) {
        self.rows += 1;
        let [a, b, c, d, e, f, g, h, ..] = ContentHash::of(name.as_bytes()).0;
        let hash = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        if hash.leading_zeros() < self.zeros {
            return;
        }
        *self.kept.entry(hash).or_insert(0) += 1;
        while self.kept.len() > self.kept_max {
            self.zeros += 1;
            let zeros = self.zeros;
            self.kept.retain(|hash, _| hash.leading_zeros() >= zeros);
        }
    }

    /// How many names there are.
    pub fn count(&self) -> u64 {
        (self.kept.len() as u64) << self.zeros
    }

    /// How many names one kept name stands for.
    pub fn each_stands_for(&self) -> u64 {
        1 << self.zeros
    }

    /// Whether nothing was left out.
    pub fn exact(&self) -> bool {
        self.zeros == 0
    }

    /// The relative standard error of [`Self::count`].
    pub fn relative_error(&self) -> f64 {
        if self.exact() {
            return 0.0;
        }
        1.0 / libm::sqrt(self.kept.len().max(1) as f64)
    }

    /// Rows that named someone.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows of each kept name, rising.
    pub fn sizes(&self) -> Vec<u64> {
        let mut sizes: Vec<u64> = self.kept.values().copied().collect();
        sizes.sort_unstable();
        sizes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_the_bound_every_name_is_counted() {
        let mut distinct = Distinct::new(100);
        for row in 0..300 {
            distinct.add(&format!("client {}", row % 60));
        }
        assert!(distinct.exact());
        assert_eq!((distinct.count(), distinct.rows()), (60, 300));
        assert_eq!(distinct.sizes(), [5; 60]);
    }

    #[test]
    fn above_it_the_estimate_lies_within_four_standard_errors() {
        let mut distinct = Distinct::new(1_024);
        let names = 40_000_u64;
        for name in 0..names {
            for _ in 0..=(name % 3) {
                distinct.add(&name.to_string());
            }
        }
        assert!(distinct.sizes().len() <= 1_024);
        let error = (distinct.count() as f64 / names as f64 - 1.0).abs();
        assert!(error < 4.0 * distinct.relative_error(), "{error}");
        let mean = distinct.sizes().iter().sum::<u64>() as f64 / distinct.sizes().len() as f64;
        assert!((mean - 2.0).abs() < 0.15, "{mean}");
    }

    #[test]
    fn the_order_of_rows_changes_nothing() {
        let (mut forward, mut backward) = (Distinct::new(64), Distinct::new(64));
        for row in 0..5_000 {
            forward.add(&(row * row % 1_777).to_string());
            let row = 4_999 - row;
            backward.add(&(row * row % 1_777).to_string());
        }
        assert_eq!(forward.count(), backward.count());
        assert_eq!(forward.sizes(), backward.sizes());
        assert!(!forward.exact());
    }
}
