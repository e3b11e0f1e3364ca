//! Erasures, on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An order to forget somebody.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ErasureDraft {
    /// `account`, `card`, `device`, `merchant`, `ip`, `customer`, `terminal`, `counterparty`, `email` or `bin`.
    #[schema(example = "account")]
    pub kind: String,
    /// What transactions call it.
    #[schema(example = "acct-1042")]
    pub value: String,
    /// Why, for people.
    #[serde(default)]
    #[schema(example = "asked by the customer")]
    pub reason: String,
}

/// What became of the order.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErasureBody {
    /// Its place in the log: behind it the subject is new.
    #[schema(example = 81_344)]
    pub forgotten_from: u64,
    /// `done`, or `pending` while it waits its turn.
    #[schema(example = "done")]
    pub state: &'static str,
}
