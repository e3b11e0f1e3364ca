//! Synthetic payments with fraud stories: believable traffic for the demo, for training and for tests.
//!
//! **Enters:** [`Options`]: a seed, a start, a rate and a [`Profile`] of what payments look like.
//! **Leaves:** [`Generated`] values: a valid transaction, the label that will be learnt about it if it is
//! fraud, and the story it belongs to.
//!
//! **Promises:** the same options give the same values on every machine: one small generator of its
//! own ([`random`]), integers or IEEE arithmetic in a fixed order, mathematics from `libm`. Customers
//! and merchants are hashes of (seed, number), never stored, so ten million cost no more memory than
//! two. Nothing inside a transaction tells that it is fraud; that is said only beside it. **Must
//! never:** read a clock, a disk or a network, start a thread, or know the format of any event.
//!
//! ```text
//! profile --> calibration -------------------------------------------------+
//! world (cities, customers, merchants)                                     |
//!    |      look_alike --+                                                 |
//!    +--> episode -------+--> telling --> schedule --+                     v
//!    +--> everyday, echo ----------------------------+--> stream --> slice --> payment --> Generated
//!                                                (plans, in order)  (any thread; late, repeated)
//! ```
//!
//! What is told, and how often, changes over event time by the profile's [`Drift`]. Start reading at [`stream`];
//! tests that need single transactions want [`builder`].

pub mod profile;
pub mod random;
mod spelling;
mod city;
mod merchant;
mod customer;
mod world;
pub mod story;
pub mod drift;
mod plan;
mod ladder;
mod prices;
mod activity;
mod curve;
mod calibration;
mod echo;
mod slice;
mod everyday;
mod telling;
mod episode;
mod look_alike;
mod schedule;
mod payment;
pub mod options;
pub mod stream;
pub mod builder;
#[cfg(test)]
mod law;
#[cfg(test)]
mod told;

pub use city::reference_rates;
pub use drift::{Drift, DriftStep};
pub use options::Options;
pub use profile::{Profile, ProfileError};
pub use random::Random;
pub use slice::Slice;
pub use story::{LabelDelay, LookAlike, Story};
pub use stream::{Generated, Stream};
