//! The window engine against an oracle that was written from its specification alone.
//!
//! Promises that every windowed and historical number of a row, and every flag, is what plain loops over
//! the list of all events give: bit for bit, a missing value only where one is due. Must never learn
//! from the engine what is right: a disagreement is settled by the specification in `oracle`.
//!
//! Start reading at `oracle` for the meaning; `rules` are small cases worked out by hand, by which the
//! oracle itself is held; what stands below them are ways to be wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "a test stops at the first wrong number; its own numbers are small"
)]

mod event;
mod ask;
mod oracle;
mod comparison;
mod rules;
mod traffic;
mod any_definition;
mod short_sequences;
mod ring_growth;
mod any_order;
mod full_entity;
mod many_values;
mod names;
mod same_bits;
mod codec;
mod tasks;
mod erased;
mod allocations;
mod campaign;
