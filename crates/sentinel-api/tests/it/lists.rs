//! Alerts, cases, features and figures.

use serde_json::{Value, json};

use crate::server::Server;

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_read_page_by_page_newest_first() {
    let mut server = Server::start().await;
    server.burst("acct-1").await;
    let whole = server.get("/api/v1/alerts").await.json();
    let all = whole["items"].as_array().unwrap().clone();
    assert_eq!(all.len(), 8);
    assert_eq!(whole["next_cursor"], Value::Null);
    assert_eq!(whole["total_estimate"], json!(8));

    let mut paged = Vec::new();
    let mut path = "/api/v1/alerts?limit=3".to_owned();
    loop {
        let page = server.get(&path).await.json();
        assert_eq!(page["total_estimate"], json!(8));
        paged.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/api/v1/alerts?limit=3&after={cursor}");
    }
    assert_eq!(paged, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_tells_what_a_person_needs() {
    let mut server = Server::start().await;
    let decisions = server.burst("acct-1").await;
    let page = server.get("/api/v1/alerts?tier=critical").await.json();
    let mut alert = page["items"][0].clone();
    assert_eq!(alert["decision_id"], decisions[9]["decision_id"]);
    assert_eq!(alert["reasons"], decisions[9]["reasons"]);
    assert!(!alert["reasons"].as_array().unwrap().is_empty());
    let id = alert["alert_id"].as_str().unwrap().to_owned();
    assert_eq!(
        server.get(&format!("/api/v1/alerts/{id}")).await.json(),
        alert
    );
    for measured in ["reasons", "score"] {
        alert[measured] = json!("…");
    }
    insta::assert_json_snapshot!(alert, @r#"
    {
      "account_id": "acct-1",
      "alert_id": "alr_000000000000000e3cda75fca9ee23d4",
      "amount_minor": 1299,
      "card_token": null,
      "currency": "USD",
      "decision": "decline",
      "decision_id": "dec_000000000000000e01788f57aac3c192",
      "event_id": "acct-1-9",
      "event_time": "2026-11-21T12:59:49Z",
      "merchant_id": "shop-4",
      "raised_at": "2026-11-21T13:00:00Z",
      "reasons": "…",
      "score": "…",
      "status": "open",
      "tier": "critical"
    }
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_must_all_hold() {
    let mut server = Server::start().await;
    server.burst("acct-1").await;
    server.burst("acct-2").await;
    let count = async |query: &str| {
        let page = server.get(&format!("/api/v1/alerts?{query}")).await.json();
        page["items"].as_array().unwrap().len()
    };
    assert_eq!(count("").await, 16);
    assert_eq!(count("account_id=acct-2").await, 8);
    assert_eq!(count("tier=high").await, 6);
    assert_eq!(
        count("tier=critical&account_id=acct-1&status=open").await,
        1
    );
    assert_eq!(count("status=dismissed").await, 0);
    assert_eq!(count("account_id=nobody").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_critical_alert_opens_a_case() {
    let mut server = Server::start().await;
    server.burst("acct-1").await;
    let page = server
        .get("/api/v1/cases?status=open&tier=critical&account_id=acct-1")
        .await
        .json();
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    assert_eq!(page["total_estimate"], json!(1));
    let case = page["items"][0].clone();
    let alert_id = case["alert_id"].as_str().unwrap();
    assert_eq!(
        server
            .get(&format!("/api/v1/alerts/{alert_id}"))
            .await
            .json()["tier"],
        json!("critical")
    );
    let case_id = case["case_id"].as_str().unwrap();
    assert_eq!(
        server.get(&format!("/api/v1/cases/{case_id}")).await.json(),
        case
    );
    for path in [
        "/api/v1/cases/cas_1",
        "/api/v1/alerts/alr_1",
        "/api/v1/cases/x",
        "/api/v1/alerts/x",
    ] {
        assert_eq!(server.get(path).await.status.as_u16(), 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_lists_every_feature() {
    let server = Server::start().await;
    let catalogue = server.get("/api/v1/features").await.json();
    let items = catalogue["items"].as_array().unwrap();
    assert_eq!(
        items.len(),
        sentinel_features::FeatureSet::shipped().width()
    );
    let count = items
        .iter()
        .find(|item| item["name"] == json!("account_count_1m"))
        .unwrap();
    assert_eq!(count["entity"], json!("account"));
    assert_eq!(count["unit"], json!("count"));
    let decision = server
        .decide(&crate::server::payment("order-1", "a"))
        .await
        .json();
    assert_eq!(
        catalogue["feature_set"],
        decision["versions"]["feature_set"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_tell_what_happened() {
    let mut server = Server::start().await;
    server.burst("acct-1").await;
    let mut figures = server.get("/api/v1/statistics").await.json();
    assert_eq!(figures, {
        let mut again = server.get("/stats").await.json();
        again["uptime_seconds"] = figures["uptime_seconds"].clone();
        again["transactions_per_second"] = figures["transactions_per_second"].clone();
        again
    });
    for measured in ["latency_us", "uptime_seconds", "transactions_per_second"] {
        figures[measured] = json!("…");
    }
    insta::assert_json_snapshot!(figures, @r#"
    {
      "alerts": 8,
      "alerts_open": 8,
      "cases_open": 1,
      "conflicts": 0,
      "decisions": {
        "approve": 5,
        "challenge": 2,
        "decline": 1,
        "review": 2
      },
      "declined_amount_minor": 1299,
      "labels": 0,
      "latency_us": "…",
      "log_end": 15,
      "mode": "serve",
      "reference_currency": "USD",
      "rejected": 0,
      "repeated": 0,
      "started_at": "2026-11-21T13:00:00Z",
      "transactions": 10,
      "transactions_per_second": "…",
      "uptime_seconds": "…",
      "version": "0.1.0"
    }
    "#);
}
