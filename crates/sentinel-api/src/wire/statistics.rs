//! Running figures on the wire.

use serde::Serialize;
use utoipa::ToSchema;

/// How many, how fast, how it went. Counts go back to the start of the log.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StatisticsBody {
    /// When the server started, RFC 3339 in UTC.
    #[schema(example = "2026-11-21T13:00:00Z")]
    pub started_at: String,
    /// Seconds since.
    #[schema(example = 3_600)]
    pub uptime_seconds: u64,
    /// Transactions decided.
    #[schema(example = 1_080_000)]
    pub transactions: u64,
    /// Decisions by verdict.
    pub decisions: VerdictCounts,
    /// Decisions that raise an alert.
    #[schema(example = 4_711)]
    pub alerts: u64,
    /// Alerts nobody has decided on.
    #[schema(example = 4_000)]
    pub alerts_open: u64,
    /// Cases that wait for somebody.
    #[schema(example = 12)]
    pub cases_open: u64,
    /// Inputs refused, conflicts among them.
    #[schema(example = 3)]
    pub rejected: u64,
    /// Events sent again with the same body.
    #[schema(example = 20)]
    pub repeated: u64,
    /// Events sent again with another body.
    #[schema(example = 1)]
    pub conflicts: u64,
    /// Labels taken in.
    #[schema(example = 55)]
    pub labels: u64,
    /// Transactions decided a second, over the last five seconds.
    #[schema(example = 300.4)]
    pub transactions_per_second: f64,
    /// Pick-up to record, microseconds.
    pub latency_us: LatencyBody,
    /// Amounts of declined transactions, minor units of the reference currency.
    #[schema(example = 812_300)]
    pub declined_amount_minor: u64,
    /// The currency of amounts in windows, rules and figures, ISO 4217.
    #[schema(example = "USD")]
    pub reference_currency: String,
    /// The offset after the last entry of the log.
    #[schema(example = 1_080_061)]
    pub log_end: u64,
    /// The version of the server.
    #[schema(example = "0.1.0")]
    pub version: &'static str,
    /// `demo` or `serve`.
    #[schema(example = "serve")]
    pub mode: &'static str,
}

/// Decisions by verdict.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct VerdictCounts {
    /// Let pass.
    #[schema(example = 1_075_289)]
    pub approve: u64,
    /// Asked for proof.
    #[schema(example = 3_000)]
    pub challenge: u64,
    /// Held for a person.
    #[schema(example = 1_500)]
    pub review: u64,
    /// Refused.
    #[schema(example = 211)]
    pub decline: u64,
}

/// Quantiles of a latency, microseconds.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LatencyBody {
    /// The median.
    #[schema(example = 60.0)]
    pub p50: f64,
    /// The 99th percentile.
    #[schema(example = 180.0)]
    pub p99: f64,
    /// The 99.9th percentile.
    #[schema(example = 420.0)]
    pub p999: f64,
}
