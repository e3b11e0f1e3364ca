//! The commands, one file each, and how they end.
//!
//! Exit codes: 0 done, 1 failed (or rows were rejected under `--strict`, or a check failed), 2 wrong usage:
//! a flag, a file that is not there, a mapping that does not fit; 130 interrupted.

pub mod analyze;
pub mod backup;
pub mod bench;
pub mod demo;
pub mod erase;
pub mod evaluate;
pub mod features;
pub mod generate;
pub mod lists;
pub mod log;
pub mod models;
pub mod openapi;
pub mod overrides;
pub mod replay;
pub mod restore;
pub mod run;
pub mod serve;
pub mod train;
pub mod verify;

use std::process::ExitCode;

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// Marks an error as the caller's: exit code 2.
#[derive(Debug)]
pub struct Usage(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// An error that is the caller's to mend.
pub fn usage(message: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Usage(message.into()))
}

/// Prints the error chain once and picks the exit code.
#[allow(clippy::print_stderr, reason = "the last word of the process")]
pub fn exit_code(result: anyhow::Result<ExitCode>) -> ExitCode {
    match result {
        Ok(code) => code,
        Err(error) => {
            if error.chain().any(is_broken_pipe) {
                return ExitCode::SUCCESS;
            }
            eprintln!("error: {}", chain_of(&error));
            ExitCode::from(if error.chain().any(|cause| cause.is::<Usage>()) {
                2
            } else {
                1
            })
        }
    }
}

/// `sentinel run … | head` ends the reader early; that is no failure of ours.
fn is_broken_pipe(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Every cause once, outermost first; causes that a message repeats already are left out.
pub fn chain_of(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_is_told_once() {
        let error = anyhow::anyhow!("no such file")
            .context("open x.csv: no such file")
            .context("run");
        assert_eq!(chain_of(&error), "run: open x.csv: no such file");
    }
}
