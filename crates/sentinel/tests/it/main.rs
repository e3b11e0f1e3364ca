//! The binary as a person or a script meets it: real processes, real files, real signals.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails by stopping"
)]

mod process;
mod run;
mod backup;
mod bad_input;
mod files;
mod resume;
mod retention;
mod orders;
mod replay;
mod log;
mod serve;
mod crash;
mod features;
mod export;
mod windows_by_sql;
mod bench;
mod generate;
mod models;
mod analyze;
mod evaluate;
mod train;
