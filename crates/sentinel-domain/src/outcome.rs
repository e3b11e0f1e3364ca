//! Outcomes: what became of each entry. The decision log holds one outcome per entry, at the same offset.
//!
//! Promises that position *n* of the decision log speaks of position *n* of the transaction log, so a
//! decision is found without an index and a replay compares everything, repeats and conflicts included.

use std::sync::Arc;

use crate::decision::{Decision, Versions};
use crate::position::Offset;
use crate::rejection::Rejection;

/// What became of one entry.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A transaction was decided.
    Decided(Box<Decision>),
    /// The same event id with the same body came before, at this offset: its decision stands.
    Repeated {
        /// Where the first one is.
        first: Offset,
    },
    /// The same event id with another body came before, at this offset: refused.
    Conflicted {
        /// Where the first one is.
        first: Offset,
    },
    /// A label was taken into account.
    Applied,
    /// An activation took effect; from here on decisions are made with these versions.
    Activated(Arc<Versions>),
    /// An activation that is not above the active version, or a label of no consequence.
    Ignored,
    /// The entry could not be decoded or used; it changed nothing.
    Refused(Rejection),
}
