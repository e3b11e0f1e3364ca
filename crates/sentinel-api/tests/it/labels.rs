//! What is learnt of payments, through the door.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::server::{Server, now, payment};

fn label(label_id: &str, known_at: i64) -> Value {
    json!({
        "label_id": label_id, "event_id": "order-1", "kind": "fraud", "source": "chargeback",
        "known_at": known_at, "event_time": now().micros() - 60_000_000, "amount_minor": 1_299,
        "currency": "USD", "account_id": "a1", "story": "card_testing", "episode": 3,
    })
}

async fn send(server: &Server, label: &Value) -> (StatusCode, Value) {
    let reply = server.post("/api/v1/labels", label.to_string()).await;
    (reply.status, reply.json())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_counts_once_and_has_its_place_in_the_log() {
    let server = Server::start().await;
    let first = server.decide(&payment("order-1", "a1")).await;
    assert_eq!(first.status, StatusCode::OK);
    let learnt = label("order-1-fraud", now().micros());
    let (status, taken) = send(&server, &learnt).await;
    assert_eq!(status, StatusCode::CREATED, "{taken}");
    assert_eq!(
        (&taken["label_id"], &taken["state"]),
        (&json!("order-1-fraud"), &json!("done"))
    );
    let (status, again) = send(&server, &learnt).await;
    assert_eq!(
        (status, &again["state"]),
        (StatusCode::OK, &json!("repeated"))
    );
    assert!(again["offset"].as_u64() > taken["offset"].as_u64());
    let statistics = server.get("/api/v1/statistics").await.json();
    assert_eq!(statistics["labels"], 1, "{statistics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_label_or_not_known_yet_is_refused_with_its_field() {
    let server = Server::start().await;
    let future = label("l", now().micros() + 86_400_000_000);
    let (status, problem) = send(&server, &future).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains("known_at"),
        "{problem}"
    );
    let mut wrong = label("l", now().micros());
    wrong["kind"] = json!("rumour");
    let (status, problem) = send(&server, &wrong).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains("kind"),
        "{problem}"
    );
    let (status, _) = send(&server, &json!([])).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let statistics = server.get("/api/v1/statistics").await.json();
    assert_eq!(statistics["labels"], 0, "{statistics}");
    assert_eq!(statistics["rejected"], 3, "{statistics}");
    let letters = server.dead_letters();
    assert_eq!(letters.lines().count(), 3, "{letters}");
    assert!(letters.contains("rumour"), "{letters}");
}
