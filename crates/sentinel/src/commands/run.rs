//! `sentinel run`: the main job on a stream. Reads a table or JSON lines, decides on every row, writes one
//! JSON object a decision.
//!
//! ```text
//!  input ─▶ reader ─▶ transaction log ─▶ worker ─▶ decision log
//!             │ ledger: rows, rejects        │ outcomes
//!             └──────────────┬───────────────┘
//!                         writer ─▶ output, dead letters, summary
//! ```
//!
//! The entries a file gives are a function of the file and its mapping, and the output is a function of
//! the log. So a run that was killed starts again with the same arguments: the reader skips what the log
//! holds, the worker replays it, and the finished output is the same bytes. No snapshot would spare that replay: the
//! output is written anew, and holds every decision.

mod files;
pub mod input;
pub mod labels;
pub mod ledger;
mod manifest;
mod parquet;
mod poison;
mod summary;
mod writer;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use anyhow::Context;
use clap::Args;
use sentinel_domain::{Entry, Instant, LogId, Offset};
use sentinel_eventlog::{EventLog, MemoryOptions, Payloads, encode_entry};
use sentinel_features::{AttributeKind, EntityKind, FeatureSet};
use sentinel_pipeline::RecordedLogs;
use sentinel_pipeline::mapping::{FeatureKind, Mapping};
use sentinel_pipeline::statistics::Statistics;
use sentinel_pipeline::worker::{Published, Worker};

use self::input::{Input, Rows};
use self::ledger::{Held, Ledger, Reader};
use self::manifest::Manifest;
use self::writer::{Writer, WriterOptions};
use crate::clock;
use crate::commands::usage;
use crate::compose::{self, DataDirectory, SlowLane};
use crate::content::{ContentArguments, Contents};
use crate::diagnostics;

/// Un-applied payload bytes that a log without a data directory holds before the reader waits.
const MEMORY_LOG_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Batches between two threads before the faster one waits.
const CHANNEL_BATCHES: usize = 32;

/// Arguments of `sentinel run`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel run --input payments.jsonl --output decisions.jsonl\n  \
    sentinel run --input transactions.csv.zst --mapping fixtures/mappings/handbook.toml --output out.jsonl\n  \
    zcat payments.jsonl.gz | sentinel run --input - | jq -c 'select(.decision != \"approve\")'")]
pub struct RunArguments {
    /// CSV or JSON lines, plain or compressed (.zst, .gz), or Parquet; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,
    /// Maps the table's columns to the canonical transaction.
    #[arg(long, value_name = "FILE.toml")]
    pub mapping: Option<PathBuf>,
    /// What was learnt about rows of the input, beside what its mapping says: JSON lines, as `sentinel
    /// generate` writes them.
    #[arg(long, value_name = "FILE.jsonl")]
    pub labels: Option<PathBuf>,
    /// One JSON object a decision; `-` for standard output.
    #[arg(long, value_name = "FILE.jsonl", default_value = "-")]
    pub output: PathBuf,
    /// Keep log, decisions and alerts here; a run that was killed goes on where its log ends.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Leave out what differs between two runs (latency), and derive the log id from the configuration.
    #[arg(long)]
    pub reproducible: bool,
    /// End with exit code 1 where a row was rejected.
    #[arg(long)]
    pub strict: bool,
    /// Write the summary as JSON too.
    #[arg(long, value_name = "FILE")]
    pub summary_json: Option<PathBuf>,
    /// Where rejected rows go; default: beside the output, or `dead-letters.jsonl` in the data directory.
    #[arg(long, value_name = "FILE")]
    pub dead_letters: Option<PathBuf>,
    /// The clock against which events from the future are told (RFC 3339); default: the machine's.
    #[arg(long, value_name = "INSTANT")]
    pub now: Option<String>,
    #[command(flatten)]
    pub content: ContentArguments,
}

