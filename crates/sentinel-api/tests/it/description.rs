//! The description of the API, and the pages that show it.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::server::Server;

fn description() -> Value {
    serde_json::from_str(&sentinel_api::openapi_json().unwrap()).unwrap()
}

/// Every operation as (method, path, its description).
fn operations(description: &Value) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            all.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    all
}

#[test]
fn every_route_is_described() {
    let description = description();
    let routes: Vec<String> = operations(&description)
        .iter()
        .map(|(method, path, operation)| {
            format!(
                "{method} {path} {}",
                operation["operationId"].as_str().unwrap()
            )
        })
        .collect();
    insta::assert_snapshot!(routes.join("\n"), @r"
    GET /alerts/recent recent_alerts
    GET /api/v1/alerts list_alerts
    GET /api/v1/alerts/{id} read_alert
    GET /api/v1/cases list_cases
    GET /api/v1/cases/{id} read_case
    POST /api/v1/decisions decide
    GET /api/v1/decisions/{id} read_decision
    POST /api/v1/decisions/{id}/override override_decision
    GET /api/v1/decisions/{id}/replay replay_decision
    POST /api/v1/erasures erase
    GET /api/v1/features list_features
    POST /api/v1/features add_features
    POST /api/v1/labels take_label
    GET /api/v1/lists list_lists
    POST /api/v1/lists activate_lists
    GET /api/v1/models list_models
    POST /api/v1/models activate_model
    GET /api/v1/statistics read_statistics
    GET /api/v1/ws subscribe
    GET /health health
    GET /livez livez
    GET /metrics read_metrics
    GET /readyz readyz
    GET /stats read_stats
    POST /transactions decide_transaction
    GET /transactions/{id} read_transaction
    GET /users/{id}/risk-profile risk_profile
    GET /ws/alerts alert_stream
    ");
}

#[test]
fn every_operation_has_a_tag_a_summary_and_known_schemas() {
    let description = description();
    let tags: Vec<&Value> = description["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| &tag["name"])
        .collect();
    for (method, path, operation) in operations(&description) {
        let tag = &operation["tags"][0];
        assert!(
            tags.contains(&tag),
            "{method} {path}: {tag} is not described"
        );
        assert!(operation["summary"].is_string(), "{method} {path}");
        assert!(
            operation["responses"]
                .as_object()
                .is_some_and(|all| !all.is_empty())
        );
    }
    let text = description.to_string();
    for reference in text.split("\"$ref\":\"").skip(1) {
        let pointer = reference.split('"').next().unwrap().trim_start_matches('#');
        assert!(
            description.pointer(pointer).is_some(),
            "{pointer} is nowhere"
        );
    }
    assert_eq!(description["info"]["version"], json!("0.1.0"));
}

#[test]
fn fields_are_described_with_examples() {
    let description = description();
    let schemas = description["components"]["schemas"].as_object().unwrap();
    let transaction = &schemas["TransactionBody"];
    for (name, property) in transaction["properties"].as_object().unwrap() {
        let shown = property.get("example").is_some() || property.get("examples").is_some();
        assert!(shown, "TransactionBody.{name} has no example");
        assert!(
            property["description"].is_string(),
            "TransactionBody.{name} is not described"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_docs_come_out_of_the_binary() {
    let server = Server::start().await;
    for path in ["/docs", "/docs/"] {
        let page = server.get(path).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.header("content-type").starts_with("text/html"));
        assert!(
            page.header("content-security-policy")
                .contains("default-src 'self'")
        );
        assert!(
            !page.text().contains("//") && !page.text().contains("http"),
            "{}",
            page.text()
        );
        let sources = page
            .text()
            .split(['"'])
            .filter(|part| part.starts_with('/'));
        for source in sources {
            let file = server.get(source).await;
            assert_eq!(file.status, StatusCode::OK, "{source}");
            assert!(!file.body.is_empty());
        }
    }
    let start = server.get("/docs/start.js").await;
    assert!(
        start.text().contains("validatorUrl: null"),
        "the viewer must not ask another host"
    );
    assert!(!start.text().contains("http"));
    assert_eq!(
        server.get("/api/v1/openapi.json").await.json(),
        description()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_problem_has_its_page() {
    let server = Server::start().await;
    let codes = [
        "missing_field",
        "bad_json",
        "conflict",
        "not_found",
        "overloaded",
        "internal",
    ];
    for code in codes {
        let page = server.get(&format!("/docs/problems/{code}")).await;
        assert_eq!(page.status, StatusCode::OK, "{code}");
        assert!(page.text().contains(code), "{}", page.text());
    }
}
