//! Activations: from this position on, decide with that.
//!
//! Whatever can change a decision is switched by an entry in the log, with its whole content inside: the
//! log alone is enough to replay every decision (`docs/adr/0004-activations-carry-content.md`).

use crate::content_hash::ContentHash;
use crate::identifier::Text;
use crate::vocabulary;

vocabulary! {
    /// What is switched.
    ActivationKind {
        /// The feature set: names, order and definitions.
        Features = 1, "features";
        /// The scoring model.
        Model = 2, "model";
        /// The rule set.
        Rules = 3, "rules";
        /// The policy: tier bounds, verdicts, velocity levels.
        Policy = 4, "policy";
        /// The table of currency rates.
        Rates = 5, "rates";
        /// Named lists of values that rules may ask for. None is needed.
        Lists = 6, "lists";
    }
}

/// An order to decide with this content from here on. A version not above the active one is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activation {
    /// What is switched.
    pub kind: ActivationKind,
    /// A name for people, such as `default`.
    pub name: Text,
    /// Counts up per kind within a log, from 1.
    pub version: u32,
    /// The content itself, in the format of its kind.
    pub content: Vec<u8>,
}

impl Activation {
    /// The hash by which decisions name this content.
    pub fn content_hash(&self) -> ContentHash {
        ContentHash::of(&self.content)
    }
}
