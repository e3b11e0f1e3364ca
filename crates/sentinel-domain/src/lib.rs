//! The nouns of payment fraud and their laws.
//!
//! **Enters:** plain values read at some edge. **Leaves:** values that hold their law: a
//! [`Transaction`] that exists is valid, a [`Decision`] that exists names every version that made it.
//!
//! **Promises:** equal values are equal bytes for every reader: identifiers, hashes and enumeration
//! codes defined here never change meaning. **Must never:** read a clock, a disk, a network or a random
//! source; iterate over an unordered map; know a wire or file format. There is no serde here: only the
//! rooms at the edge know how a value is spelled outside.
//!
//! Start reading at [`transaction`] (what comes in), then [`entry`] (what the log carries),
//! then [`outcome`] and [`decision`] (what comes out).

pub mod vocabulary;
pub mod instant;
pub mod currency;
pub mod money;
pub mod place;
pub mod identifier;
pub mod content_hash;
pub mod position;
pub mod attribute;
pub mod rejection;
pub mod transaction;
pub mod draft;
pub mod label;
pub mod activation;
pub mod erasure;
pub mod entry;
pub mod tier;
pub mod score;
pub mod decision;
pub mod overrides;
pub mod outcome;
pub mod alert;
pub mod case;

pub use activation::{Activation, ActivationKind};
pub use alert::{Alert, AlertStatus};
pub use attribute::{Attributes, Scalar};
pub use case::{Case, CaseStatus};
pub use content_hash::{ContentHash, ContentHasher};
pub use currency::Currency;
pub use decision::{Decision, Degradation, Reason, RuleHit, RuleOutcome, Verdict, Versions};
pub use draft::{Draft, Field, Value};
pub use entry::Entry;
pub use erasure::{Erasure, Subject, SubjectKind};
pub use identifier::{
    AccountId, AlertId, CardToken, CaseId, CounterpartyId, CustomerId, DecisionId, DeviceId,
    EventId, IpAddress, LabelId, MerchantId, SessionId, TerminalId, Text,
};
pub use instant::{Instant, MICROS_PER_SECOND};
pub use label::{Label, LabelKind, LabelSource};
pub use money::{Money, RateTable};
pub use outcome::Outcome;
pub use overrides::Override;
pub use place::{Coordinates, Country};
pub use position::{LogId, LogPosition, Offset, Partition};
pub use rejection::{DeadLetter, Rejection, RejectionCode};
pub use score::{Contribution, LogOdds, Score};
pub use tier::Tier;
pub use transaction::Transaction;
