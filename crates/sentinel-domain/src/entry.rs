//! Entries: what a transaction log carries.

use crate::activation::Activation;
use crate::erasure::Erasure;
use crate::label::Label;
use crate::overrides::Override;
use crate::position::Offset;
use crate::transaction::Transaction;

/// One entry of the transaction log. Everything that can change a decision is one of these.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// A payment (or login, refund, …) to decide on.
    Transaction(Box<Transaction>),
    /// A later finding about one.
    Label(Box<Label>),
    /// An order to decide with other content from here on.
    Activation(Box<Activation>),
    /// An order to forget what is known of somebody, from here on.
    Erase(Box<Erasure>),
    /// A person's verdict on an event that was decided.
    Override(Box<Override>),
    /// The time, told to a log to which nothing comes: what is too old by it is forgotten. It says no more than the log
    /// time stamped on it.
    Tick,
    /// An earlier entry that must not be applied, since doing so stops the engine.
    Skip {
        /// The entry.
        offset: Offset,
    },
}
