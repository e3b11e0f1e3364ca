//! Ladders: the words of a field as rungs between 0 and 1, the least fraudulent first.
//!
//! A rank from 0 to 1 stands on a rung. Honest payments and fraud climb ladders of other rungs, so that
//! shares and fraud rates of the profile come out. Fields of one payment are drawn with related ranks:
//! were they independent, three harmless fields would together give a payment away.

use sentinel_domain::Text;

use crate::profile::Level;
use crate::random::Random;

/// How often a field takes the payment's rank as it is, rather than a fresh one on the same side.
const RELATED_SHARE: f64 = 0.5;

/// A rung of the two ladders: where it ends, for honest payments and for fraud.
#[derive(Debug, Clone)]
struct Rung {
    word: Option<Text>,
    ends: [f64; 2],
}

/// The words of one field.
#[derive(Debug, Clone)]
pub(crate) struct Ladder {
    rungs: Vec<Rung>,
}

impl Ladder {
    /// Missing is the lowest rung, then words by rising rate of fraud. There is at least one rung.
    pub(crate) fn new(levels: &[Level]) -> Self {
        let mut sorted: Vec<&Level> = levels.iter().filter(|level| level.share > 0.0).collect();
        sorted.sort_by(|one, other| {
            let key = |level: &Level| (level.level.is_some(), level.fraud_rate);
            let (one, other) = (key(one), key(other));
            one.0.cmp(&other.0).then(one.1.total_cmp(&other.1))
        });
        let all: f64 = sorted.iter().map(|level| level.share).sum();
        let frauds: f64 = sorted.iter().map(|l| l.share * l.fraud_rate).sum();
        let mut ends = [0.0; 2];
        let mut rungs: Vec<Rung> = sorted
            .iter()
            .map(|level| {
                let fraud = level.share * level.fraud_rate;
                ends[0] += (level.share - fraud) / f64::max(all - frauds, 1e-12);
                // Where nothing is known of fraud it looks like all payments.
                ends[1] += if frauds > 0.0 {
                    fraud / frauds
                } else {
                    level.share / all
                };
                Rung {
                    word: level.level.as_deref().map(Text::new),
                    ends,
                }
            })
            .collect();
        match rungs.last_mut() {
            Some(last) => last.ends = [1.0; 2],
            None => rungs.push(Rung {
                word: None,
                ends: [1.0; 2],
            }),
        }
        Self { rungs }
    }

    /// The index of the rung on which a rank stands.
    pub(crate) fn index(&self, fraud: bool, rank: f64) -> usize {
        let side = usize::from(fraud);
        let end = |rung: &Rung| rung.ends.get(side).is_some_and(|end| *end <= rank);
        self.rungs.partition_point(end).min(self.rungs.len() - 1)
    }

    /// The word at a rank.
    pub(crate) fn word(&self, fraud: bool, rank: f64) -> Option<&Text> {
        self.rungs.get(self.index(fraud, rank))?.word.as_ref()
    }

    /// All words, from the lowest rung.
    pub(crate) fn words(&self) -> impl Iterator<Item = Option<&Text>> {
        self.rungs.iter().map(|rung| rung.word.as_ref())
    }

    /// Where the lowest rung ends.
    pub(crate) fn lowest_end(&self, fraud: bool) -> f64 {
        let first = self.rungs.first().map(|rung| rung.ends);
        let [honest, stolen] = first.unwrap_or([1.0; 2]);
        if fraud { stolen } else { honest }
    }

    /// A rank for this field related to the payment's: on the lowest rung if that is, else often the
    /// same, else somewhere above the lowest rung. Uniform where the payment's rank is.
    pub(crate) fn related(&self, fraud: bool, rank: f64, random: &mut Random) -> f64 {
        let end = self.lowest_end(fraud);
        if rank < end || random.chance(RELATED_SHARE) {
            return rank;
        }
        random.within(end, 1.0)
    }

    /// How much more often the word at an index is met in fraud than in honest payments.
    pub(crate) fn ratio(&self, index: usize) -> f64 {
        let below = index.checked_sub(1).and_then(|below| self.rungs.get(below));
        let [honest_from, fraud_from] = below.map_or([0.0; 2], |rung| rung.ends);
        let ends = self.rungs.get(index).map_or([1.0; 2], |rung| rung.ends);
        (ends[1] - fraud_from) / f64::max(ends[0] - honest_from, 1e-12)
    }
}

/// A rank from 64 bits of a hash, in steps of 2^-53.
pub(crate) fn rank_of(hash: u64) -> f64 {
    (hash >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(word: Option<&str>, share: f64, fraud_rate: f64) -> Level {
        Level {
            level: word.map(str::to_owned),
            share,
            fraud_rate,
        }
    }

    #[test]
    fn shares_and_fraud_rates_come_out_of_related_ranks() {
        let levels = [
            level(Some("a"), 0.2, 0.10),
            level(None, 0.7, 0.02),
            level(Some("b"), 0.1, 0.05),
        ];
        let ladder = Ladder::new(&levels);
        let mut random = Random::new(5);
        let mut counts = [[0.0_f64; 2]; 3];
        for _ in 0..200_000 {
            let fraud = random.chance(0.039);
            let rank = random.unit();
            let rank = ladder.related(fraud, rank, &mut random);
            counts[ladder.index(fraud, rank)][usize::from(fraud)] += 1.0;
        }
        let words: Vec<_> = ladder.words().map(|word| word.map(Text::as_str)).collect();
        assert_eq!(words, [None, Some("b"), Some("a")]);
        for (index, (share, rate)) in [(0.7, 0.02), (0.1, 0.05), (0.2, 0.10)].iter().enumerate() {
            let [honest, fraud] = counts[index];
            assert!(((honest + fraud) / 200_000.0 - share).abs() < 0.005);
            assert!((fraud / (honest + fraud) - rate).abs() < 0.006);
            let ratio = rate / (1.0 - rate) / (0.039 / 0.961);
            assert!((ladder.ratio(index) / ratio - 1.0).abs() < 0.01);
        }
    }

    #[test]
    fn a_ladder_without_levels_has_one_rung_that_is_missing() {
        let ladder = Ladder::new(&[]);
        assert_eq!(ladder.word(true, 0.5), None);
        assert_eq!(ladder.index(false, 1.0), 0);
        assert_eq!(ladder.lowest_end(false), 1.0);
    }
}
