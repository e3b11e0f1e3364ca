//! Hands that take events in beside their owner.
//!
//! The engine names tasks ([`sentinel_features::Executor`]); whoever owns threads runs them. Must never change what
//! becomes of an entry: with a crew or without, the state is the same.

use sentinel_features::{Event, Executor};

/// A crew that also lets go what is not needed any more.
pub(crate) trait Hands: Executor + Send {
    /// Lets events go whenever there is time.
    fn let_go(&mut self, events: Vec<Event>);
}
