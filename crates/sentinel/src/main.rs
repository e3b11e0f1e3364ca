//! `sentinel`: the one binary. Reads the command line, hands over to a command, turns its end into an
//! exit code. Must never hold logic of its own: a command is one file in `commands/`.

mod clock;
mod diagnostics;
mod compose;
mod connection;
mod content;
mod csv;
mod matrix;
mod labelled;
mod learn;
mod page;
mod server;
mod snapshots;
mod threads;
mod whole_file;
mod whole_folder;
mod commands;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use commands::{
    analyze, backup, bench, demo, erase, evaluate, features, generate, lists, log, models, openapi,
    overrides, replay, restore, run, serve, train, verify,
};

// Windows and decisions are small allocations that live long or die young: jemalloc replaces a live box in
// half of glibc's time.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Real-time fraud detection: decide on payments, explain every decision, replay it bit for bit.
#[derive(Parser)]
#[command(name = "sentinel", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Decide on a stream of synthetic payments, with the dashboard, in a temporary folder.
    Demo(demo::DemoArguments),
    /// Decide on every row of a table or JSON-lines stream.
    Run(run::RunArguments),
    /// Serve decisions over REST, with live feed, metrics and dashboard.
    Serve(serve::ServeArguments),
    /// Compute a recorded decision again and compare it byte for byte.
    Replay(replay::ReplayArguments),
    /// Copy a data directory while its server runs.
    Backup(backup::BackupArguments),
    /// Make a data directory from a backup.
    Restore(restore::RestoreArguments),
    /// Hold everything in a data directory against its log.
    Verify(verify::VerifyArguments),
    /// Look into the files of a log: what it holds, whether it is sound, what stands in it.
    Log(log::LogArguments),
    /// Train a model on a labelled table or on synthetic payments.
    Train(train::TrainArguments),
    /// Measure a model, or a protocol's training, on a labelled stream.
    Evaluate(evaluate::EvaluateArguments),
    /// Make synthetic payments with fraud stories, to a file, a pipe, a log or a server.
    Generate(generate::GenerateArguments),
    /// Describe a table of payments: distributions, a report, a profile for the generator.
    Analyze(analyze::AnalyzeArguments),
    /// Show the feature catalogue.
    Features(features::FeaturesArguments),
    /// Import, show, sign and activate models.
    Models(models::ModelsArguments),
    /// Show and activate the lists that rules ask.
    Lists(lists::ListsArguments),
    /// Have a server forget what it knows of somebody.
    Erase(erase::EraseArguments),
    /// Put a person's verdict beside a decision of a server.
    Override(overrides::OverrideArguments),
    /// Measure what deciding costs on this machine.
    Bench(bench::BenchArguments),
    /// Print the OpenAPI description.
    Openapi,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Command::Demo(arguments) => demo::demo(arguments),
        Command::Run(arguments) => run::run(arguments),
        Command::Serve(arguments) => serve::serve(arguments),
        Command::Replay(arguments) => replay::replay(arguments),
        Command::Backup(arguments) => backup::backup(&arguments),
        Command::Restore(arguments) => restore::restore(&arguments),
        Command::Verify(arguments) => verify::verify(&arguments),
        Command::Log(arguments) => log::log(&arguments),
        Command::Train(arguments) => train::train(arguments),
        Command::Evaluate(arguments) => evaluate::evaluate(arguments),
        Command::Generate(arguments) => generate::generate(arguments),
        Command::Analyze(arguments) => analyze::analyze(&arguments),
        Command::Features(arguments) => features::features(arguments),
        Command::Models(arguments) => models::models(arguments),
        Command::Lists(arguments) => lists::lists(&arguments),
        Command::Erase(arguments) => erase::erase(&arguments),
        Command::Override(arguments) => overrides::override_decision(&arguments),
        Command::Bench(arguments) => bench::bench(arguments),
        Command::Openapi => openapi::openapi(),
    };
    commands::exit_code(result)
}
