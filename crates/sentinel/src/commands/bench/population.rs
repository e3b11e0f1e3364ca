//! Every shipped feature over millions of live entities: time and memory.
//!
//! The state is filled first, at the pace of real accounts (1.1 payments a day), until as many entities
//! live as were asked for; then fresh payments are timed. Payments are made in chunks outside the clock;
//! inside it the engine alone works, in batches of 64.

use clap::Args;
use sentinel_domain::Transaction;
use sentinel_features::{EntityKind, FeatureEngine, FeatureSet, Weight};
use serde::Serialize;

use super::machine::{Machine, resident_bytes, thread_ns};
use super::traffic::{Chunk, Manner, PAYMENTS_PER_ACCOUNT_DAY, Population, Traffic};
use super::{BATCH_EVENTS, ReportArguments, report};
use crate::commands::usage;
use crate::diagnostics::tell;

/// Arguments of `sentinel bench features`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel bench features\n  \
    sentinel bench features --all-kinds --sweep --hot -o json > figures.json\n  \
    sentinel bench features --compare figures.json")]
pub struct PopulationArguments {
    /// Live entities of all kinds, taken together, at least: accounts, cards, devices, addresses,
    /// merchants, and the pairs and networks that come with them.
    #[arg(long, default_value_t = 3_000_000)]
    entities: u64,
    /// Seed of the payments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many payments are timed.
    #[arg(long, default_value_t = 1_000_000)]
    events: usize,
    /// Measure again with customer, terminal, counterparty, e-mail, BIN, category and country.
    #[arg(long)]
    all_kinds: bool,
    /// Measure at 100,000 and at 10 million live entities too.
    #[arg(long)]
    sweep: bool,
    /// Measure with one payment in five on one card, and on one merchant.
    #[arg(long)]
    hot: bool,
    #[command(flatten)]
    report: ReportArguments,
}

/// Payments made at once, outside the clock: few enough to be in the cache still when they are applied,
/// as those are that a server has just read.
pub(super) const CHUNK_EVENTS: usize = 256;
/// Payments whose time is taken together.
const GROUP_EVENTS: usize = 16_384;

/// Payments of an account before the clock starts.
const FILL_PER_ACCOUNT: f64 = 4.5;

/// The sizes between which throughput is compared.
const SWEEP: [u64; 2] = [100_000, 10_000_000];

/// The kinds that a run has hot.
const HOT: [EntityKind; 2] = [EntityKind::Card, EntityKind::Merchant];

#[derive(Serialize)]
struct PopulationReport {
    bench: &'static str,
    features: usize,
    /// The figures of accounts, cards, devices, addresses and merchants.
    #[serde(flatten)]
    base: Figures,
    #[serde(skip_serializing_if = "Option::is_none")]
    all_kinds: Option<Figures>,
    /// Nanoseconds that one more entity of a payment costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_ns_per_further_entity: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sweep: Vec<Figures>,
    /// Throughput at 10 million entities over that at 100,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio_10m_to_100k: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hot: Vec<Figures>,
    /// The share of throughput that the worse hot key costs; negative where it is faster.
    #[serde(skip_serializing_if = "Option::is_none")]
    hot_key_loss: Option<f64>,
    /// Payments of an account in a day of event time.
    payments_per_account_day: f64,
    batch: usize,
    seed: u64,
    machine: Machine,
}

/// What one run gave.
#[derive(Serialize)]
struct Figures {
    name: String,
    cpu_ns_per_event: f64,
    events_per_cpu_second: f64,
    /// The chunk of 65,536 payments in the middle, and the fastest.
    cpu_ns_per_event_median: f64,
    cpu_ns_per_event_best: f64,
    /// Live entities of every kind, pairs and networks included.
    entities: usize,
    /// Entities that one payment names.
    entities_per_event: usize,
    bytes_per_entity: Bytes,
    /// What the engine says it holds.
    census_bytes: usize,
    /// By how much the process grew while the state was filled and measured: includes spare room of the
    /// allocator, and one chunk of payments.
    resident_bytes_grown: u64,
    events_filled: usize,
    events_timed: usize,
    /// Days of event time while the state was filled, and while it was measured.
    days_filled: f64,
    days_timed: f64,
    labels_timed: usize,
    estimated: usize,
    census: Vec<KindFigures>,
}

#[derive(Serialize)]
struct KindFigures {
    name: &'static str,
    entities: usize,
    small: ClassFigures,
    medium: ClassFigures,
    large: ClassFigures,
    bytes: Bytes,
}

/// Entities whose rings are of one class.
#[derive(Serialize)]
struct ClassFigures {
    entities: usize,
    bytes: Bytes,
}

impl ClassFigures {
    fn of((entities, weight): (usize, Weight)) -> Self {
        Self {
            entities,
            bytes: Bytes::of_weight(weight),
        }
    }
}

