//! Overrides: what a person decided in the place of a decision. (The word itself belongs to the language.)

use crate::decision::Verdict;
use crate::identifier::{EventId, Text};
use crate::position::Offset;

/// A person's verdict on an event that was decided. The decision stays what it is: this one stands beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The override's own name: the same again is of no consequence.
    pub override_id: Text,
    /// The event.
    pub event_id: EventId,
    /// Where the decision on it stands in the same log.
    pub decision: Offset,
    /// The verdict.
    pub verdict: Verdict,
    /// Who says so.
    pub by: Text,
    /// Why, for people.
    pub reason: Text,
}
