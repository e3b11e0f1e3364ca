//! Delivery from outside: one contract for every sink, what a file does beyond it, and the message.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "builders and checks of a test binary stop at the first surprise"
)]

mod contract;
mod file;
mod message;
