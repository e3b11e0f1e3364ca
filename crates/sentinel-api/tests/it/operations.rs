//! Probes and metrics.

use std::path::Path;
use std::time::Duration;

use axum::http::StatusCode;
use sentinel_domain::LogId;
use sentinel_eventlog::disk::simulated::SimulatedDisk;
use sentinel_eventlog::{Disk, Durability, EmbeddedOptions, EventLog};
use sentinel_pipeline::SnapshotFigures;
use sentinel_pipeline::trust::ModelTrust;
use serde_json::json;

use crate::server::{Server, payment};

#[tokio::test(flavor = "multi_thread")]
async fn probes_tell_life_from_readiness() {
    let server = Server::start().await;
    let health = server.get("/health").await;
    assert_eq!(
        (health.status, health.json()),
        (StatusCode::OK, json!({"status": "ok"}))
    );
    assert_eq!(server.get("/livez").await.text(), "ok\n");
    assert_eq!(server.get("/readyz").await.text(), "ok\n");
    let verbose = server.get("/readyz?verbose").await;
    assert!(
        verbose.text().contains("[+] store answers"),
        "{}",
        verbose.text()
    );

    server.stop.send(true).unwrap();
    let stopping = server.get("/readyz?verbose").await;
    assert_eq!(stopping.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        stopping.text().contains("[-] not stopping"),
        "{}",
        stopping.text()
    );
    assert_eq!(
        server.get("/livez").await.status,
        StatusCode::OK,
        "draining is alive"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_lost_its_place_is_told_everywhere() {
    let server = Server::start().await;
    let (store, handle) = (server.pipeline.store(), server.pipeline.handle());
    let partition = sentinel_domain::Partition::default();
    store
        .take_over("alerts", handle.log_id(), partition)
        .await
        .unwrap();
    let decided = server.decide(&payment("order-1", "acct-1")).await;
    assert_eq!(decided.status, StatusCode::OK);
    let mut followed = handle.followed();
    followed.wait_for(|followed| followed.failed).await.unwrap();
    let ready = server.get("/readyz").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready.text(), "[-] alerts follow decisions\nnot ready\n");
    let health = server.get("/health").await;
    assert_eq!(
        (health.status, health.json()),
        (StatusCode::OK, json!({"status": "degraded"}))
    );
    let metrics = server.get("/metrics").await;
    let have = |line: &str| metrics.text().lines().any(|have| have == line);
    assert!(have("sentinel_follower_up 0.0"), "{}", metrics.text());
    assert!(have("sentinel_up 1.0"));
    assert!(!have("sentinel_follower_lag_entries 0.0"), "it lags");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_open_metrics_and_count_what_happened() {
    let mut server = Server::start().await;
    server.burst("acct-1").await;
    server.decide(&payment("acct-1-0", "other")).await;
    server.decide(&json!({})).await;
    server.get("/some/page").await;
    let mut snapshots = server.pipeline.handle().snapshots();
    let all_in = |one: &SnapshotFigures| one.newest.is_some_and(|newest| newest.offset.0 == 16);
    let made = tokio::time::timeout(Duration::from_secs(60), snapshots.wait_for(all_in)).await;
    let made = *made.expect("a snapshot of everything").unwrap();
    let reply = server.get("/metrics").await;
    assert!(
        reply
            .header("content-type")
            .starts_with("application/openmetrics-text")
    );
    let text = reply.text();
    assert_lines_are_open_metrics(text);
    for line in [
        "sentinel_build_info{version=\"0.1.0\",mode=\"serve\"} 1",
        "sentinel_decisions_total{verdict=\"approve\"} 5",
        "sentinel_decisions_total{verdict=\"decline\"} 1",
        "sentinel_rejected_total{code=\"missing_field\"} 1",
        "sentinel_rejected_total{code=\"conflict\"} 1",
        "sentinel_alerts_total 8",
        "sentinel_conflicts_total 1",
        "sentinel_repeated_total 0",
        "sentinel_log_end_offset 16.0",
        "sentinel_alerts_open 8.0",
        "sentinel_cases_open 1.0",
        "sentinel_up 1.0",
        "sentinel_follower_up 1.0",
        "sentinel_follower_retries_total 0",
        "sentinel_snapshot_failures_total 0",
        "sentinel_replay_mismatch_total 0",
        "sentinel_replay_entries_to_compare 0.0",
        "sentinel_snapshot_offset 16.0",
        "sentinel_http_requests_total{method=\"POST\",route=\"/api/v1/decisions\",status=\"200\"} 10",
        "sentinel_http_requests_total{method=\"POST\",route=\"/api/v1/decisions\",status=\"409\"} 1",
        "sentinel_http_requests_total{method=\"POST\",route=\"/api/v1/decisions\",status=\"422\"} 1",
        "sentinel_http_requests_total{method=\"GET\",route=\"other\",status=\"200\"} 1",
    ] {
        assert!(
            text.lines().any(|have| have == line),
            "{line} is not in\n{text}"
        );
    }
    assert!(
        text.contains("sentinel_decision_latency_seconds{quantile=\"0.99\"}"),
        "{text}"
    );
    let bytes = made.newest.unwrap().bytes;
    for line in [
        format!("sentinel_snapshots_total {}", made.made),
        format!("sentinel_snapshot_bytes {bytes}.0"),
    ] {
        assert!(
            text.lines().any(|have| have == line),
            "{line} is not in\n{text}"
        );
    }
    for name in [
        "sentinel_snapshot_age_seconds ",
        "sentinel_snapshot_duration_seconds ",
    ] {
        assert!(text.lines().any(|have| have.starts_with(name)), "{name}");
    }
    assert!(!text.contains("acct-1"), "no account is ever a label");
}

/// Every sample belongs to the family announced before it, and the text ends as it must.
fn assert_lines_are_open_metrics(text: &str) {
    assert!(text.ends_with("# EOF\n"));
    let mut family = "";
    for line in text.lines() {
        if let Some(told) = line.strip_prefix("# TYPE ") {
            family = told.split(' ').next().unwrap();
        } else if !line.starts_with('#') {
            assert!(line.starts_with(family), "{line} is not of {family}");
            let value = line.rsplit(' ').next().unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_a_503_that_ends_when_there_is_room() {
    let disk = SimulatedDisk::new(1);
    disk.set_capacity_bytes(1 << 23);
    let log = |name: &str, durability| {
        let options = EmbeddedOptions {
            durability,
            ..EmbeddedOptions::new(LogId([7; 16]))
        };
        let on = Disk::Simulated(disk.clone());
        EventLog::open_on(&on, Path::new(name), options).unwrap().0
    };
    let logs = [
        log("log", Durability::Always),
        log("decisions", Durability::Never),
    ];
    let server = Server::start_over(logs, false, ModelTrust::default()).await;
    for round in 0..50 {
        let (first, second) = (format!("first-{round}"), format!("second-{round}"));
        let decided = server.decide(&payment(&first, "acct-1")).await;
        assert_eq!(decided.status, StatusCode::OK, "{}", decided.text());
        // The size of the disk stays: the reserve is a share of it. What is free is below that share.
        let ballast = (1 << 23) - disk.used_bytes() - (1 << 18);
        disk.overwrite(
            Path::new("ballast"),
            vec![0; usize::try_from(ballast).unwrap()],
        )
        .unwrap();
        let full = server.decide(&payment(&second, "acct-1")).await;
        assert_eq!(full.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(full.header("retry-after"), "5");
        assert_eq!(full.json()["code"], "disk_full");
        assert!(full.text().contains("bytes are free"), "{}", full.text());
        let again = server.decide(&payment(&first, "acct-1")).await;
        assert_eq!(again.status, StatusCode::SERVICE_UNAVAILABLE);
        disk.lose(Path::new("ballast")).unwrap();
        let resumed = server.decide(&payment(&second, "acct-1")).await;
        assert_eq!(resumed.status, StatusCode::OK, "{}", resumed.text());
        let again = server.decide(&payment(&first, "acct-1")).await;
        assert_eq!(again.json()["decision_id"], decided.json()["decision_id"]);
    }
    let metrics = server.get("/metrics").await;
    let counted = "sentinel_refused_disk_full_total 100\n";
    assert!(metrics.text().contains(counted), "{}", metrics.text());
}
