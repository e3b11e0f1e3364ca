//! A column of words: how often each, with how much fraud and what amounts.

use std::collections::HashMap;

use super::Tally;

/// Levels of a column told apart at most. Later ones count as others; which are later depends on the
/// order of the rows, so a table beyond this bound is told so.
pub const LEVELS_MAX: usize = 16_384;

/// The longest word that is kept, in bytes; a longer one counts among the others.
const WORD_BYTES_MAX: usize = 128;

/// What is known of one level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LevelCounts {
    /// Rows and fraud.
    pub tally: Tally,
    /// Amounts in minor units of the reference currency, summed over `priced` rows.
    pub amount_minor_sum: i128,
    /// Rows whose amount could be converted.
    pub priced: u64,
}

impl LevelCounts {
    /// One more row.
    fn add(&mut self, (amount, fraud): (Option<i64>, bool)) {
        self.tally.add(fraud);
        if let Some(minor) = amount {
            self.amount_minor_sum += i128::from(minor);
            self.priced += 1;
        }
    }

    /// Both together.
    pub fn merge(&mut self, other: &Self) {
        self.tally.rows += other.tally.rows;
        self.tally.fraud += other.tally.fraud;
        self.amount_minor_sum += other.amount_minor_sum;
        self.priced += other.priced;
    }
}

/// The levels of a column.
#[derive(Debug, Default)]
pub struct WordCounts {
    levels: HashMap<String, LevelCounts>,
    /// Rows of levels that are not told apart.
    pub others: LevelCounts,
}

impl WordCounts {
    /// One more row with this word.
    pub fn add(&mut self, word: &str, row: (Option<i64>, bool)) {
        if let Some(level) = self.levels.get_mut(word) {
            level.add(row);
        } else if self.levels.len() < LEVELS_MAX && word.len() <= WORD_BYTES_MAX {
            self.levels.entry(word.to_owned()).or_default().add(row);
        } else {
            self.others.add(row);
        }
    }

    /// How many levels are told apart.
    pub fn count(&self) -> usize {
        self.levels.len()
    }

    /// Rows and fraud over all levels.
    pub fn all(&self) -> LevelCounts {
        let mut all = self.others;
        for level in self.levels.values() {
            all.merge(level);
        }
        all
    }

    /// The levels, the most frequent first, equals by their word.
    pub fn ranked(&self) -> Vec<(&str, &LevelCounts)> {
        let mut levels: Vec<(&str, &LevelCounts)> = self
            .levels
            .iter()
            .map(|(word, counts)| (word.as_str(), counts))
            .collect();
        levels.sort_by(|a, b| b.1.tally.rows.cmp(&a.1.tally.rows).then(a.0.cmp(b.0)));
        levels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_beyond_the_bound_and_long_words_are_others_and_no_row_is_lost() {
        let mut counts = WordCounts::default();
        for word in 0..LEVELS_MAX + 10 {
            counts.add(&word.to_string(), (Some(100), word % 2 == 0));
        }
        counts.add(&"x".repeat(WORD_BYTES_MAX + 1), (None, true));
        counts.add("0", (Some(100), false));
        assert_eq!(counts.count(), LEVELS_MAX);
        assert_eq!(counts.others.tally, Tally { rows: 11, fraud: 6 });
        assert_eq!(counts.all().tally.rows, LEVELS_MAX as u64 + 12);
        let ranked = counts.ranked();
        assert_eq!((ranked[0].0, ranked[0].1.tally.rows), ("0", 2));
        assert_eq!(ranked[1].0, "1");
    }
}
