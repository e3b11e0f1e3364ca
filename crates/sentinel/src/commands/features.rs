//! `sentinel features`: the catalogue for people and for machines, and adding to it.

mod add;
mod check;
mod export;
mod list;
mod server;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Output;

/// Arguments of `sentinel features`.
#[derive(Args, Debug)]
pub struct FeaturesArguments {
    #[command(subcommand)]
    command: FeaturesCommand,
}

#[derive(Subcommand, Debug)]
enum FeaturesCommand {
    /// List every feature.
    List(list::ListArguments),
    /// Show one feature.
    Show(list::ShowArguments),
    /// Check a file of definitions and say what each of them means.
    Check(check::CheckArguments),
    /// Add the definitions of a file to a log; they are filled from it and live from its end on.
    Add(add::AddArguments),
    /// Write the training matrix of a table.
    Export(export::ExportArguments),
}

/// Runs the command.
pub fn features(arguments: FeaturesArguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        FeaturesCommand::List(arguments) => list::list(&arguments),
        FeaturesCommand::Show(arguments) => list::show(&arguments),
        FeaturesCommand::Check(arguments) => check::check(&arguments),
        FeaturesCommand::Add(arguments) => add::add(&arguments),
        FeaturesCommand::Export(arguments) => export::export(&arguments),
    }
}
