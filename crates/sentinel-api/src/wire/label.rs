//! Labels, on the wire.

use serde::Serialize;
use utoipa::ToSchema;

/// What was learnt of a payment: a line of a labels file. It is read as such, so this only describes it.
#[derive(Debug, ToSchema)]
pub struct LabelDraft {
    /// Its own name, which makes sending it again safe.
    #[schema(example = "order-1042-fraud")]
    pub label_id: String,
    /// The payment's.
    #[schema(example = "order-1042")]
    pub event_id: String,
    /// `fraud`, `legit` or `suspect`.
    #[schema(example = "fraud")]
    pub kind: String,
    /// Who says so, such as `chargeback` or `analyst`.
    #[schema(example = "chargeback")]
    pub source: String,
    /// When it was learnt: microseconds since 1970, or RFC 3339.
    #[schema(value_type = String, example = "2026-11-20T09:30:00Z")]
    pub known_at: String,
    /// When the payment happened: microseconds since 1970, or RFC 3339.
    #[schema(value_type = String, example = "2026-11-02T18:04:11Z")]
    pub event_time: String,
    /// As the payment has it.
    #[schema(example = 4_200)]
    pub amount_minor: i64,
    /// As the payment has it.
    #[schema(example = "EUR")]
    pub currency: String,
    /// As the payment has it.
    #[schema(example = "acct-7")]
    pub account_id: String,
    /// As the payment has it, if it has one.
    #[schema(example = "tok_4d8a47a529f2ba75")]
    pub card_token: Option<String>,
    /// As the payment has it, if it has one.
    #[schema(example = "mer_204")]
    pub merchant_id: Option<String>,
    /// As the payment has it, if it has one.
    #[schema(example = "ter_204_1")]
    pub terminal_id: Option<String>,
    /// The story that a generator told; reaches no decision.
    pub story: Option<String>,
    /// The number of its episode; reaches no decision.
    pub episode: Option<u64>,
}

/// What became of a label.
#[derive(Debug, Serialize, ToSchema)]
pub struct LabelBody {
    /// Its own name.
    #[schema(example = "order-1042-fraud")]
    pub label_id: String,
    /// Its place in the log: decisions behind it know.
    #[schema(example = 81_344)]
    pub offset: u64,
    /// `done`; `repeated` where its name came before, which changed nothing; `pending` while it waits its turn.
    #[schema(example = "done")]
    pub state: &'static str,
}
