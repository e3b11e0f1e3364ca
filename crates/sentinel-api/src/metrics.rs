//! Metrics in OpenMetrics text, and the observer around every route that counts requests.
//!
//! Promises base units and a bounded set of label values: no account, rule text or free path is ever a
//! label. Figures are read when they are asked for; nothing is counted twice.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, Response};
use axum::middleware::Next;
use axum::response::IntoResponse;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use sentinel_domain::Verdict;
use sentinel_pipeline::SnapshotFigures;
use sentinel_pipeline::follow::Followed;
use sentinel_pipeline::retention::Kept;
use sentinel_pipeline::snapshot::Newest;
use sentinel_store::Counts;

use crate::api::Api;
use crate::error::{Kind, Problem};
use crate::wire::statistics::{LatencyBody, StatisticsBody, VerdictCounts};

/// The media type of the answer.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Requests answered, by route and status.
pub type RequestCounts = Family<RequestLabels, Counter<u64, AtomicU64>>;

/// What tells requests apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

/// Counts every request, and completes problems with the path and a name for the occurrence.
pub async fn observe(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response<Body> {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = match *request.method() {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        _ => "other",
    };
    let uri = request.uri().clone();
    let trace_parent = request.headers().get("traceparent").cloned();
    let response = next.run(request).await;
    let labels = RequestLabels {
        method,
        route: route
            .as_ref()
            .map_or("other", MatchedPath::as_str)
            .to_owned(),
        status: response.status().as_u16(),
    };
    api.requests.get_or_create(&labels).inc();
    match response.extensions().get::<Problem>() {
        Some(problem) => completed(problem, &response, uri.path(), trace_parent.as_ref()),
        None => response,
    }
}

/// A problem told again, with path and trace id.
fn completed(
    problem: &Problem,
    response: &Response<Body>,
    path: &str,
    trace_parent: Option<&HeaderValue>,
) -> Response<Body> {
    let trace_id = trace_parent.and_then(trace_of);
    let trace_id = trace_id.unwrap_or_else(|| uuid::Uuid::new_v4().simple().to_string());
    // A full disk was told once by the log; a line for each request would fill it further.
    if problem.kind.status().is_server_error() && problem.kind != Kind::DiskFull {
        let cause = problem.cause.as_deref().unwrap_or(&problem.detail);
        tracing::error!(
            trace_id,
            path,
            code = problem.kind.code(),
            cause,
            "a request failed"
        );
    }
    let mut complete = problem.respond(Some(path), Some(&trace_id));
    if let Some(allow) = response.headers().get(ALLOW) {
        complete.headers_mut().insert(ALLOW, allow.clone());
    }
    complete
}

/// The trace id of a W3C `traceparent` header.
fn trace_of(trace_parent: &HeaderValue) -> Option<String> {
    let trace_id = trace_parent.to_str().ok()?.split('-').nth(1)?;
    let is_hex = trace_id.bytes().all(|byte| byte.is_ascii_hexdigit());
    (trace_id.len() == 32 && is_hex).then(|| trace_id.to_ascii_lowercase())
}

/// Figures for a monitoring system, OpenMetrics text.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "read_metrics",
    tag = "operations",
    responses((status = 200, description = "The figures now.", body = String, content_type = "application/openmetrics-text")),
)]
pub async fn read_metrics(State(api): State<Arc<Api>>) -> Result<Response<Body>, Problem> {
    let counts = api.store.counts().await.ok();
    let statistics = api.statistics(counts.unwrap_or_default());
    let figures = api.handle.figures();
    let scrape = Scrape {
        statistics,
        rejected: figures
            .rejected_by_code
            .iter()
            .map(|(code, count)| (code.as_str(), *count))
            .collect(),
        disk_full: figures.disk_full,
        mismatches: figures.mismatches,
        to_compare: figures.to_compare,
        counts,
        running: api.handle.is_running(),
        followed: *api.handle.followed().borrow(),
        snapshots: *api.handle.snapshots().borrow(),
        kept: api.handle.kept(),
        sockets: api.live.sockets(),
    };
    let mut registry = Registry::default();
    registry.register_collector(Box::new(scrape));
    registry.register(
        "sentinel_http_requests",
        "Requests answered",
        api.requests.clone(),
    );
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)
        .map_err(|error| Problem::new(Kind::Internal, format!("spell the metrics: {error}")))?;
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}

