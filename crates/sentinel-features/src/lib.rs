//! Keyed sliding windows and the feature catalogue: what was going on around this payment.
//!
//! **Enters:** transactions in log order, each with its amount in the reference currency.
//! **Leaves:** one row of numbers a transaction, in the order of a [`FeatureSet`].
//!
//! ```text
//!  transaction ─▶ entities: account, card, device, … ─▶ apply(entity, event) ─▶ slice ─┐
//!                                                                                      ├─ join ─▶ row
//!                 its own fields (amount, hour, attributes) ───────────────────────────┘
//! ```
//!
//! **Promises:** windows are exact for every event, by event time, to the millisecond, ties by log
//! position (the rules stand in [`window`]); the same log prefix gives the same bits; the size of a
//! batch changes speed, never a value. A slice depends on one entity only, so that entities can live on
//! different nodes one day; only [`engine`] joins them.
//!
//! **Must never:** read a clock, a disk or a random source; iterate over a hash table; sum money in
//! floating point.
//!
//! Start reading at [`window`] for the meaning, [`definition`] for what a feature is, [`catalog`] for the
//! list, `plan` for what is kept for it, `ring` for the mechanism.

#![allow(
    clippy::indexing_slicing,
    clippy::needless_range_loop,
    reason = "ring indices are masked by the capacity and windows index arrays of WINDOWS length"
)]

pub mod window;
pub mod entity;
pub mod field;
pub mod filter;
mod local_time;
pub mod definition;
pub mod fact;
pub mod feature;
pub mod catalog;
pub mod set;
pub mod plan;
mod arena;
mod column;
mod slab;
mod totals;
mod reading;
mod ring;
mod tiles;
mod seen;
mod place;
mod habit;
mod calendar;
mod fraud;
mod slots;
mod index;
mod table;
mod codec;
pub mod engine;

pub use codec::CodecError;
pub use definition::{Aggregate, Definition, DefinitionError, DefinitionErrors};
pub use engine::{Applied, Census, Event, Executor, FeatureEngine, KindCensus, Part, Task, Weight};
pub use entity::EntityKind;
pub use fact::Fact;
pub use feature::{Family, Feature, Missing, Source, Unit};
pub use field::{Category, Number};
pub use filter::Filter;
pub use plan::PlanError;
pub use set::{AttributeKind, FeatureSet, FeatureSetError};
pub use window::{EVENTS_PER_ENTITY_MAX, LATENESS_ALLOWED_MS, WINDOWS, Window, WindowIndex};
