//! Every way in which a request does not succeed has the same shape.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::server::{Reply, Server, payment};

fn assert_problem(reply: &Reply, status: u16, code: &str) -> Value {
    let body = reply.json();
    assert_eq!(reply.status.as_u16(), status, "{}", reply.text());
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(body["code"], json!(code));
    assert_eq!(body["status"], json!(status));
    assert_eq!(body["type"], json!(format!("/docs/problems/{code}")));
    assert_eq!(
        body["trace_id"].as_str().unwrap(),
        reply.header("x-trace-id")
    );
    assert!(!body["title"].as_str().unwrap().is_empty());
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_field_is_named() {
    let server = Server::start().await;
    let cases = [
        ("amount_minor", json!(-1), "negative_amount"),
        ("amount_minor", json!(12.5), "wrong_type"),
        ("amount_minor", json!("12"), "wrong_type"),
        ("amount_minor", json!(i64::MAX), "out_of_range"),
        ("currency", json!("XYZ"), "unknown_currency"),
        ("event_type", json!("gift"), "unknown_value"),
        ("event_time", json!("yesterday"), "wrong_type"),
        ("event_time", json!("2026-11-21T13:06:00Z"), "future_event"),
        ("account_id", Value::Null, "missing_field"),
        ("account_id", json!("a".repeat(65)), "too_long"),
        ("card_token", json!("4242 4242 4242 4242"), "out_of_range"),
        ("ammount", json!(1), "unknown_field"),
    ];
    for (field, value, code) in cases {
        let mut body = payment("order-1", "acct-1");
        body[field] = value;
        let problem = assert_problem(&server.decide(&body).await, 422, code);
        assert_eq!(problem["errors"][0]["pointer"], json!(format!("/{field}")));
        assert_eq!(problem["instance"], json!("/api/v1/decisions"));
    }
    assert_eq!(
        server.dead_letters().lines().count(),
        12,
        "every refused body is kept"
    );
    let statistics = server.get("/api/v1/statistics").await.json();
    assert_eq!(statistics["rejected"], json!(12));
    assert_eq!(statistics["transactions"], json!(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_transaction_are_bad_requests() {
    let server = Server::start().await;
    let bodies: [(&[u8], &str); 6] = [
        (b"", "bad_json"),
        (b"{", "bad_json"),
        (b"[1]", "bad_json"),
        (b"{\"event_id\":\"a\",\"event_id\":\"b\"}", "bad_json"),
        (b"{} {}", "bad_json"),
        (b"{\"event_id\":\"\xff\"}", "bad_utf8"),
    ];
    for (body, code) in bodies {
        let reply = server.post("/api/v1/decisions", body.to_vec()).await;
        let text = String::from_utf8_lossy(body);
        assert!(
            reply.json()["code"] == json!(code),
            "{text}: {}",
            reply.text()
        );
        assert_problem(&reply, 400, code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_beyond_the_limit_is_refused() {
    let server = Server::start().await;
    for path in ["/api/v1/decisions", "/transactions"] {
        let reply = server.post(path, vec![b' '; 64 * 1024 + 1]).await;
        assert_problem(&reply, 413, "body_too_large");
    }
    let mut padded = payment("order-1", "acct-1").to_string();
    padded.push_str(&" ".repeat(64 * 1024 - padded.len()));
    assert_eq!(
        server.post("/api/v1/decisions", padded).await.status,
        StatusCode::OK
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_methods_that_are_not_there_are_problems() {
    let server = Server::start().await;
    for path in [
        "/api",
        "/api/v1/nothing",
        "/api/v2/decisions",
        "/docs/problems/none",
        "/docs/x.js",
    ] {
        let problem = assert_problem(&server.get(path).await, 404, "not_found");
        assert_eq!(problem["instance"], json!(path));
    }
    assert_problem(
        &server.method(Method::POST, "/anywhere").await,
        404,
        "not_found",
    );
    let reply = server.method(Method::DELETE, "/api/v1/decisions").await;
    assert_problem(&reply, 405, "method_not_allowed");
    assert_eq!(reply.header("allow"), "POST");
    assert_problem(
        &server.method(Method::POST, "/health").await,
        405,
        "method_not_allowed",
    );
    assert_problem(&server.get("/api/v1/ws").await, 426, "upgrade_required");
    assert_problem(&server.get("/ws/alerts").await, 426, "upgrade_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_that_are_not_understood_are_named() {
    let server = Server::start().await;
    let cases = [
        ("tier=huge", Some("?tier")),
        ("status=lost", Some("?status")),
        ("limit=0", Some("?limit")),
        ("limit=1001", Some("?limit")),
        ("after=nonsense", Some("?after")),
        ("limit=many", None),
        ("colour=red", None),
    ];
    for (query, pointer) in cases {
        for noun in ["alerts", "cases"] {
            let reply = server.get(&format!("/api/v1/{noun}?{query}")).await;
            let problem = assert_problem(&reply, 400, "bad_query");
            assert_eq!(problem["errors"][0]["pointer"].as_str(), pointer, "{query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_occurrence_is_named_by_the_callers_trace() {
    let server = Server::start().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = Request::get("/api/v1/nothing")
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .body(Body::empty())
        .unwrap();
    assert_eq!(server.send(request).await.json()["trace_id"], json!(trace));
    let one = server.get("/api/v1/nothing").await.json()["trace_id"].clone();
    let other = server.get("/api/v1/nothing").await.json()["trace_id"].clone();
    assert_ne!(one, other);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_one_machine_answers_to_its_own_names_only() {
    let ask = |host: &'static str| {
        let request = Request::get("/livez").header("host", host);
        request.body(Body::empty()).unwrap()
    };
    let server = Server::start_for(true).await;
    for host in [
        "localhost",
        "localhost:8000",
        "127.0.0.1:8000",
        "[::1]:8000",
    ] {
        let reply = server.send(ask(host)).await;
        assert_eq!(reply.status, StatusCode::OK, "{host}: {}", reply.text());
    }
    assert_eq!(server.get("/livez").await.status, StatusCode::OK, "no host");
    let problem = assert_problem(
        &server.send(ask("rebound.example:8000")).await,
        403,
        "foreign_host",
    );
    assert_eq!(problem["instance"], json!("/livez"));
    let page = Request::get("/").header("host", "rebound.example");
    let page = server.send(page.body(Body::empty()).unwrap()).await;
    assert_problem(&page, 403, "foreign_host");

    let open = Server::start().await;
    assert_eq!(open.send(ask("fraud.example")).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_pipeline_is_unavailable() {
    let server = Server::start().await;
    let router = server.router.clone();
    server.pipeline.stop().await.unwrap();
    let request = Request::post("/api/v1/decisions");
    let request = request
        .body(Body::from(payment("order-1", "a").to_string()))
        .unwrap();
    let response = tower::ServiceExt::oneshot(router, request).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key("retry-after"));
}