/// The figures of one scrape.
#[derive(Debug)]
struct Scrape {
    statistics: StatisticsBody,
    rejected: Vec<(&'static str, u64)>,
    disk_full: u64,
    mismatches: u64,
    to_compare: u64,
    /// `None` where the store does not answer: its figures are left out rather than told as zero.
    counts: Option<Counts>,
    running: bool,
    followed: Followed,
    snapshots: SnapshotFigures,
    kept: Kept,
    sockets: usize,
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let mut out = Out(&mut encoder);
        let build = [
            ("version", self.statistics.version),
            ("mode", self.statistics.mode),
        ];
        out.info("sentinel_build", "The running server", &build)?;
        self.encode_counts(&mut out)?;
        out.counter(
            "sentinel_log_dropped_bytes",
            "Bytes of both logs that were dropped because they need not be kept",
            self.snapshots.dropped_bytes,
        )?;
        out.counter(
            "sentinel_replay_mismatch",
            "Replayed outcomes that were not the recorded ones: each stops the process",
            self.mismatches,
        )?;
        self.encode_state(&mut out)?;
        if let Some(newest) = self.snapshots.newest {
            encode_newest(newest, &mut out)?;
        }
        self.counts
            .map_or(Ok(()), |counts| encode_stored(counts, &mut out))
    }
}

impl Scrape {
    /// What only grows.
    fn encode_counts(&self, out: &mut Out<'_, '_>) -> std::fmt::Result {
        let s = &self.statistics;
        let VerdictCounts {
            approve,
            challenge,
            review,
            decline,
        } = s.decisions;
        let verdicts = Verdict::ALL.iter().map(|verdict| verdict.as_str());
        let verdicts: Vec<_> = verdicts
            .zip([approve, challenge, review, decline])
            .collect();
        out.counters(
            "sentinel_decisions",
            "Decisions by verdict",
            "verdict",
            &verdicts,
        )?;
        out.counters(
            "sentinel_rejected",
            "Inputs refused by reason",
            "code",
            &self.rejected,
        )?;
        let amount_help = "Declined amounts, minor units of the reference currency";
        let counts = [
            ("sentinel_alerts", "Decisions that raise an alert", s.alerts),
            (
                "sentinel_repeated",
                "Events sent again with the same body",
                s.repeated,
            ),
            (
                "sentinel_conflicts",
                "Events sent again with another body",
                s.conflicts,
            ),
            (
                "sentinel_refused_disk_full",
                "Inputs sent away because the disk is nearly full",
                self.disk_full,
            ),
            ("sentinel_labels", "Labels taken in", s.labels),
            (
                "sentinel_follower_retries",
                "Times the store did not answer and was asked again",
                self.followed.retries,
            ),
            (
                "sentinel_snapshots",
                "Snapshots made by this process",
                self.snapshots.made,
            ),
            (
                "sentinel_snapshot_failures",
                "Snapshots that could not be made or read",
                self.snapshots.failures,
            ),
            (
                "sentinel_declined_amount_minor_units",
                amount_help,
                s.declined_amount_minor,
            ),
        ];
        counts
            .into_iter()
            .try_for_each(|(name, help, count)| out.counter(name, help, count))
    }

    /// How it is now.
    fn encode_state(&self, out: &mut Out<'_, '_>) -> std::fmt::Result {
        let s = &self.statistics;
        let up = f64::from(u8::from(self.running));
        let following = f64::from(u8::from(!self.followed.failed));
        let lag = s.log_end.saturating_sub(self.followed.next.0);
        out.gauges(&[
            ("sentinel_up", "1 while transactions are decided", up),
            (
                "sentinel_follower_up",
                "1 while alerts follow decisions",
                following,
            ),
            (
                "sentinel_follower_lag_entries",
                "Entries of the log that alerts have not followed yet",
                lag as f64,
            ),
            (
                "sentinel_log_first_offset",
                "Offset of the oldest entry that both logs keep",
                self.kept.first.0 as f64,
            ),
            (
                "sentinel_log_bytes",
                "Length of the transaction log",
                self.kept.log_bytes as f64,
            ),
            (
                "sentinel_decision_log_bytes",
                "Length of the decision log",
                self.kept.decision_log_bytes as f64,
            ),
            (
                "sentinel_log_end_offset",
                "Offset after the last entry of the log",
                s.log_end as f64,
            ),
            (
                "sentinel_transactions_per_second",
                "Rate over 5 seconds",
                s.transactions_per_second,
            ),
            (
                "sentinel_replay_entries_to_compare",
                "Recorded outcomes of earlier runs that are not compared with their replay yet",
                self.to_compare as f64,
            ),
            (
                "sentinel_live_sockets",
                "Open live feeds",
                self.sockets as f64,
            ),
        ])?;
        let LatencyBody { p50, p99, p999 } = s.latency_us;
        let latency = [
            ("0.5", p50 / 1e6),
            ("0.99", p99 / 1e6),
            ("0.999", p999 / 1e6),
        ];
        out.seconds(
            "sentinel_decision_latency",
            "Pick-up to record",
            "quantile",
            &latency,
        )
    }
}