/// Runs the command.
pub fn run(arguments: RunArguments) -> anyhow::Result<ExitCode> {
    diagnostics::start("warn");
    let interrupted = catch_interrupt(&arguments.input)?;
    let dead_letters = dead_letters_path(&arguments);
    files::check(&arguments, &dead_letters)?;
    let mapping = arguments.mapping.as_deref().map(load_mapping).transpose()?;
    let labels = arguments.labels.as_deref().map(labels::read).transpose()?;
    let contents = Contents::load(&arguments.content, &feature_set(mapping.as_ref()))?;
    let named_now = arguments.now.as_deref().map(parse_now).transpose()?;
    // Opened before anything is made or emptied: an input that cannot be read costs nothing.
    let mut input = Input::open(&arguments.input)?;
    let mut manifest = Manifest::of(&arguments, &contents, named_now.unwrap_or_else(clock::now))?;
    let directory = arguments
        .data_dir
        .as_deref()
        .map(DataDirectory::open)
        .transpose()?;
    if let Some(directory) = &directory {
        manifest.claim(directory, named_now.is_some())?;
    }
    let mut source = input.read(mapping, manifest.now())?;
    source.add_labels(labels.unwrap_or_default());
    let logs = Logs::open(directory.as_ref(), &manifest, arguments.reproducible)?;
    let already = append_contents(&logs.transactions, &contents, manifest.source())?;
    let first_entry = Offset(contents.activations.len() as u64);
    let writer = Writer::open(WriterOptions {
        output: &arguments.output,
        dead_letters: &dead_letters,
        source_name: &arguments.input.display().to_string(),
        with_latency: !arguments.reproducible,
        first_entry,
    })?;
    let job = Job {
        source: manifest.source(),
        already,
        first_entry,
        logs,
        interrupted: Arc::clone(&interrupted),
    };
    let finished = job.run((source, input), writer, directory.as_ref())?;
    summary::report(&arguments, &finished)?;
    if interrupted.load(Relaxed) {
        diagnostics::tell(match directory {
            Some(_) => "interrupted: start again with the same arguments to go on",
            None => "interrupted: with --data-dir, a run could go on from here",
        });
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let strict_failure = arguments.strict && finished.figures.rejected > 0;
    Ok(if strict_failure {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The exit code after Ctrl-C, as shells have it.
const INTERRUPTED: u8 = 130;

/// A flag that the first Ctrl-C raises; the second one ends the process at once. A pipe may wait for ever
/// for its next row, so there Ctrl-C ends the process as usual.
fn catch_interrupt(input: &std::path::Path) -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    if !input.is_file() {
        return Ok(flag);
    }
    let signal = signal_hook::consts::SIGINT;
    signal_hook::flag::register_conditional_shutdown(
        signal,
        i32::from(INTERRUPTED),
        Arc::clone(&flag),
    )
    .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&flag)))
    .context("listen for Ctrl-C")?;
    Ok(flag)
}

fn parse_now(text: &str) -> anyhow::Result<Instant> {
    Instant::parse_rfc3339(text).ok_or_else(|| {
        usage(format!(
            "--now {text:?} is not an instant such as 2026-11-21T13:00:00Z"
        ))
    })
}

/// The logs of a run.
struct Logs {
    transactions: EventLog,
    /// With the decision log beside it, where there is a data directory.
    recorded: Option<RecordedLogs>,
}

impl Logs {
    fn open(
        directory: Option<&DataDirectory>,
        manifest: &Manifest,
        reproducible: bool,
    ) -> anyhow::Result<Self> {
        let log_id: LogId = if reproducible {
            manifest.log_id()
        } else {
            compose::random_log_id()
        };
        let Some(directory) = directory else {
            let options = MemoryOptions {
                log_id,
                bytes_max: MEMORY_LOG_BYTES_MAX,
            };
            return Ok(Self {
                transactions: EventLog::memory(options),
                recorded: None,
            });
        };
        let transactions = directory.transactions(log_id)?;
        let decisions = directory.decisions(&transactions)?;
        let recorded = RecordedLogs::new(transactions.clone(), decisions);
        recorded.check_semantics()?;
        Ok(Self {
            transactions,
            recorded: Some(recorded),
        })
    }
}

/// A run with everything open.
struct Job {
    logs: Logs,
    source: u64,
    /// Entries of this source that the log holds already.
    already: u64,
    /// Where they begin.
    first_entry: Offset,
    interrupted: Arc<AtomicBool>,
}

/// What a finished run tells.
pub struct Finished {
    /// Counts and latencies.
    pub figures: sentinel_pipeline::statistics::Figures,
    /// Where rejected rows are, and how many.
    pub dead_letters: (PathBuf, u64),
    /// How long it took.
    pub seconds: f64,
}

