//! `sentinel generate`: synthetic payments with fraud stories, to a file, a pipe, a log or a server.
//!
//! ```text
//!  stream ─▶ chunks, spelled on threads ─▶ in order ─▶ writer, when due ─▶ sink
//!                                                        └─▶ labels file
//! ```
//!
//! **Promises:** the same seed and options give the same bytes, at any rate and any number of threads.
//! Event time is the start plus the world's time; a rate only says when a payment is written. A file has
//! its name only once it is whole. **Must never** let a label, a story or a look-alike into a payment.

mod arguments;
mod attribute;
mod cell;
mod table;
mod labels;
mod chunk;
mod pace;
mod live;
mod sink;
mod deliver;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use anyhow::Context;
use clap::Args;
use sentinel_domain::Instant;
use sentinel_synth::{Drift, Options, Profile, Stream};

pub use self::arguments::span;
use self::arguments::{Span, above_zero, burst, fraud_rate, id_prefix, rate, share};
use self::attribute::{Attribute, attributes_of};
use self::chunk::{Draw, with_chunks};
use self::deliver::Delivery;
use self::labels::LabelForm;
use self::live::{Live, Tally};
use self::pace::{Burst, Pace, RateOptions, Schedule};
use self::sink::{FileForm, Http, Lines, Log, ParquetFile, Sink, Target};
use crate::commands::usage;
use crate::diagnostics;

/// Arguments of `sentinel generate`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    sentinel generate --count 1000000 --output payments.jsonl --labels labels.jsonl\n  \
    sentinel generate --duration 30d --customers 20000 --output payments.parquet\n  \
    sentinel generate --count 100000 | sentinel run --input - --output decisions.jsonl\n  \
    sentinel generate --rate 500 --pace poisson --output http://127.0.0.1:8000\n\n\
    The same seed and options give the same bytes, at any rate and number of threads.")]
pub struct GenerateArguments {
    /// The same seed and options give the same payments.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How many payments; with --duration too, they are spread over about that much event time.
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// How much event time, such as 90s, 15m, 12h or 30d.
    #[arg(long, value_name = "LENGTH", value_parser = span)]
    pub duration: Option<Span>,
    /// The event time of the first payments (RFC 3339).
    #[arg(long, value_name = "INSTANT", default_value = START_TIME)]
    pub start_time: String,
    /// A file (.jsonl, .csv or .parquet), `-` for standard output, log:DIR, or http://HOST:PORT.
    #[arg(long, value_name = "OUTPUT", default_value = "-")]
    pub output: String,
    /// Append to the log of this data directory, as --output log:DIR does.
    #[arg(long, value_name = "DIR", conflicts_with = "output")]
    pub data_dir: Option<PathBuf>,
    /// What will be learnt of the payments, with story and episode: .jsonl or .csv.
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    #[command(flatten)]
    pub world: WorldArguments,
    #[command(flatten)]
    pub pacing: PacingArguments,
    /// Threads that make payments; the bytes do not depend on it [default: one a processor].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
    /// Connections to a server; with one, payments arrive in order.
    #[arg(long, value_name = "N", default_value_t = 16,
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub connections: u16,
}

/// What the world is like.
#[derive(Args, Debug)]
pub struct WorldArguments {
    /// What payments look like: default, drifting, every-50th, ieee-cis, or a file such as `sentinel analyze` writes.
    #[arg(long, value_name = "NAME|FILE.json", default_value = "default")]
    pub profile: String,
    /// The share of payments that are fraud, instead of the profile's.
    #[arg(long, value_name = "SHARE", value_parser = fraud_rate)]
    pub fraud_rate: Option<f64>,
    /// How many people pay, 500 or more [default: 5000].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32)
          .range(i64::from(Options::CUSTOMERS_MIN)..))]
    pub customers: Option<u32>,
    /// How many shops there are [default: one for fifty customers, 800 to 40000].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32)
          .range(i64::from(Options::MERCHANTS_MIN)..))]
    pub merchants: Option<u32>,
    /// What every event id begins with; name another for a second stream into one log or server.
    #[arg(long, value_name = "TEXT", default_value = "syn-", value_parser = id_prefix)]
    pub id_prefix: String,
    /// The share of payments that come after later ones [default: 0.002].
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub late_share: Option<f64>,
    /// The share of payments that come twice [default: 0.0005].
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub repeat_share: Option<f64>,
    /// Stories and habits stay as they are, whatever schedule the profile has.
    #[arg(long)]
    pub no_drift: bool,
}

