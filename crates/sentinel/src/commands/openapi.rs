//! `sentinel openapi`: the description of the REST interface, generated from the code.

use std::io::Write;
use std::process::ExitCode;

/// Runs the command.
pub fn openapi() -> anyhow::Result<ExitCode> {
    writeln!(std::io::stdout(), "{}", sentinel_api::openapi_json()?)?;
    Ok(ExitCode::SUCCESS)
}
