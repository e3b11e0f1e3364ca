//! `sentinel models`: model files, theirs and ours, and what a server decides with.

mod activate;
mod export;
mod import;
mod parity;
mod sample;
mod show;
mod sign;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Output;

pub use sign::TrustArguments;

/// The path of models on a server.
const PATH: &str = "/api/v1/models";

/// Arguments of `sentinel models`.
#[derive(Args, Debug)]
pub struct ModelsArguments {
    #[command(subcommand)]
    command: ModelsCommand,
}

#[derive(Subcommand, Debug)]
enum ModelsCommand {
    /// List the models of a folder, or those that a server's decisions were made with.
    List(show::ListArguments),
    /// Show one model file.
    Show(show::ShowArguments),
    /// Make a model of another program one of ours: LightGBM, XGBoost, ONNX trees.
    Import(import::ImportArguments),
    /// Write a model's boosted trees in the words of another program.
    Export(export::ExportArguments),
    /// Make a pair of keys to sign models with.
    Keygen(sign::KeygenArguments),
    /// Sign a model file.
    Sign(sign::SignArguments),
    /// Check that a trusted key signed a model file.
    Verify(sign::VerifyArguments),
    /// Have a running server decide with a model from now on.
    Activate(activate::ActivateArguments),
}

/// Runs the command.
pub fn models(arguments: ModelsArguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        ModelsCommand::List(arguments) => show::list(&arguments),
        ModelsCommand::Show(arguments) => show::show(&arguments),
        ModelsCommand::Import(arguments) => import::import(&arguments),
        ModelsCommand::Keygen(arguments) => sign::keygen(&arguments),
        ModelsCommand::Sign(arguments) => sign::sign(&arguments),
        ModelsCommand::Verify(arguments) => sign::verify(&arguments),
        ModelsCommand::Activate(arguments) => activate::activate(&arguments),
        ModelsCommand::Export(arguments) => export::export(&arguments),
    }
}
