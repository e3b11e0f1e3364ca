//! Diagnostics: structured lines on standard error. Data never goes this way.

use std::io::{IsTerminal, Write};

/// Diagnostics to standard error; `RUST_LOG` overrides the level.
pub fn start(level: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(format!("{level},sqlx=warn")));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
}

/// Tells the person at the terminal. A terminal that is gone is no reason to stop working.
pub fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
