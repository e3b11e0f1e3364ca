//! The pipeline as a whole, on memory backends: the fast lane as a function of the log, the slow lane as
//! a function of what it recorded.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails by stopping"
)]

mod contents;
mod fast_lane;
mod definitions;
mod orders;
mod ticks;
mod overrides;
mod poison;
mod slow_lane;
mod store_damage;
mod snapshots;
