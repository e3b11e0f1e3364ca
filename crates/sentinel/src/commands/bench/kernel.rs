//! The kernel workload: one entity a row, two aggregates, four windows.
//!
//! A million transactions of fifty thousand cards over two days, cards by Zipf's law; for each row the
//! count and the sum of its card over 1 minute, 5 minutes, 1 hour and 24 hours. Everything else of a
//! transaction is absent. Each round starts from an engine that has seen nothing.

use clap::Args;
use sentinel_domain::transaction::EventType;
use sentinel_domain::{AccountId, CardToken, Currency, EventId, Instant, Money, Transaction};
use sentinel_features::{
    Aggregate, Definition, EntityKind, Family, Feature, FeatureEngine, FeatureSet, Missing, Number,
    Source, Unit, WindowIndex,
};
use sentinel_synth::Random;
use serde::Serialize;

use super::machine::{Machine, thread_ns};
use super::population::{Bytes, CHUNK_EVENTS};
use super::{BATCH_EVENTS, ReportArguments, report};
use crate::commands::usage;

/// Arguments of `sentinel bench kernel`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel bench kernel\n  \
    sentinel bench kernel -o json > before.json\n  \
    sentinel bench kernel --compare before.json")]
pub struct KernelArguments {
    /// Seed of the rows.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many rows.
    #[arg(long, default_value_t = 1_000_000)]
    transactions: usize,
    /// How many cards there are.
    #[arg(long, default_value_t = 50_000)]
    cards: usize,
    /// How unequal they are: the card of rank r pays in proportion to r to the power of minus this.
    #[arg(long, value_name = "EXPONENT", default_values_t = [0.8, 0.99])]
    zipf: Vec<f64>,
    /// Hours of event time.
    #[arg(long, default_value_t = 48)]
    hours: u32,
    /// How often it is done again; the best counts, the median stands beside it.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    #[command(flatten)]
    report: ReportArguments,
}

const WINDOWS: [WindowIndex; 4] = [
    WindowIndex::M1,
    WindowIndex::M5,
    WindowIndex::H1,
    WindowIndex::H24,
];

/// Outputs a row: count and sum of each window.
const WIDTH: usize = 2 * WINDOWS.len();

#[derive(Serialize)]
struct KernelReport {
    bench: &'static str,
    /// The least of the workloads.
    events_per_cpu_second: f64,
    workloads: Vec<Workload>,
    transactions: usize,
    cards: usize,
    hours: u32,
    rounds: usize,
    batch: usize,
    seed: u64,
    /// Bytes of one transaction as the engine is given it.
    transaction_bytes: usize,
    machine: Machine,
}

#[derive(Serialize)]
struct Workload {
    name: String,
    events_per_cpu_second: f64,
    events_per_cpu_second_median: f64,
    cpu_ns_per_event: f64,
    entities: usize,
    bytes_per_entity: Bytes,
    /// Rows whose windows were larger than what an entity may hold.
    estimated: usize,
    /// The sum of all outputs.
    checksum: f64,
    /// The sum of each output.
    sums: serde_json::Map<String, serde_json::Value>,
}

/// Runs the command.
pub fn run(arguments: &KernelArguments) -> anyhow::Result<()> {
    if arguments.cards == 0 || arguments.transactions == 0 || arguments.rounds == 0 {
        return Err(usage("--cards, --transactions and --rounds are at least 1"));
    }
    let machine = Machine::here();
    let set = FeatureSet::of_features(features())?;
    let workloads: Vec<Workload> = arguments
        .zipf
        .iter()
        .map(|exponent| measure(arguments, *exponent, &set))
        .collect();
    let rates = workloads.iter().map(|one| one.events_per_cpu_second);
    let report = KernelReport {
        bench: "kernel",
        events_per_cpu_second: rates.fold(f64::INFINITY, f64::min),
        workloads,
        transactions: arguments.transactions,
        cards: arguments.cards,
        hours: arguments.hours,
        rounds: arguments.rounds,
        batch: BATCH_EVENTS,
        seed: arguments.seed,
        transaction_bytes: size_of::<Transaction>(),
        machine,
    };
    report::print(&report, &arguments.report)
}

/// Count and sum of the card, window after window.
fn features() -> Vec<Feature> {
    let entry = |(window, aggregate): (WindowIndex, Aggregate)| {
        let word = match aggregate {
            Aggregate::Count => "count",
            _ => "sum",
        };
        Feature {
            name: format!("card_{word}_{}", window.window().name),
            family: Family::Velocity,
            unit: Unit::Raw,
            missing: Missing::NoEntity,
            doc: format!("{word} of the card"),
            example: 1.0,
            phrase: "{value}".to_owned(),
            source: Source::Windowed(Definition {
                entity: EntityKind::Card,
                aggregate,
                window,
                ratio_to: None,
                filter: None,
            }),
        }
    };
    WINDOWS
        .into_iter()
        .flat_map(|window| {
            [Aggregate::Count, Aggregate::Sum(Number::Amount)].map(|one| (window, one))
        })
        .map(entry)
        .collect()
}

/// The sums of a round's outputs, and what its engine was like at the end.
struct Round {
    ns: u64,
    sums: [f64; WIDTH],
    estimated: usize,
    engine: FeatureEngine,
}

