//! `sentinel bench`: what the feature engine costs on this machine, in processor time.
//!
//! **Promises** that rows lie ready in memory before a clock starts, that the clock counts the time of
//! this thread alone, and that a seed gives the same events on every machine: a checksum tells. **Must
//! never** measure anything but the engine that serves.
//!
//! Start reading at [`kernel`] for the smallest workload, at [`population`] for the whole catalogue.

mod kernel;
mod machine;
mod population;
mod report;
mod traffic;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use self::kernel::KernelArguments;
use self::population::PopulationArguments;

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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

/// Runs the command.
pub fn bench(arguments: BenchArguments) -> anyhow::Result<ExitCode> {
    if cfg!(debug_assertions) {
        crate::diagnostics::tell("bench: this is no release build; its figures mean nothing");
    }
    match arguments.command {
        BenchCommand::Kernel(arguments) => kernel::run(&arguments)?,
        BenchCommand::Features(arguments) => population::run(&arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}
