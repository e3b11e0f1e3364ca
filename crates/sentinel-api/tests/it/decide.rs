//! Deciding, looking at decisions, and computing them again.

use axum::http::{Request, StatusCode};
use serde_json::json;

use crate::server::{Server, payment};

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_decided_with_everything_that_made_the_decision() {
    let server = Server::start().await;
    let reply = server.decide(&payment("order-1", "acct-17")).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("cache-control"), "no-store");
    let mut body = reply.json();
    assert!(body["latency_us"].is_u64());
    for measured in [
        "confidence",
        "latency_us",
        "probability",
        "risk",
        "score",
        "versions",
    ] {
        body[measured] = json!("…");
    }
    body["models"][0]["score"] = json!("…");
    insta::assert_json_snapshot!(body, @r#"
    {
      "actions": [],
      "confidence": "…",
      "decision": "approve",
      "decision_id": "dec_00000000000000051caffdc86eccdf52",
      "degraded": [],
      "event_id": "order-1",
      "latency_us": "…",
      "lists": [],
      "log_position": {
        "log": "07070707070707070707070707070707",
        "offset": 5,
        "partition": 0
      },
      "models": [
        {
          "model_id": "default",
          "role": "champion",
          "score": "…",
          "version": 1
        }
      ],
      "probability": "…",
      "reasons": [],
      "risk": "…",
      "rules": [],
      "score": "…",
      "tier": "minimal",
      "versions": "…"
    }
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_gets_the_decision_of_then_and_another_body_is_a_conflict() {
    let server = Server::start().await;
    let first = server.decide(&payment("order-1", "acct-17")).await.json();
    let again = server.decide(&payment("order-1", "acct-17")).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.json()["replayed"], json!(true));
    assert_eq!(again.json()["decision_id"], first["decision_id"]);
    assert_eq!(first.get("replayed"), None);

    let other = server.decide(&payment("order-1", "acct-18")).await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    let problem = other.json();
    assert_eq!(problem["code"], json!("conflict"));
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains(first["decision_id"].as_str().unwrap()),
        "{detail}"
    );
    assert_eq!(problem["errors"][0]["pointer"], json!("/event_id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_found_by_its_id_and_by_the_callers() {
    let mut server = Server::start().await;
    let decisions = server.burst("acct-1").await;
    let last = decisions.last().unwrap();
    assert_eq!(last["tier"], json!("critical"));
    assert_eq!(last["decision"], json!("decline"));
    let by_id = server
        .get(&format!(
            "/api/v1/decisions/{}",
            last["decision_id"].as_str().unwrap()
        ))
        .await;
    let by_event = server.get("/api/v1/decisions/acct-1-9").await;
    assert_eq!(by_id.status, StatusCode::OK);
    assert_eq!(by_id.json(), by_event.json());
    let body = by_id.json();
    assert_eq!(body["reasons"], last["reasons"]);
    assert!(
        body["followed_by"]["alert_id"]
            .as_str()
            .unwrap()
            .starts_with("alr_")
    );
    assert!(
        body["followed_by"]["case_id"]
            .as_str()
            .unwrap()
            .starts_with("cas_")
    );
    assert_eq!(body["transaction"]["account_id"], json!("acct-1"));
    assert_eq!(body["transaction"]["amount_minor"], json!(1_299));

    let quiet = server.get("/api/v1/decisions/acct-1-0").await.json();
    assert_eq!(
        quiet["followed_by"],
        json!({"alert_id": null, "case_id": null})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_override_stands_beside_the_decision_and_changes_it_not() {
    let server = Server::start().await;
    let payment = payment("order-7", "acct-7");
    let first = server.decide(&payment).await.json();
    let draft = |name: &str, verdict: &str| {
        json!({"override_id": name, "verdict": verdict, "by": "j.doe", "reason": "by phone"})
            .to_string()
    };
    let path = "/api/v1/decisions/order-7/override";
    let done = server.post(path, draft("o-1", "decline")).await;
    assert_eq!(done.status, StatusCode::CREATED, "{}", done.text());
    assert_eq!(done.json()["decision_id"], first["decision_id"]);
    let other = server.post(path, draft("o-1", "approve")).await;
    assert_eq!(other.status, StatusCode::CONFLICT, "{}", other.text());
    assert_eq!(other.json()["errors"][0]["pointer"], json!("/override_id"));
    let again = server.post(path, draft("o-1", "decline")).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text());
    assert_eq!(again.json()["state"], json!("repeated"));
    let wrong = server.post(path, draft("o-2", "perhaps")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong.json()["errors"][0]["pointer"], json!("/verdict"));
    let nobody = json!({"override_id": "o-3", "verdict": "approve", "by": ""}).to_string();
    let nobody = server.post(path, nobody).await;
    assert_eq!(nobody.json()["errors"][0]["pointer"], json!("/by"));
    assert_eq!(nobody.json()["code"], json!("missing_field"));
    let long =
        json!({"override_id": "o-3", "verdict": "approve", "by": "b".repeat(257)}).to_string();
    let long = server.post(path, long).await;
    assert_eq!(long.json()["code"], json!("too_long"));
    let absent = "/api/v1/decisions/order-404/override";
    let absent = server.post(absent, draft("o-4", "decline")).await;
    assert_eq!(absent.status, StatusCode::NOT_FOUND);
    let told = absent.json()["detail"].to_string();
    assert!(told.contains("order-404; an event id leads"), "{told}");

    let handle = server.pipeline.handle();
    let (mut followed, end) = (handle.followed(), handle.log_end());
    let followed = followed.wait_for(|followed| followed.next == end);
    let followed = tokio::time::timeout(std::time::Duration::from_secs(20), followed).await;
    followed.unwrap().unwrap();
    let detail = server.get("/api/v1/decisions/order-7").await.json();
    let expected = json!({
        "verdict": "decline", "by": "j.doe", "reason": "by phone", "at": "2026-11-21T13:00:00Z",
    });
    assert_eq!(detail["overridden_by"], expected);
    assert_eq!(detail["decision"], first["decision"]);
    let mut repeat = server.decide(&payment).await.json();
    assert_eq!(repeat["replayed"], json!(true));
    repeat.as_object_mut().unwrap().remove("replayed");
    assert_eq!(repeat, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_is_not_there_is_not_found() {
    let server = Server::start().await;
    let made_up = "dec_000000000000002a8f14e45fceea167a";
    for id in [made_up, "dec_1", "order-404", "%FF"] {
        for tail in ["", "/replay"] {
            let reply = server.get(&format!("/api/v1/decisions/{id}{tail}")).await;
            assert_eq!(reply.status, StatusCode::NOT_FOUND, "{id}{tail}");
            assert_eq!(reply.json()["code"], json!("not_found"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_gives_the_same_bytes() {
    let mut server = Server::start().await;
    server.burst("acct-1").await;
    let reply = server.get("/api/v1/decisions/acct-1-9/replay").await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let body = reply.json();
    assert_eq!(body["equal"], json!(true));
    assert_eq!(body["recorded_hash"], body["computed_hash"]);
    assert_eq!(
        body["entries"],
        json!(15),
        "five activations and ten payments"
    );
    assert_eq!(body["computed"]["decision"], json!("decline"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_cannot_decide() {
    let server = Server::start().await;
    let from = |origin: &str| {
        let request = Request::post("/api/v1/decisions").header("host", "localhost:8000");
        request
            .header("origin", origin)
            .body(payment("order-1", "a").to_string().into())
            .unwrap()
    };
    let foreign = server.send(from("https://elsewhere.example")).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    assert_eq!(foreign.json()["code"], json!("foreign_origin"));
    let own = server.send(from("http://localhost:8000")).await;
    assert_eq!(own.status, StatusCode::OK);
}