impl Job {
    fn run(
        self,
        input: (Rows, Input),
        writer: Writer,
        directory: Option<&DataDirectory>,
    ) -> anyhow::Result<Finished> {
        let started = std::time::Instant::now();
        let Logs {
            transactions,
            recorded,
        } = self.logs;
        let statistics = Arc::new(Statistics::default());
        let mut worker = match recorded.clone() {
            Some(recorded) => {
                let noted = directory.map(|directory| poison::noted(directory, &recorded));
                let worker = Worker::recording(recorded, Arc::clone(&statistics))?;
                worker.noting(noted.transpose()?)
            }
            None => Worker::publishing(transactions.clone(), Arc::clone(&statistics)),
        };
        let (ledger, ledgers) = crossbeam_channel::bounded::<Ledger>(CHANNEL_BATCHES);
        let (outcome, outcomes) = crossbeam_channel::bounded::<Published>(CHANNEL_BATCHES);
        let reading_ended = AtomicBool::new(false);
        let reader = Reader {
            log: transactions.clone(),
            source: self.source,
            already: self.already,
            held: Held::new(transactions.clone(), self.first_entry),
            statistics: Arc::clone(&statistics),
            interrupted: self.interrupted,
        };
        let (dead_letters, slow_lane) = std::thread::scope(|scope| {
            let _closing = CloseOnPanic(&transactions);
            let ended = &reading_ended;
            let reading = scope.spawn(move || {
                // However reading ends, the worker must not wait for more.
                let _end = SetOnDrop(ended);
                reader.read(input, &ledger)
            });
            let writing = scope.spawn(move || writer.write(&ledgers, &outcomes));
            // The writer ends early only with an error, which is told below.
            let publish = &mut |_: &_, published: Published| drop(outcome.send(published));
            let working = worker
                .catch_up(publish)
                .context("replay the log")
                .and_then(|()| {
                    // Only now: what recorded decisions name has been learnt by the replay.
                    let slow_lane = start_slow_lane(recorded.as_ref(), directory)?;
                    worker
                        .run(publish, &mut |_| {}, &|| ended.load(Relaxed))
                        .context("decide")?;
                    Ok(slow_lane)
                });
            if working.is_err() {
                // A reader that waits for room would wait for ever.
                let _ = transactions.close();
            }
            drop(outcome);
            let read = joined(reading.join());
            let written = joined(writing.join());
            let slow_lane = working?;
            worker.end()?;
            read?;
            anyhow::Ok((written?, slow_lane))
        })?;
        transactions.close()?;
        if let Some(recorded) = &recorded {
            recorded.decisions.flush()?;
            slow_lane.map_or(Ok(()), SlowLane::finish)?;
            recorded.decisions.close()?;
        }
        Ok(Finished {
            figures: statistics.figures(),
            dead_letters,
            seconds: started.elapsed().as_secs_f64(),
        })
    }
}

/// Alerts, cases and messages of a run with a data directory.
fn start_slow_lane(
    recorded: Option<&RecordedLogs>,
    directory: Option<&DataDirectory>,
) -> anyhow::Result<Option<SlowLane>> {
    match (recorded, directory) {
        (Some(recorded), Some(directory)) => SlowLane::start(recorded.clone(), directory).map(Some),
        _ => Ok(None),
    }
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Closes the log where this thread panics: a reader that waits for room would wait for ever, and the process with it.
struct CloseOnPanic<'a>(&'a EventLog);

impl Drop for CloseOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The panic is told; what cannot be closed changes nothing about it.
            let _ = self.0.close();
        }
    }
}

