//! Overrides, on the wire.

use sentinel_store::Overridden;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A person's verdict in the place of a decision's.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideDraft {
    /// Its own name, which makes sending it again safe; with other words it is refused.
    #[schema(example = "ovr-2026-0311")]
    pub override_id: String,
    /// `approve`, `challenge`, `review` or `decline`.
    #[schema(example = "approve")]
    pub verdict: String,
    /// Who says so.
    #[schema(example = "j.doe")]
    pub by: String,
    /// Why, for people.
    #[serde(default)]
    #[schema(example = "the customer confirmed it by phone")]
    pub reason: String,
}

/// What became of an override.
#[derive(Debug, Serialize, ToSchema)]
pub struct OverrideBody {
    /// The decision it stands beside.
    #[schema(example = "dec_000000000000002a8f14e45fceea167a")]
    pub decision_id: String,
    /// Its place in the log.
    #[schema(example = 81_344)]
    pub offset: u64,
    /// `done`; `repeated` where its name came before, which changed nothing; `pending` while it waits its turn.
    #[schema(example = "done")]
    pub state: &'static str,
}

/// Who decided otherwise; outside every comparison.
#[derive(Debug, Serialize, ToSchema)]
pub struct OverriddenByBody {
    /// `approve`, `challenge`, `review` or `decline`.
    #[schema(example = "approve")]
    pub verdict: &'static str,
    /// Who.
    #[schema(example = "j.doe")]
    pub by: String,
    /// Why.
    #[schema(example = "the customer confirmed it by phone")]
    pub reason: String,
    /// When, by log time.
    #[schema(example = "2026-11-22T07:15:00Z")]
    pub at: String,
}

impl OverriddenByBody {
    /// The body of an override.
    pub fn of(one: &Overridden) -> Self {
        Self {
            verdict: one.says.verdict.as_str(),
            by: one.says.by.to_string(),
            reason: one.says.reason.to_string(),
            at: one.given_at.to_string(),
        }
    }
}