/// When payments are written.
#[derive(Args, Debug)]
pub struct PacingArguments {
    /// Write so many payments a second; default: as fast as can be.
    #[arg(long, value_name = "PER_SECOND", value_parser = rate)]
    pub rate: Option<f64>,
    /// How payments follow each other at that rate.
    #[arg(long, value_enum, default_value_t = Pace::Constant, requires = "rate")]
    pub pace: Pace,
    /// So many times the rate for a while, again and again, such as 5:10s:1m.
    #[arg(long, value_name = "TIMES:LENGTH:PERIOD", value_parser = burst, requires = "rate")]
    pub burst: Option<Burst>,
    /// How long a day of --pace daily takes.
    #[arg(long, value_name = "LENGTH", value_parser = span, default_value = "24h", requires = "rate")]
    pub day_length: Span,
    /// Write as the event times lie, so many times as fast.
    #[arg(long, value_name = "TIMES", value_parser = above_zero, conflicts_with = "rate")]
    pub speed: Option<f64>,
}

/// Runs the command.
pub fn generate(arguments: GenerateArguments) -> anyhow::Result<ExitCode> {
    diagnostics::start("warn");
    let (interrupted, ended_by) = catch_interrupt()?;
    let target = target_of(&arguments)?;
    let options = options_of(&arguments)?;
    let attributes = attributes_of(&options.profile);
    let label_form = check_files(&arguments, &target)?;
    let (start, schedule) = (options.start, schedule_of(&arguments, options.start));
    let paced = !schedule.is_unpaced();
    let mut sink = open(&target, &attributes, &arguments)?;
    let mut labels = open_labels(&arguments, label_form)?;
    // Where both are given the count decides: the stream's pace makes it fill the duration.
    let until = match (arguments.count, arguments.duration) {
        (None, Some(span)) => Some(start.plus_micros(span.0)),
        _ => None,
    };
    if options.customers >= LARGE_WORLD_CUSTOMERS {
        diagnostics::tell("beginning a large world: episodes of weeks are laid out first");
    }
    let began = std::time::Instant::now();
    let draw = Draw::new(Stream::new(options), arguments.count, until);
    let names: Vec<String> = attributes
        .into_iter()
        .map(|attribute| attribute.name)
        .collect();
    let delivery = Delivery {
        sink: &mut sink,
        labels: labels.as_mut(),
        schedule,
        interrupted: &interrupted,
        live: Live::new(arguments.count, paced),
    };
    let threads = threads_of(&arguments);
    let tally = with_chunks(
        draw,
        (&target.form(&names), label_form),
        threads,
        |chunks| delivery.run(chunks),
    )?;
    let stopped = interrupted.load(Relaxed);
    let whole = !stopped;
    let told = sink.finish(whole)?;
    labels.map_or(Ok(()), |labels| {
        labels.finish(whole || !matches!(target, Target::File(..)))
    })?;
    let seconds = began.elapsed().as_secs_f64();
    tell(&tally, seconds, paced, told);
    if stopped {
        diagnostics::tell(match target {
            Target::File(..) => "interrupted: no file was written",
            _ => "interrupted: what was made until now is sent",
        });
        return Ok(ExitCode::from(code_of(ended_by.load(Relaxed))));
    }
    Ok(ExitCode::SUCCESS)
}

/// From so many customers on the beginning takes seconds.
const LARGE_WORLD_CUSTOMERS: u32 = 1_000_000;

fn tell(tally: &Tally, seconds: f64, paced: bool, told: Option<String>) {
    diagnostics::tell(&tally.summary(seconds, paced));
    if let Some(told) = told {
        diagnostics::tell(&told);
    }
}

