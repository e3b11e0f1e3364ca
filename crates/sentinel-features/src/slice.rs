//! What one entity says about one event: a fixed list of numbers, the unit of exchange between the
//! owner of an entity and the owner of a decision.

use crate::window::WINDOW_COUNT;

/// One number of a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Events in a window.
    Count(usize),
    /// Sum of amounts in a window, minor units of the reference currency.
    Sum(usize),
    /// Mean amount in a window.
    Mean(usize),
    /// Greatest amount in a window.
    Max(usize),
    /// Distinct values of the entity's counterpart (merchants for a card, accounts for a device) in a window.
    Distinct(usize),
    /// This amount over the mean of the window's other amounts.
    AmountToMean(usize),
    /// This amount over the mean of all earlier amounts of the entity.
    AmountToMeanEver,
    /// Events of the entity so far.
    CountEver,
    /// Seconds since the entity's newest earlier event.
    SecondsSinceLast,
    /// Seconds since the entity's first event.
    SecondsSinceFirst,
    /// Kilometres from the entity's last place.
    DistanceKm,
    /// Kilometres an hour needed to come from the entity's last place.
    SpeedKmh,
}

/// Measures that come once per window.
const PER_WINDOW: usize = 6;

/// How many numbers a slice has.
pub const SLICE_WIDTH: usize = PER_WINDOW * WINDOW_COUNT + 6;

impl Measure {
    /// The place of this number in a slice.
    pub const fn index(self) -> usize {
        match self {
            Self::Count(w) => w,
            Self::Sum(w) => WINDOW_COUNT + w,
            Self::Mean(w) => 2 * WINDOW_COUNT + w,
            Self::Max(w) => 3 * WINDOW_COUNT + w,
            Self::Distinct(w) => 4 * WINDOW_COUNT + w,
            Self::AmountToMean(w) => 5 * WINDOW_COUNT + w,
            Self::AmountToMeanEver => PER_WINDOW * WINDOW_COUNT,
            Self::CountEver => PER_WINDOW * WINDOW_COUNT + 1,
            Self::SecondsSinceLast => PER_WINDOW * WINDOW_COUNT + 2,
            Self::SecondsSinceFirst => PER_WINDOW * WINDOW_COUNT + 3,
            Self::DistanceKm => PER_WINDOW * WINDOW_COUNT + 4,
            Self::SpeedKmh => PER_WINDOW * WINDOW_COUNT + 5,
        }
    }
}

/// The numbers one entity gives for one event; not-a-number means missing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slice(pub [f64; SLICE_WIDTH]);

impl Slice {
    /// The slice of an entity that the transaction does not name: everything missing.
    pub const MISSING: Self = Self([f64::NAN; SLICE_WIDTH]);

    /// One number.
    pub fn get(&self, measure: Measure) -> f64 {
        self.0[measure.index()]
    }

    pub(crate) fn set(&mut self, measure: Measure, value: f64) {
        self.0[measure.index()] = value;
    }
}
