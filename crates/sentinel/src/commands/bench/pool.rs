//! The transactions of a measurement: synthetic payments, spelled as JSON before any clock starts.
//!
//! Promises that every event id is there once, so that nothing is answered from memory as a repeat, and
//! that event time goes on rising over the pool, so that windows fill and empty as they do in service.
//! Must never hand out a transaction twice.

use clap::Args;
use sentinel_domain::{Instant, MICROS_PER_SECOND, Transaction};
use sentinel_pipeline::intake::json;
use sentinel_synth::{Options, Stream};
use serde::Serialize;

use crate::commands::usage;

/// Which transactions are made.
#[derive(Args, Debug)]
pub struct PoolArguments {
    /// Seed of the transactions.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Payments in a second of event time: the world has 1,200 customers for each, within 5,000 and 2
    /// million, so that a customer pays once in twenty minutes.
    #[arg(long, value_name = "RATE", default_value_t = 100.0)]
    pub event_rate: f64,
}

impl PoolArguments {
    /// A stream whose first event is at `start`.
    pub fn stream(&self, start: Instant, id_prefix: &str) -> anyhow::Result<Stream> {
        if !self.event_rate.is_finite() || !(0.01..=1e6).contains(&self.event_rate) {
            return Err(usage("--event-rate is a number from 0.01 to 1000000"));
        }
        Ok(Stream::new(Options {
            id_prefix: id_prefix.to_owned(),
            repeat_share: 0.0,
            ..Options::for_rate(self.seed, start, self.event_rate)
        }))
    }

    /// How much event time so many transactions take.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "the length of a bench"
    )]
    pub fn micros(&self, transactions: usize) -> i64 {
        (transactions as f64 / self.event_rate * MICROS_PER_SECOND as f64) as i64
    }
}

/// Transactions ready to be sent.
#[derive(Default)]
pub struct Pool {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    first: Option<Instant>,
    last: Option<Instant>,
}

/// What a pool was like.
#[derive(Debug, Serialize)]
pub struct PoolFigures {
    transactions: usize,
    bytes: usize,
    /// From the first event to the last.
    event_seconds: f64,
}

impl Pool {
    /// Takes so many of a stream.
    pub fn of(stream: Stream, transactions: usize) -> Self {
        let generated = stream.take(transactions);
        Self::of_transactions(generated.map(|generated| generated.transaction))
    }

    /// Takes transactions in the order in which they will be sent.
    pub fn of_transactions(transactions: impl Iterator<Item = Transaction>) -> Self {
        let mut pool = Self::default();
        for transaction in transactions {
            json::write_transaction(&transaction, &mut pool.bytes);
            pool.ends.push(pool.bytes.len());
            pool.first.get_or_insert(transaction.event_time);
            pool.last = pool.last.max(Some(transaction.event_time));
        }
        pool
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// One transaction as JSON; empty beyond the end.
    pub fn body(&self, index: usize) -> &[u8] {
        let start = match index.checked_sub(1) {
            None => Some(0),
            Some(before) => self.ends.get(before).copied(),
        };
        let range = start.zip(self.ends.get(index).copied());
        range
            .and_then(|(start, end)| self.bytes.get(start..end))
            .unwrap_or_default()
    }

    /// What it is like.
    #[allow(clippy::cast_precision_loss, reason = "the length of a bench")]
    pub fn figures(&self) -> PoolFigures {
        let micros = self.first.zip(self.last);
        let micros = micros.map_or(0, |(first, last)| last.micros_since(first));
        PoolFigures {
            transactions: self.ends.len(),
            bytes: self.bytes.len(),
            event_seconds: micros as f64 / MICROS_PER_SECOND as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_event_is_there_once_and_time_rises() {
        let arguments = PoolArguments {
            seed: 3,
            event_rate: 10.0,
        };
        let start = Instant::from_seconds(1_770_000_000);
        let pool = Pool::of(arguments.stream(start, "p-").unwrap(), 2_000);
        let all: Vec<_> = (0..2_000)
            .map(|index| json::parse_transaction(pool.body(index)).unwrap())
            .collect();
        let ids: BTreeSet<&str> = all.iter().map(|one| one.event_id.as_str()).collect();
        assert_eq!(ids.len(), 2_000);
        assert!(ids.iter().all(|id| id.starts_with("p-")));
        let rising = all
            .windows(2)
            .filter(|pair| pair[0].event_time <= pair[1].event_time)
            .count();
        // Late payments are part of the traffic.
        assert!(rising > 1_950, "{rising}");
        let seconds = pool.figures().event_seconds;
        assert!((150.0..250.0).contains(&seconds), "{seconds}");
        assert!(pool.body(2_000).is_empty());
    }

    #[test]
    fn a_rate_that_is_no_rate_is_refused() {
        for event_rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let arguments = PoolArguments {
                seed: 1,
                event_rate,
            };
            let refused = arguments.stream(Instant::from_seconds(0), "");
            let told = refused.err().unwrap().to_string();
            assert!(told.contains("--event-rate"), "{told}");
        }
    }
}