#[allow(
    clippy::cast_precision_loss,
    reason = "counts and nanoseconds of a bench"
)]
fn measure(arguments: &KernelArguments, exponent: f64, set: &FeatureSet) -> Workload {
    let events = rows(arguments, exponent);
    let mut rounds: Vec<Round> = Vec::new();
    for _ in 0..arguments.rounds {
        let round = one_round(&events, set);
        let same = rounds.last().is_none_or(|last| last.sums == round.sums);
        assert!(same, "the same rows give the same outputs");
        rounds.push(round);
    }
    rounds.sort_by_key(|round| round.ns);
    let rate = |ns: u64| events.len() as f64 * 1e9 / ns.max(1) as f64;
    let median = rounds.get(rounds.len() / 2).map_or(0, |round| round.ns);
    let (best, sums, estimated) = rounds.first().map_or((0, [0.0; WIDTH], 0), |round| {
        (round.ns, round.sums, round.estimated)
    });
    let kind = EntityKind::Card;
    let engine = rounds.first().map(|round| &round.engine);
    let names = set.names().into_iter().map(str::to_owned);
    Workload {
        name: format!("zipf_{exponent}"),
        events_per_cpu_second: rate(best),
        events_per_cpu_second_median: rate(median),
        cpu_ns_per_event: best as f64 / events.len() as f64,
        entities: engine.map_or(0, |engine| engine.entities(kind)),
        bytes_per_entity: engine
            .map(|engine| Bytes::of_kind(engine, kind))
            .unwrap_or_default(),
        estimated,
        checksum: sums.iter().sum(),
        sums: names.zip(sums.map(Into::into)).collect(),
    }
}

/// One pass over the rows. Inside the clock: the engine, and one addition an output for the checksum.
/// Transactions are made a few at a time outside of it, so that they are in the cache still when they are
/// applied, as those are that a server has just read.
fn one_round(rows: &[Row], set: &FeatureSet) -> Round {
    let mut engine = FeatureEngine::new(set.clone());
    let mut outputs = [0.0; BATCH_EVENTS * WIDTH];
    let mut applied = Vec::with_capacity(BATCH_EVENTS);
    let mut sums = [0.0; WIDTH];
    let (mut estimated, mut ns) = (0, 0);
    for chunk in rows.chunks(CHUNK_EVENTS) {
        let transactions: Vec<Transaction> = chunk.iter().map(Row::transaction).collect();
        let events: Vec<(&Transaction, Option<i64>)> = transactions
            .iter()
            .map(|transaction| (transaction, Some(transaction.amount_minor)))
            .collect();
        let started = thread_ns();
        for batch in events.chunks(BATCH_EVENTS) {
            applied.clear();
            let (rows, _) = outputs.split_at_mut(batch.len() * WIDTH);
            engine.apply_batch(batch, rows, &mut applied);
            for row in rows.chunks_exact(WIDTH) {
                for (sum, value) in sums.iter_mut().zip(row) {
                    *sum += value;
                }
            }
            estimated += applied.iter().filter(|one| one.estimated).count();
        }
        ns += thread_ns() - started;
    }
    Round {
        ns,
        sums,
        estimated,
        engine,
    }
}

/// What tells one row from another.
struct Row {
    time: Instant,
    card: usize,
    minor: i64,
}

impl Row {
    fn transaction(&self) -> Transaction {
        let amount = Money {
            minor: self.minor,
            currency: Currency::USD,
        };
        let mut transaction = Transaction::required(
            EventId::new("e"),
            EventType::CardAuth,
            self.time,
            AccountId::new("a"),
            amount,
        );
        transaction.card_token = Some(CardToken::new(format!("card-{}", self.card)));
        transaction
    }
}

/// The rows, in order of time.
fn rows(arguments: &KernelArguments, exponent: f64) -> Vec<Row> {
    let mut random = Random::new(arguments.seed);
    let span_ms = u64::from(arguments.hours.max(1)) * 3_600_000;
    let mut times: Vec<u64> = (0..arguments.transactions)
        .map(|_| random.below(span_ms))
        .collect();
    times.sort_unstable();
    let bounds = zipf_bounds(arguments.cards, exponent);
    // Any start will do.
    let start = Instant::from_seconds(1_767_571_200);
    let row = |time_ms: u64| {
        let draw = random.unit();
        let card = bounds.partition_point(|bound| *bound <= draw);
        let micros = i64::try_from(time_ms * 1_000).unwrap_or(0);
        let minor = i64::try_from(random.between(100, 90_000)).unwrap_or(0);
        Row {
            time: start.plus_micros(micros),
            card,
            minor,
        }
    };
    times.into_iter().map(row).collect()
}

/// For each rank, the chance that a row is of it or of an earlier one.
#[allow(clippy::cast_precision_loss, reason = "ranks are small")]
fn zipf_bounds(cards: usize, exponent: f64) -> Vec<f64> {
    let mut total = 0.0;
    let mut bounds: Vec<f64> = (1..=cards)
        .map(|rank| {
            total += libm::pow(rank as f64, -exponent);
            total
        })
        .collect();
    for bound in &mut bounds {
        *bound /= total;
    }
    // Rounding must not leave a chance beyond the last card.
    if let Some(last) = bounds.last_mut() {
        *last = 1.0;
    }
    bounds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_pay_by_their_law() {
        let bounds = zipf_bounds(1_000, 0.8);
        let first = bounds[0];
        let second = bounds[1] - bounds[0];
        assert!((second / first - libm::pow(2.0, -0.8)).abs() < 1e-12);
        assert_eq!(bounds.last(), Some(&1.0));
    }
}