/// Bytes of an entity.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Bytes {
    p50: usize,
    mean: usize,
    p99: usize,
}

impl Bytes {
    /// Of the entities of one kind.
    pub fn of_kind(engine: &FeatureEngine, kind: EntityKind) -> Self {
        let census = engine.census();
        let found = census.kinds.iter().find(|one| one.kind == kind);
        found.map(Self::of).unwrap_or_default()
    }

    fn of(kind: &sentinel_features::KindCensus) -> Self {
        Self::of_weight(kind.bytes)
    }

    fn of_weight(weight: Weight) -> Self {
        Self {
            p50: weight.p50,
            mean: weight.mean,
            p99: weight.p99,
        }
    }
}

/// Runs the command.
pub fn run(arguments: &PopulationArguments) -> anyhow::Result<()> {
    if arguments.events == 0 || arguments.entities == 0 {
        return Err(usage("--entities and --events are at least 1"));
    }
    let machine = Machine::here();
    let bench = Bench {
        set: FeatureSet::shipped(),
        seed: arguments.seed,
        events: arguments.events,
    };
    let asked = bench.population(arguments.entities);
    let base = bench.run("base", asked, arguments.entities, Manner::default());
    let with_all_kinds = Manner {
        with_all_kinds: true,
        ..Manner::default()
    };
    let all_kinds = arguments
        .all_kinds
        .then(|| bench.run("all_kinds", asked, arguments.entities, with_all_kinds));
    let sweep = if arguments.sweep {
        bench.sweep()
    } else {
        Vec::new()
    };
    let hot: Vec<Figures> = HOT
        .iter()
        .filter(|_| arguments.hot)
        .map(|kind| {
            let manner = Manner {
                hot: Some(*kind),
                ..Manner::default()
            };
            bench.run(kind.as_str(), asked, 0, manner)
        })
        .collect();
    let slowest = hot.iter().map(|one| one.cpu_ns_per_event).reduce(f64::max);
    let report = PopulationReport {
        bench: "features",
        features: bench.set.width(),
        cpu_ns_per_further_entity: all_kinds.as_ref().map(|all| further(&base, all)),
        ratio_10m_to_100k: match &sweep[..] {
            [few, .., many] => Some(few.cpu_ns_per_event / many.cpu_ns_per_event),
            _ => None,
        },
        hot_key_loss: slowest.map(|slowest| 1.0 - base.cpu_ns_per_event / slowest),
        base,
        all_kinds,
        sweep,
        hot,
        payments_per_account_day: PAYMENTS_PER_ACCOUNT_DAY,
        batch: BATCH_EVENTS,
        seed: arguments.seed,
        machine,
    };
    report::print(&report, &arguments.report)
}

#[allow(clippy::cast_precision_loss, reason = "a handful of entities")]
fn further(base: &Figures, all: &Figures) -> f64 {
    let more = all
        .entities_per_event
        .saturating_sub(base.entities_per_event);
    (all.cpu_ns_per_event - base.cpu_ns_per_event) / more.max(1) as f64
}

/// What all runs of one report share.
struct Bench {
    set: FeatureSet,
    seed: u64,
    events: usize,
}

/// A filled engine and what the clock has said so far.
struct Run {
    engine: FeatureEngine,
    traffic: Traffic,
    rows: Vec<f64>,
    chunk: Chunk,
    estimated: usize,
    labels: usize,
}

impl Bench {
    /// Runs at each size of the sweep.
    fn sweep(&self) -> Vec<Figures> {
        let runs = SWEEP.iter().map(|target| {
            let population = self.population(*target);
            self.run(&format!("{target}"), population, 0, Manner::default())
        });
        runs.collect()
    }

    /// As many accounts, with what they have, as bring about so many live entities of all kinds. How many
    /// an account brings is measured on few: the pairs that it makes follow from what it does.
    fn population(&self, live: u64) -> Population {
        const TRIAL: u64 = 60_000;
        let (filled, _) = self.filled(Population::of(TRIAL), 0, Manner::default());
        let brought = u64::try_from(filled.live()).unwrap_or(0).max(1);
        Population::of(TRIAL * live / brought)
    }

