//! Hands that take events in beside their owner.
//!
//! The engine names pieces of work ([`sentinel_features::Crew`]); whoever owns threads runs them. Must never change what
//! becomes of an entry: with a crew or without, the state is the same.

use sentinel_features::{Crew, Event};

/// A crew that also lets go what is not needed any more.
pub(crate) trait Hands: Crew + Send {
    /// Lets events go whenever there is time.
    fn let_go(&mut self, events: Vec<Event>);
}