/// The exit code after a signal, as shells have it.
fn code_of(signal: usize) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}

/// A flag that the first Ctrl-C or SIGTERM raises, and which of them it was; the second one ends the
/// process at once.
fn catch_interrupt() -> anyhow::Result<(Arc<AtomicBool>, Arc<AtomicUsize>)> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag;
    let (raised, ended_by) = (Arc::new(AtomicBool::new(false)), Arc::default());
    for signal in [SIGINT, SIGTERM] {
        let number = usize::try_from(signal).unwrap_or(0);
        let code = i32::from(code_of(number));
        flag::register_conditional_shutdown(signal, code, Arc::clone(&raised))
            .and_then(|_| flag::register_usize(signal, Arc::clone(&ended_by), number))
            .and_then(|_| flag::register(signal, Arc::clone(&raised)))
            .context("listen for signals")?;
    }
    Ok((raised, ended_by))
}

fn target_of(arguments: &GenerateArguments) -> anyhow::Result<Target> {
    let target = match &arguments.data_dir {
        Some(directory) => Target::Log(directory.clone()),
        None => Target::parse(&arguments.output)?,
    };
    let endless = arguments.count.is_none() && arguments.duration.is_none();
    if endless && matches!(target, Target::File(..)) {
        return Err(usage(format!(
            "--output {} would never end: name --count or --duration",
            arguments.output
        )));
    }
    Ok(target)
}

/// The world that the command makes of a seed where no other flag says what it is like.
pub fn world_of(seed: u64) -> anyhow::Result<Options> {
    let start = Instant::parse_rfc3339(START_TIME).context("a constant instant")?;
    let mut options = Options::of_profile(seed, start, profile_of("default")?);
    options.payments_per_second = f64::from(options.customers) / CUSTOMER_SECONDS;
    options.merchants = merchants_for(options.customers);
    Ok(options)
}

/// A customer pays twice a day, as people do: a payment stands out against the customer's own rhythm, and labels come
/// while the world goes on. (`Options::for_rate` is busier than life, so that windows fill in minutes.)
const CUSTOMER_SECONDS: f64 = 43_200.0;

/// The event time of the first payments, where none is named.
const START_TIME: &str = "2026-01-05T00:00:00Z";

/// Fifty customers to a shop, as `Options::for_rate` has it.
fn merchants_for(customers: u32) -> u32 {
    (customers / 50).clamp(800, 40_000)
}

/// What the stream is asked for.
fn options_of(arguments: &GenerateArguments) -> anyhow::Result<Options> {
    let world = &arguments.world;
    let start = Instant::parse_rfc3339(&arguments.start_time)
        .filter(|start| Instant::RANGE_MICROS.contains(&start.micros()))
        .ok_or_else(|| {
            usage(format!(
                "--start-time {:?} is not an instant such as 2026-01-05T00:00:00Z",
                arguments.start_time
            ))
        })?;
    let mut options = Options::of_profile(arguments.seed, start, profile_of(&world.profile)?);
    options.fraud_rate = world.fraud_rate.unwrap_or(options.fraud_rate);
    options.late_share = world.late_share.unwrap_or(options.late_share);
    options.repeat_share = world.repeat_share.unwrap_or(options.repeat_share);
    if world.no_drift {
        options.drift = Drift::NONE;
    }
    options.id_prefix.clone_from(&world.id_prefix);
    options.customers = world.customers.unwrap_or(options.customers);
    options.merchants = world
        .merchants
        .unwrap_or_else(|| merchants_for(options.customers));
    options.payments_per_second = match (arguments.count, arguments.duration) {
        (Some(count), Some(span)) => per_second(count, span)?,
        _ => f64::from(options.customers) / CUSTOMER_SECONDS,
    };
    let last = arguments
        .duration
        .map_or(start, |span| start.plus_micros(span.0));
    if !Instant::RANGE_MICROS.contains(&last.micros()) {
        return Err(usage("--duration ends after the year 2200"));
    }
    Ok(options)
}