/// A thread's result; its panic goes on here.
fn joined<T>(result: std::thread::Result<T>) -> T {
    result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Appends the contents to an empty log. Returns how many entries of the source the log holds.
fn append_contents(log: &EventLog, contents: &Contents, source: u64) -> anyhow::Result<u64> {
    let own = contents.activations.len() as u64;
    let already = log.source_next(source);
    if log.end() == Offset(0) {
        let mut payloads = Payloads::default();
        for activation in &contents.activations {
            let entry = Entry::Activation(Box::new(activation.clone()));
            payloads.push_with(|out| encode_entry(&entry, out));
        }
        // File sources have no clock: log time starts where time starts and follows the events.
        let start = Instant::from_micros(Instant::RANGE_MICROS.start);
        log.append(start, None, &payloads)?;
        log.flush()?;
    } else if log.end() != Offset(own + already) {
        return Err(usage(format!(
            "the log ends at {}, but this input accounts for {own} + {already} entries: the data \
             directory was used by something else too; name another --data-dir",
            log.end()
        )));
    }
    Ok(already)
}

/// Reads a mapping; faults are wrong usage and name the file.
pub fn load_mapping(path: &std::path::Path) -> anyhow::Result<Mapping> {
    let text = String::from_utf8(crate::content::read(path)?)
        .map_err(|_| usage(format!("read {}: it is not UTF-8", path.display())))?;
    Mapping::parse(&text).map_err(|error| usage(format!("read {}: {error}", path.display())))
}

/// The catalogue, without the windows of entities that the mapping makes constant, with its attributes.
pub fn feature_set(mapping: Option<&Mapping>) -> FeatureSet {
    let Some(mapping) = mapping else {
        return FeatureSet::shipped();
    };
    let constant = mapping.constant_entities();
    let without: Vec<EntityKind> = EntityKind::ALL
        .iter()
        .copied()
        .filter(|kind| entity_field(*kind).is_some_and(|field| constant.contains(&field)))
        .collect();
    let attributes: Vec<(String, AttributeKind)> = mapping
        .features()
        .iter()
        .map(|feature| {
            let kind = match feature.kind {
                FeatureKind::Numeric => AttributeKind::Numeric,
                FeatureKind::Categorical | FeatureKind::AsItLooks => AttributeKind::Categorical,
            };
            (feature.name.clone(), kind)
        })
        .collect();
    FeatureSet::new(&without, &attributes)
}

/// The transaction field that names an entity; `None` for a pair, which goes with its parts.
fn entity_field(kind: EntityKind) -> Option<sentinel_domain::Field> {
    use sentinel_domain::Field;
    Some(match kind {
        EntityKind::Account => Field::AccountId,
        EntityKind::Card => Field::CardToken,
        EntityKind::Device => Field::DeviceId,
        EntityKind::Merchant => Field::MerchantId,
        EntityKind::Ip | EntityKind::IpNetwork => Field::Ip,
        EntityKind::Customer => Field::CustomerId,
        EntityKind::Terminal => Field::TerminalId,
        EntityKind::Counterparty => Field::CounterpartyId,
        EntityKind::Email => Field::EmailHash,
        EntityKind::Bin => Field::CardBin,
        EntityKind::Mcc => Field::Mcc,
        EntityKind::AccountMerchant | EntityKind::AccountDevice | EntityKind::CardCountry => {
            return None;
        }
    })
}

/// `--dead-letters`, else in the data directory, else beside the output.
fn dead_letters_path(arguments: &RunArguments) -> PathBuf {
    match (&arguments.dead_letters, &arguments.data_dir) {
        (Some(path), _) => path.clone(),
        (None, Some(directory)) => directory.join("dead-letters.jsonl"),
        (None, None) if arguments.output.as_os_str() == "-" => "sentinel-dead-letters.jsonl".into(),
        (None, None) => {
            let mut name = arguments.output.clone().into_os_string();
            name.push(".dead-letters.jsonl");
            name.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mapping in which every field that names an entity is the same for every row.
    const CONSTANT: &str = r#"
[source]
name = "constant"

[templates]
event_id = "{row}"

[constants]
event_type = "card_auth"
currency = "USD"
account_id = "a"
customer_id = "c"
card_token = "t"
card_bin = "411111"
merchant_id = "m"
mcc = "5411"
terminal_id = "t"
counterparty_id = "p"
device_id = "d"
ip = "192.0.2.1"
email_hash = "e"

[amount]
column = "cents"
unit = "minor"

[time]
column = "when"
unit = "rfc3339"
"#;

    #[test]
    fn a_reader_that_waits_for_room_ends_where_the_worker_panics() {
        let log = EventLog::memory(MemoryOptions {
            log_id: LogId::default(),
            bytes_max: 1_000,
        });
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            std::thread::scope(|scope| {
                let _closing = CloseOnPanic(&log);
                let reading = log.clone();
                scope.spawn(move || {
                    let mut payloads = Payloads::default();
                    payloads.push(&[1; 600]);
                    // The second has no room, and nobody applies the first.
                    while reading.append(Instant::default(), None, &payloads).is_ok() {}
                });
                // Without the hook, which would write to the test's output.
                std::panic::resume_unwind(Box::new("planted"));
            })
        }));
        assert!(panicked.is_err());
    }

    #[test]
    fn an_entity_that_is_the_same_for_every_row_has_no_windows() {
        let without = |field: &str| {
            let lines = CONSTANT.lines().filter(|line| !line.starts_with(field));
            let text: Vec<&str> = lines.collect();
            Mapping::parse(&text.join("\n")).unwrap()
        };
        let set = feature_set(Some(&without("nothing")));
        for kind in EntityKind::ALL.iter().copied() {
            let is_pair = kind.parts().is_some();
            assert_eq!(set.has_entity(kind), is_pair, "{kind}");
        }
        for (field, kind) in [("card_bin", EntityKind::Bin), ("mcc", EntityKind::Mcc)] {
            assert!(
                feature_set(Some(&without(field))).has_entity(kind),
                "{kind}"
            );
        }
    }
}
