//! The store from outside: one contract on every backend, and what only a file can do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "builders and checks of a test binary stop at the first surprise"
)]

mod rows;
mod overrides;
mod contract;
mod damage;
mod file;
mod layout;
mod view;
