//! `sentinel bench`: what deciding costs on this machine, from one piece of it to a whole server.
//!
//! ```text
//!  kernel, features   the window engine alone, processor time of one thread
//!  score              the model alone, on rows of real windows
//!  engine             JSON in, JSON out, everything on, in this process
//!  http               a running server, from outside
//!  recovery           a start after a kill: snapshot, replay of the log behind it, first decision
//! ```
//!
//! **Promises** that what goes in lies ready in memory before a clock starts, that a seed gives the same
//! events on every machine, and that where a rate is asked for a latency counts from the moment at which
//! the request was due, not from when it could be sent. **Must never** measure anything but the code that
//! serves.
//!
//! Start reading at [`engine`] for the whole way, at [`kernel`] for the smallest workload.

mod kernel;
mod population;
mod traffic;
mod score;
mod engine;
mod http;
mod recovery;
mod pool;
mod latency;
mod machine;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use self::engine::EngineArguments;
use self::http::HttpArguments;
use self::kernel::KernelArguments;
use self::population::PopulationArguments;
use self::recovery::RecoveryArguments;
use self::score::ScoreArguments;
use super::Output;

/// Transactions applied at once, as the worker takes them at most.
const BATCH_EVENTS: usize = 64;

/// Arguments of `sentinel bench`.
#[derive(Args, Debug)]
pub struct BenchArguments {
    #[command(subcommand)]
    command: BenchCommand,
}

#[derive(Subcommand, Debug)]
enum BenchCommand {
    /// Count and sum per card over four windows: the engine with the least around it.
    Kernel(KernelArguments),
    /// Every shipped feature over millions of live entities.
    Features(PopulationArguments),
    /// The model on rows of real windows: row by row, in batches, and explained.
    Score(ScoreArguments),
    /// The whole way in this process: JSON in, response JSON out, everything on.
    Engine(EngineArguments),
    /// A running server, from outside: requests over connections that are kept.
    Http(HttpArguments),
    /// A start after a kill, and what a snapshot under way costs those who wait.
    Recovery(RecoveryArguments),
}

/// What every measurement is asked.
#[derive(Args, Debug)]
struct ReportArguments {
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
    /// Print ratios to the figures of an earlier run, as `-o json` wrote them.
    #[arg(long, value_name = "EARLIER.json")]
    compare: Option<PathBuf>,
}

/// Runs the command.
pub fn bench(arguments: BenchArguments) -> anyhow::Result<ExitCode> {
    if cfg!(debug_assertions) {
        crate::diagnostics::tell("bench: this is no release build; its figures mean nothing");
    }
    match arguments.command {
        BenchCommand::Kernel(arguments) => kernel::run(&arguments)?,
        BenchCommand::Features(arguments) => population::run(&arguments)?,
        BenchCommand::Score(arguments) => score::run(&arguments)?,
        BenchCommand::Engine(arguments) => engine::run(&arguments)?,
        BenchCommand::Http(arguments) => http::run(&arguments)?,
        BenchCommand::Recovery(arguments) => recovery::run(&arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}
