//! `sentinel models`: model files, theirs and ours.

mod export;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Arguments of `sentinel models`.
#[derive(Args, Debug)]
pub struct ModelsArguments {
    #[command(subcommand)]
    command: ModelsCommand,
}

#[derive(Subcommand, Debug)]
enum ModelsCommand {
    /// Write a model's boosted trees in the words of another program.
    Export(export::ExportArguments),
}

/// Runs the command.
pub fn models(arguments: ModelsArguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        ModelsCommand::Export(arguments) => export::export(&arguments),
    }
}
