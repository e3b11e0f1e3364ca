//! Latencies: nanoseconds into a histogram, microseconds out of it.
//!
//! Three significant digits, so that a tail is told apart without keeping every value. Promises that no
//! value is left out: one beyond the bound counts as the bound. Must never correct anything: where
//! requests are due at given times, latencies are taken from those times in the first place.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest latency told apart: ten minutes.
const LATENCY_NS_MAX: u64 = 600_000_000_000;

/// Latencies of one phase.
pub struct Latencies(Histogram<u64>);

/// What they were like, microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct LatencyFigures {
    pub p50: f64,
    pub p99: f64,
    pub p999: f64,
    pub p9999: f64,
    pub max: f64,
}

impl Latencies {
    /// None yet.
    pub fn new() -> Self {
        #[allow(
            clippy::expect_used,
            reason = "the bounds are constants the histogram accepts"
        )]
        let histogram = Histogram::new_with_bounds(1, LATENCY_NS_MAX, 3).expect("constant bounds");
        Self(histogram)
    }

    /// Takes one.
    pub fn take(&mut self, latency: Duration) {
        let ns = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.0.saturating_record(ns.clamp(1, LATENCY_NS_MAX));
    }

    /// Takes those of another phase or thread.
    pub fn add(&mut self, other: &Self) {
        // Both have the same bounds, so nothing can be out of range.
        let added = self.0.add(&other.0);
        debug_assert!(added.is_ok());
    }

    /// What they were like; all zero where there was none.
    #[allow(clippy::cast_precision_loss, reason = "nanoseconds of a bench")]
    pub fn figures(&self) -> LatencyFigures {
        let us = |ns: u64| ns as f64 / 1e3;
        let at = |quantile| us(self.0.value_at_quantile(quantile));
        LatencyFigures {
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
            p9999: at(0.9999),
            max: us(self.0.max()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_all_that_was_taken() {
        let (mut one, mut other) = (Latencies::new(), Latencies::new());
        for us in 1..=9_000 {
            one.take(Duration::from_micros(us));
        }
        for us in 9_001..=10_000 {
            other.take(Duration::from_micros(us));
        }
        one.add(&other);
        let LatencyFigures {
            p50,
            p99,
            p999,
            p9999,
            max,
        } = one.figures();
        for (found, expected) in [
            (p50, 5_000.0),
            (p99, 9_900.0),
            (p999, 9_990.0),
            (p9999, 9_999.0),
            (max, 10_000.0),
        ] {
            assert!((found / expected - 1.0).abs() < 0.002, "{found} {expected}");
        }
        assert_eq!(Latencies::new().figures(), LatencyFigures::default());
    }

    #[test]
    fn a_latency_beyond_the_bound_is_kept_as_the_bound() {
        let mut latencies = Latencies::new();
        latencies.take(Duration::from_secs(100_000));
        assert!((latencies.figures().max / 6e8 - 1.0).abs() < 0.002);
    }
}
