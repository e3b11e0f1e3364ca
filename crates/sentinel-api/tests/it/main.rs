//! The doors over a real pipeline: logs and store in memory, what ships as rules, policy and rates, and a
//! tiny model learnt here.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "builders and checks of a test binary stop at the first surprise"
)]

mod server;

mod aliases;
mod decide;
mod description;
mod features;
mod models;
mod labels;
mod lists;
mod live;
mod operations;
mod problems;
