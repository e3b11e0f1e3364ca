//! The routes that existing clients call.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::server::{Server, payment};

fn old(transaction_id: &str) -> Value {
    json!({
        "transaction_id": transaction_id,
        "user_id": "u-1",
        "amount": 12.34,
        "timestamp": "2026-11-21 12:59:00",
        "merchant": "shop-4",
        "merchant_category": "grocery",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_words_give_the_same_decision() {
    let server = Server::start().await;
    let reply = server.post("/transactions", old("t-1").to_string()).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let body = reply.json();
    assert_eq!(body["transaction_id"], json!("t-1"));
    assert_eq!(body["event_id"], json!("t-1"));
    assert_eq!(body["fraud_score"], body["risk"]);
    let detail = server.get("/transactions/t-1").await.json();
    assert_eq!(detail["transaction_id"], json!("t-1"));
    assert_eq!(detail["decision_id"], body["decision_id"]);
    insta::assert_json_snapshot!(detail["transaction"], @r#"
    {
      "account_id": "u-1",
      "amount_minor": 1234,
      "attributes": {
        "merchant_category": "grocery"
      },
      "currency": "USD",
      "event_id": "t-1",
      "event_time": 1795265940000000,
      "event_type": "card_auth",
      "merchant_id": "shop-4"
    }
    "#);
    let again = server
        .post("/transactions", old("t-1").to_string())
        .await
        .json();
    assert_eq!(again["replayed"], json!(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn canonical_words_are_understood_and_a_name_is_made() {
    let server = Server::start().await;
    let reply = server
        .post("/transactions", payment("order-1", "a").to_string())
        .await;
    assert_eq!(reply.json()["transaction_id"], json!("order-1"));
    let mut nameless = old("");
    nameless.as_object_mut().unwrap().remove("transaction_id");
    let one = server
        .post("/transactions", nameless.to_string())
        .await
        .json();
    let other = server
        .post("/transactions", nameless.to_string())
        .await
        .json();
    assert!(one["transaction_id"].as_str().unwrap().starts_with("txn_"));
    assert_ne!(one["transaction_id"], other["transaction_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_told_in_the_callers_words_and_kept() {
    let server = Server::start().await;
    let cases = [
        ("amount", json!(12.345), 422, "wrong_type", "/amount"),
        ("amount", json!("twelve"), 422, "wrong_type", "/amount"),
        ("amount", json!(-3), 422, "negative_amount", "/amount"),
        ("amount", Value::Null, 422, "missing_field", "/amount"),
        ("timestamp", json!("noon"), 422, "wrong_type", "/timestamp"),
        (
            "timestamp",
            json!(1_795_265_940),
            422,
            "wrong_type",
            "/timestamp",
        ),
        ("user_id", json!(true), 422, "wrong_type", "/user_id"),
        ("event_id", json!("t-2"), 400, "bad_json", "/event_id"),
        ("items", json!([1]), 422, "wrong_type", "/attributes/items"),
    ];
    let count = cases.len();
    for (key, value, status, code, pointer) in cases {
        let mut body = old("t-1");
        body[key] = value;
        let reply = server.post("/transactions", body.to_string()).await;
        assert_eq!(reply.status.as_u16(), status, "{key}: {}", reply.text());
        assert_eq!(reply.json()["code"], json!(code), "{key}");
        let pointed = reply.json()["errors"][0]["pointer"].clone();
        // The same event twice is told by whichever key came last.
        assert!(
            pointed == json!(pointer) || code == "bad_json",
            "{key}: {pointed}"
        );
    }
    assert_eq!(server.dead_letters().lines().count(), count);
    let missing = server.post("/transactions", "{}").await.json();
    assert_eq!(missing["code"], json!("missing_field"));
    let garbage = server.post("/transactions", "nonsense").await;
    assert_eq!(garbage.json()["code"], json!("bad_json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn recent_alerts_carry_both_words() {
    let mut server = Server::start().await;
    server.burst("acct-1").await;
    let recent = server.get("/alerts/recent?limit=3").await.json();
    assert_eq!(recent.as_array().unwrap().len(), 3);
    assert_eq!(
        server
            .get("/alerts/recent")
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        8
    );
    let newest = &recent[0];
    assert_eq!(newest["transaction_id"], newest["event_id"]);
    assert_eq!(newest["user_id"], json!("acct-1"));
    assert_eq!(newest["amount"], json!(12.99));
    assert_eq!(newest["timestamp"], newest["event_time"]);
    assert_eq!(
        server.get("/alerts/recent?limit=0").await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_says_what_it_is_made_of() {
    let mut server = Server::start().await;
    server.burst("acct-1").await;
    let profile = server.get("/users/acct-1/risk-profile").await.json();
    assert_eq!(profile["user_id"], json!("acct-1"));
    assert_eq!(profile["alerts"], json!(8));
    assert_eq!(profile["alerts_open"], json!(8));
    assert_eq!(profile["tier_highest"], json!("critical"));
    assert_eq!(profile["more"], json!(false));
    assert!(profile["basis"].as_str().unwrap().contains("stored alerts"));
    let nobody = server.get("/users/nobody/risk-profile").await.json();
    assert_eq!(nobody["alerts"], json!(0));
    assert_eq!(nobody["tier_highest"], Value::Null);
}
