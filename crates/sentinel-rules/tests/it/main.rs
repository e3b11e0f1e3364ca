//! Rules from outside: random conditions against a naive model, hostile input, and the shipped files.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

mod model;
mod hostile;
mod oracle;
mod shipped;
