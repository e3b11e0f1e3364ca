//! Random numbers that are the same everywhere: SplitMix64.
//!
//! The state walks by a fixed odd constant and is scrambled on the way out (Steele, Lea and Flood,
//! 2014). It is not for secrets. Its two virtues here: one step is a few instructions, and a generator
//! for any (seed, purpose, number) can be made out of nothing, so that things need not be stored.

/// The golden ratio in 64 bits, made odd: the step of the state.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// Scrambles 64 bits; one to one, every input bit reaches every output bit.
pub const fn scramble(value: u64) -> u64 {
    let mut mixed = value;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// A hash of (seed, purpose, number): what a thing is like, without storing the thing.
pub const fn hash(seed: u64, purpose: u64, number: u64) -> u64 {
    let place = scramble(number.wrapping_mul(STEP) ^ purpose.rotate_left(32));
    scramble(place ^ scramble(seed.wrapping_add(STEP)))
}

/// A seeded generator.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// A generator that gives the same numbers for the same seed.
    pub const fn new(seed: u64) -> Self {
        // Scrambled, so that seeds 1, 2, 3 do not start as neighbours.
        Self {
            state: scramble(seed ^ STEP),
        }
    }

    /// The next 64 bits.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        scramble(self.state)
    }

    /// A whole number below `bound`; 0 where `bound` is 0. The bias is below `bound` / 2^64, which no
    /// use here can see, and a rejection loop would cost more than it heals.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a product of two 64-bit numbers shifted by 64 fits in 64"
    )]
    pub const fn below(&mut self, bound: u64) -> u64 {
        ((self.next_u64() as u128 * bound as u128) >> 64) as u64
    }

    /// A whole number from `low` to `high`, both included.
    pub const fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// A number from 0 to below 1, in steps of 2^-53.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// A number from `low` to below `high`.
    pub fn within(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// A standard normal number (Box and Muller; the second of the pair is thrown away, so that the
    /// generator has no memory but its state).
    pub fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }

    /// A number whose natural logarithm is normal with this mean and standard deviation.
    pub fn log_normal(&mut self, mean: f64, deviation: f64) -> f64 {
        libm::exp(mean + deviation * self.normal())
    }

    /// A waiting time with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -libm::log(1.0 - self.unit())
    }

    /// One of the choices, each equally likely. There must be one.
    #[allow(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "the index is below the length, which fits a usize"
    )]
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        assert!(!choices.is_empty(), "a pick needs at least one choice");
        &choices[self.below(choices.len() as u64) as usize]
    }

    /// One of the choices by weight; the first where all weights are 0. There must be one.
    pub fn pick_weighted<T: Copy>(&mut self, choices: &[(T, u16)]) -> T {
        let total: u64 = choices.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut left = self.below(total);
        for (choice, weight) in choices {
            let weight = u64::from(*weight);
            if left < weight {
                return *choice;
            }
            left -= weight;
        }
        self.pick(choices).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_never_changes() {
        // The published first number of SplitMix64 from state 0.
        assert_eq!(scramble(STEP), 0xE220_A839_7B1D_CDAF);
        let mut random = Random::new(7);
        let first: Vec<u64> = (0..2).map(|_| random.next_u64()).collect();
        assert_eq!(
            first,
            [9_048_807_721_209_015_062, 8_458_937_671_082_192_852]
        );
        assert_eq!(hash(1, 2, 3), 14_287_884_861_641_097_788);
    }

    #[test]
    fn normal_numbers_have_mean_zero_and_deviation_one() {
        let mut random = Random::new(1);
        let numbers: Vec<f64> = (0..50_000).map(|_| random.normal()).collect();
        let mean = numbers.iter().sum::<f64>() / 50_000.0;
        let variance = numbers.iter().map(|n| (n - mean) * (n - mean)).sum::<f64>() / 50_000.0;
        assert!(mean.abs() < 0.02, "{mean}");
        assert!((variance - 1.0).abs() < 0.03, "{variance}");
    }

    #[test]
    fn whole_numbers_stay_below_their_bound_and_reach_every_value() {
        let mut random = Random::new(2);
        let mut counts = [0_u32; 7];
        for _ in 0..7_000 {
            counts[usize::try_from(random.below(7)).unwrap()] += 1;
        }
        assert!(
            counts.iter().all(|c| (800..1_200).contains(c)),
            "{counts:?}"
        );
        assert_eq!(random.below(0), 0);
        assert!((0..1_000).all(|_| (3..=5).contains(&random.between(3, 5))));
    }

    #[test]
    fn weights_decide_and_chance_keeps_its_share() {
        let mut random = Random::new(3);
        let picks = (0..10_000).filter(|_| random.pick_weighted(&[("a", 1), ("b", 3)]) == "b");
        assert!((7_200..7_800).contains(&picks.count()));
        let hits = (0..10_000).filter(|_| random.chance(0.1)).count();
        assert!((900..1_100).contains(&hits), "{hits}");
    }
}