/// So many payments over so much event time.
fn per_second(count: u64, span: Span) -> anyhow::Result<f64> {
    let rate = count as f64 / span.seconds();
    if (1e-3..=1e6).contains(&rate) {
        return Ok(rate);
    }
    Err(usage(format!(
        "--count {count} over --duration {} s is {rate} payments a second of event time; it may be 0.001 to \
         1000000",
        span.seconds()
    )))
}

/// A built-in profile, or a file.
fn profile_of(name: &str) -> anyhow::Result<Profile> {
    if Profile::SHIPPED.contains(&name) {
        return Profile::shipped(name).map_err(|error| usage(error.to_string()));
    }
    let path = Path::new(name);
    if !path.exists() && !name.contains(['/', '.']) {
        return Err(usage(format!(
            "--profile {name}: built in are {}; anything else is a file",
            Profile::SHIPPED.join(", ")
        )));
    }
    let bytes = crate::content::read(path).with_context(|| format!("--profile {name}"))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| usage(format!("--profile {name}: it is not UTF-8")))?;
    Profile::from_json(&text).map_err(|error| usage(format!("--profile {name}: {error}")))
}

fn schedule_of(arguments: &GenerateArguments, start: Instant) -> Schedule {
    let pacing = &arguments.pacing;
    match (pacing.rate, pacing.speed) {
        (Some(rate), _) => Schedule::by_rate(RateOptions {
            rate,
            pace: pacing.pace,
            burst: pacing.burst,
            day_secs: pacing.day_length.seconds(),
            day_begins: start.micros().rem_euclid(86_400_000_000) as f64 / 86_400e6,
            seed: arguments.seed,
        }),
        (None, Some(times)) => Schedule::Speed { start, times },
        (None, None) => Schedule::Unpaced,
    }
}

/// The form of the labels file; refuses two outputs in one file.
fn check_files(arguments: &GenerateArguments, target: &Target) -> anyhow::Result<LabelForm> {
    let Some(labels) = &arguments.labels else {
        return Ok(LabelForm::None);
    };
    if let Target::File(output, _) = target {
        let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if whole(output) == whole(labels) {
            return Err(usage("--labels and --output name one file; name another"));
        }
    }
    match FileForm::of(labels) {
        Some(FileForm::JsonLines) => Ok(LabelForm::JsonLines),
        Some(FileForm::Csv) => Ok(LabelForm::Csv),
        _ => Err(usage(format!(
            "--labels {}: the name must end in .jsonl or .csv",
            labels.display()
        ))),
    }
}

fn open(
    target: &Target,
    attributes: &[Attribute],
    arguments: &GenerateArguments,
) -> anyhow::Result<Sink> {
    const FLAG: &str = "--output";
    Ok(match target {
        Target::Standard => Sink::Lines(Lines::standard()?),
        Target::File(path, FileForm::JsonLines) => Sink::Lines(Lines::file(FLAG, path, b"")?),
        Target::File(path, FileForm::Csv) => {
            let names: Vec<String> = attributes.iter().map(|one| one.name.clone()).collect();
            Sink::Lines(Lines::file(FLAG, path, &table::header(&names))?)
        }
        Target::File(path, FileForm::Parquet) => {
            Sink::Parquet(Box::new(ParquetFile::create(FLAG, path, attributes)?))
        }
        Target::Log(directory) => Sink::Log(Box::new(Log::open(directory)?)),
        Target::Http(address) => {
            Sink::Http(Http::connect(address, usize::from(arguments.connections))?)
        }
    })
}

fn open_labels(arguments: &GenerateArguments, form: LabelForm) -> anyhow::Result<Option<Lines>> {
    let head = match form {
        LabelForm::Csv => labels::HEADER.as_bytes(),
        _ => b"",
    };
    let labels = arguments.labels.as_deref();
    labels
        .map(|path| Lines::file("--labels", path, head))
        .transpose()
}

fn threads_of(arguments: &GenerateArguments) -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    arguments.threads.map_or_else(processors, usize::from)
}
