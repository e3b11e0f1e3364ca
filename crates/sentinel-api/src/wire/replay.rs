//! What a replay found, on the wire.

use sentinel_domain::{ContentHash, DecisionId, Outcome};
use sentinel_pipeline::replay::Replay;
use serde::Serialize;
use utoipa::ToSchema;

/// A decision computed again from the log, held against the recorded one.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayBody {
    /// The decision.
    #[schema(example = "dec_000000000000002a8f14e45fceea167a")]
    pub decision_id: String,
    /// Whether both are equal byte for byte, latency left out.
    #[schema(example = true)]
    pub equal: bool,
    /// Entries of the log applied to get there.
    #[schema(example = 43)]
    pub entries: u64,
    /// BLAKE3 of the recorded bytes.
    #[schema(example = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262")]
    pub recorded_hash: String,
    /// BLAKE3 of the bytes computed now.
    #[schema(example = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262")]
    pub computed_hash: String,
    /// What the log gives now; null where the entry gives no decision.
    pub computed: Option<ComputedBody>,
}

/// The verdict that the log gives now.
#[derive(Debug, Serialize, ToSchema)]
pub struct ComputedBody {
    /// `approve`, `challenge`, `review` or `decline`.
    #[schema(example = "approve")]
    pub decision: &'static str,
    /// `minimal`, `low`, `medium`, `high` or `critical`.
    #[schema(example = "minimal")]
    pub tier: &'static str,
    /// 0 to 1000.
    #[schema(example = 137)]
    pub score: u16,
}

impl ReplayBody {
    /// The body of a replay.
    pub fn of(replay: &Replay) -> Self {
        let computed = match &replay.computed {
            Outcome::Decided(decision) => Some(ComputedBody {
                decision: decision.verdict.as_str(),
                tier: decision.tier.as_str(),
                score: decision.score.points(),
            }),
            _ => None,
        };
        Self {
            decision_id: DecisionId::at(replay.position).to_string(),
            equal: replay.is_equal(),
            entries: replay.entries,
            recorded_hash: ContentHash::of(&replay.recorded_bytes).to_string(),
            computed_hash: ContentHash::of(&replay.computed_bytes).to_string(),
            computed,
        }
    }
}
