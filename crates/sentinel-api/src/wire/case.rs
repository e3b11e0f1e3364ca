//! A case on the wire.

use sentinel_domain::Case;
use serde::Serialize;
use utoipa::ToSchema;

/// An investigation that an alert opened.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaseBody<'a> {
    /// Names the case.
    #[schema(example = "cas_000000000000002a77c1f0a9d3b2e4f5")]
    pub case_id: String,
    /// The alert that opened it.
    #[schema(example = "alr_000000000000002a0f6e1d5cf2a0b1c3")]
    pub alert_id: String,
    /// The account under investigation.
    #[schema(example = "acct-17")]
    pub account_id: &'a str,
    /// RFC 3339 in UTC.
    #[schema(example = "2026-11-21T13:00:00.120Z")]
    pub opened_at: String,
    /// `minimal`, `low`, `medium`, `high` or `critical`.
    #[schema(example = "critical")]
    pub tier: &'static str,
    /// `open` or `closed`.
    #[schema(example = "open")]
    pub status: &'static str,
}

impl<'a> CaseBody<'a> {
    /// The body of a case.
    pub fn of(case: &'a Case) -> Self {
        Self {
            case_id: case.case_id.to_string(),
            alert_id: case.alert_id.to_string(),
            account_id: case.account_id.as_str(),
            opened_at: case.opened_at.to_string(),
            tier: case.tier.as_str(),
            status: case.status.as_str(),
        }
    }
}

/// Some cases, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct CasePage<'a> {
    /// The cases.
    pub items: Vec<CaseBody<'a>>,
    /// Hand it in as `after` for the next page; null at the end.
    #[schema(example = "1795266000000000.cas_000000000000002a77c1f0a9d3b2e4f5")]
    pub next_cursor: Option<&'a str>,
    /// About how many there are: the open ones, unless the first page shows all that match.
    #[schema(example = 3)]
    pub total_estimate: u64,
}