/// The newest snapshot: how much of the log a start would replay, and what it cost.
fn encode_newest(newest: Newest, out: &mut Out<'_, '_>) -> std::fmt::Result {
    // A clock that was set back makes it no older than nothing.
    let age = newest.written_at.elapsed().unwrap_or_default();
    out.gauges(&[
        (
            "sentinel_snapshot_age_seconds",
            "Since the newest snapshot was written",
            age.as_secs_f64(),
        ),
        (
            "sentinel_snapshot_offset",
            "Offset after the last entry in the newest snapshot",
            newest.offset.0 as f64,
        ),
        (
            "sentinel_snapshot_bytes",
            "Length of the newest snapshot",
            newest.bytes as f64,
        ),
    ])?;
    let made = newest.seconds.map(|seconds| {
        let name = "sentinel_snapshot_duration_seconds";
        (name, "What making the newest snapshot took", seconds)
    });
    out.gauges(made.as_slice())
}

/// How much waits in the store.
fn encode_stored(counts: Counts, out: &mut Out<'_, '_>) -> std::fmt::Result {
    out.gauges(&[
        (
            "sentinel_alerts_open",
            "Alerts nobody has decided on",
            counts.alerts_open as f64,
        ),
        (
            "sentinel_cases_open",
            "Cases that wait for somebody",
            counts.cases_open as f64,
        ),
        (
            "sentinel_outbox_pending",
            "Messages not delivered yet",
            counts.outbox_pending as f64,
        ),
    ])
}

/// Writes single metrics.
struct Out<'a, 'b>(&'a mut DescriptorEncoder<'b>);

impl Out<'_, '_> {
    fn info(&mut self, name: &str, help: &str, labels: &[(&str, &str)]) -> std::fmt::Result {
        let mut encoder = self
            .0
            .encode_descriptor(name, help, None, MetricType::Info)?;
        let labels: Vec<(&str, &str)> = labels.to_vec();
        encoder.encode_info(&labels)
    }

    fn counter(&mut self, name: &str, help: &str, count: u64) -> std::fmt::Result {
        let encoder = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        ConstCounter::new(count).encode(encoder)
    }

    fn counters(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: &[(&str, u64)],
    ) -> std::fmt::Result {
        let mut encoder = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        for (value, count) in values {
            let labels = [(label, *value)];
            ConstCounter::new(*count).encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn gauges(&mut self, gauges: &[(&str, &str, f64)]) -> std::fmt::Result {
        for (name, help, value) in gauges {
            let encoder = self
                .0
                .encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(*value).encode(encoder)?;
        }
        Ok(())
    }

    fn seconds(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: &[(&str, f64)],
    ) -> std::fmt::Result {
        let unit = Unit::Seconds;
        let mut encoder = self
            .0
            .encode_descriptor(name, help, Some(&unit), MetricType::Gauge)?;
        for (value, seconds) in values {
            let labels = [(label, *value)];
            ConstGauge::new(*seconds).encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_parent_is_taken_over_and_nonsense_is_not() {
        let trace = |value: &'static str| trace_of(&HeaderValue::from_static(value));
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(
            trace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").as_deref(),
            Some(id)
        );
        assert_eq!(trace("00-4bf9-00f067aa0ba902b7-01"), None);
        assert_eq!(trace("nonsense"), None);
    }
}