    /// Fills, measures and counts. A small population is filled and measured again and again, so that
    /// its clock runs over as many payments, and its histories stay as long, as those of a large one.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "counts of payments"
    )]
    fn run(&self, name: &str, population: Population, least: u64, manner: Manner) -> Figures {
        tell(&format!("bench: {name}: filling, then timing"));
        let resident = resident_bytes();
        let a_round = self.events.min(population.accounts as usize);
        let rounds = self.events.div_ceil(a_round);
        let mut chunks: Vec<(u64, usize)> = Vec::new();
        for _ in 1..rounds {
            let (mut run, _) = self.filled(population, least, manner);
            run.timed(a_round, &mut chunks);
        }
        let (mut run, events_filled) = self.filled(population, least, manner);
        let filled_until = run.traffic.now_ms();
        (run.estimated, run.labels) = (0, 0);
        run.timed(a_round, &mut chunks);
        let days_timed = (run.traffic.now_ms() - filled_until) as f64 / 86_400_000.0;
        let total_ns: u64 = chunks.iter().map(|(ns, _)| ns).sum();
        let events_timed: usize = chunks.iter().map(|(_, events)| events).sum();
        let mut each: Vec<f64> = chunks
            .iter()
            .map(|(ns, events)| *ns as f64 / (*events).max(1) as f64)
            .collect();
        each.sort_by(f64::total_cmp);
        let census = run.engine.census();
        Figures {
            name: name.to_owned(),
            cpu_ns_per_event: total_ns as f64 / events_timed as f64,
            events_per_cpu_second: events_timed as f64 * 1e9 / total_ns.max(1) as f64,
            cpu_ns_per_event_median: each.get(each.len() / 2).copied().unwrap_or(0.0),
            cpu_ns_per_event_best: each.first().copied().unwrap_or(0.0),
            entities: run.live(),
            entities_per_event: census.kinds.iter().filter(|one| one.entities > 0).count(),
            bytes_per_entity: Bytes::of_weight(census.bytes),
            census_bytes: run.engine.bytes(),
            resident_bytes_grown: resident_bytes().saturating_sub(resident),
            events_filled,
            events_timed,
            days_filled: events_filled as f64
                / (population.accounts as f64 * PAYMENTS_PER_ACCOUNT_DAY),
            days_timed,
            labels_timed: run.labels,
            estimated: run.estimated,
            census: census.kinds.iter().map(KindFigures::of).collect(),
        }
    }

    /// An engine with a population in it, and how many payments that took.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of payments"
    )]
    fn filled(&self, population: Population, least: u64, manner: Manner) -> (Run, usize) {
        let mut run = Run {
            engine: FeatureEngine::new(self.set.clone()),
            traffic: Traffic::new(self.seed, population, manner),
            rows: vec![f64::NAN; BATCH_EVENTS * self.set.width()],
            chunk: Chunk::default(),
            estimated: 0,
            labels: 0,
        };
        let wanted = (population.accounts as f64 * FILL_PER_ACCOUNT) as usize;
        let mut made = 0;
        while made < wanted || (run.live() as u64) < least {
            run.timed(GROUP_EVENTS, &mut Vec::new());
            made += GROUP_EVENTS;
        }
        (run, made)
    }
}

impl Run {
    /// Makes payments and applies them; the clock of each group is appended.
    fn timed(&mut self, events: usize, groups: &mut Vec<(u64, usize)>) {
        let mut left = events;
        while left > 0 {
            let count = left.min(CHUNK_EVENTS);
            self.traffic.fill(&mut self.chunk, count);
            let ns = self.apply_chunk();
            match groups
                .last_mut()
                .filter(|(_, events)| *events < GROUP_EVENTS)
            {
                Some(group) => *group = (group.0 + ns, group.1 + count),
                None => groups.push((ns, count)),
            }
            left -= count;
        }
    }

    /// Applies the chunk; gives the nanoseconds of this thread that the engine took.
    fn apply_chunk(&mut self) -> u64 {
        let events: Vec<(&Transaction, Option<i64>)> = self
            .chunk
            .transactions
            .iter()
            .map(|one| (one, Some(one.amount_minor)))
            .collect();
        let width = self.engine.set().width();
        let mut applied = Vec::with_capacity(BATCH_EVENTS);
        let mut labels = self.chunk.labels.iter().peekable();
        let started = thread_ns();
        for (number, batch) in events.chunks(BATCH_EVENTS).enumerate() {
            while let Some((_, label)) =
                labels.next_if(|(place, _)| *place < (number + 1) * BATCH_EVENTS)
            {
                self.engine.apply_label(label);
                self.labels += 1;
            }
            applied.clear();
            let (rows, _) = self.rows.split_at_mut(batch.len() * width);
            self.engine.apply_batch(batch, rows, &mut applied);
            self.estimated += applied.iter().filter(|one| one.estimated).count();
        }
        thread_ns() - started
    }

    /// Live entities of every kind.
    fn live(&self) -> usize {
        let kinds = EntityKind::ALL.iter();
        kinds.map(|kind| self.engine.entities(*kind)).sum()
    }
}

impl KindFigures {
    fn of(kind: &sentinel_features::KindCensus) -> Self {
        Self {
            name: kind.kind.as_str(),
            entities: kind.entities,
            small: ClassFigures::of(kind.classes[0]),
            medium: ClassFigures::of(kind.classes[1]),
            large: ClassFigures::of(kind.classes[2]),
            bytes: Bytes::of(kind),
        }
    }
}
