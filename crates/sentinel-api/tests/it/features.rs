//! The active catalogue, and adding to it.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use sentinel_features::FeatureSet;
use serde_json::{Value, json};

use crate::server::{Reply, Server, payment};

const DEFINITIONS: &str = r#"
[[feature]]
name = "account_large_count_1h"
entity = "account"
aggregate = "count"
window = "1h"
filter = "amount >= 10"
"#;

async fn add(server: &Server, definitions: &str) -> Reply {
    let body = json!({ "definitions": definitions });
    server.post("/api/v1/features", body.to_string()).await
}

/// Waits until the start's own contents are in force: its activations are the first entries.
async fn ready(server: &Server) -> Value {
    let reply = server.decide(&payment("first", "a1")).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    reply.json()
}

fn names(catalogue: &Value) -> Vec<&str> {
    let items = catalogue["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_added_feature_is_filled_from_the_log_and_stands_in_the_catalogue() {
    let server = Server::start().await;
    let before = ready(&server).await;
    let shipped = server.get("/api/v1/features").await.json();
    assert_eq!(shipped["version"], 1);
    assert_eq!(before["versions"]["feature_set"], shipped["feature_set"]);

    let reply = add(&server, DEFINITIONS).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
    let added = reply.json();
    assert_eq!(
        added,
        json!({
            "added": ["account_large_count_1h"],
            "version": 2,
            "feature_set": added["feature_set"],
            "live_from": 6,
            "state": "live",
            "backfill": { "from": 0, "to": 6, "transactions": 1, "labels": 0, "complete": true },
        })
    );
    let catalogue = server.get("/api/v1/features").await.json();
    assert_eq!(catalogue["version"], 2);
    assert_eq!(catalogue["feature_set"], added["feature_set"]);
    assert_eq!(names(&catalogue).len(), names(&shipped).len() + 1);
    let last = catalogue["items"].as_array().unwrap().last().unwrap();
    for (key, value) in [
        ("name", json!("account_large_count_1h")),
        ("user_defined", json!(true)),
        ("entity", json!("account")),
        ("window", json!("1h")),
        ("source", json!("window")),
        ("type", json!("integer")),
        ("unit", json!("count")),
    ] {
        assert_eq!(last[key], value, "{key} of {last}");
    }
    assert!(
        last["definition"].is_string() && last["doc"].is_string(),
        "{last}"
    );
    let after = server.decide(&payment("second", "a1")).await.json();
    assert_eq!(after["versions"]["feature_set"], added["feature_set"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_definitions_again_change_nothing_and_a_check_adds_nothing() {
    let server = Server::start().await;
    ready(&server).await;
    let body = json!({ "definitions": DEFINITIONS, "dry_run": true });
    let reply = server.post("/api/v1/features", body.to_string()).await;
    assert_eq!(reply.status, StatusCode::OK);
    let checked = reply.json();
    assert_eq!(checked["state"], "checked");
    assert_eq!(checked["added"], json!(["account_large_count_1h"]));
    assert_eq!(server.get("/api/v1/features").await.json()["version"], 1);

    assert_eq!(add(&server, DEFINITIONS).await.status, StatusCode::CREATED);
    let end = server.pipeline.handle().log_end();
    let again = add(&server, DEFINITIONS).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.json()["added"], json!([]));
    assert_eq!(again.json()["live_from"], json!(null));
    assert_eq!(
        server.pipeline.handle().log_end(),
        end,
        "nothing is appended"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_told_with_its_line_and_nothing_is_appended() {
    let server = Server::start().await;
    ready(&server).await;
    let end = server.pipeline.handle().log_end();
    let wrong = DEFINITIONS
        .replace("\"1h\"", "\"3 weeks\"")
        .replace("entity = \"account\"", "entity = \"planet\"");
    let reply = add(&server, &wrong).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let problem = reply.json();
    assert_eq!(problem["code"], "bad_definitions");
    let errors = problem["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 2, "{problem}");
    for (error, words) in errors.iter().zip([
        ["line 4: account_large_count_1h: entity: ", "planet"],
        ["line 6: account_large_count_1h: window: ", "3 weeks"],
    ]) {
        assert_eq!(error["pointer"], "/definitions");
        let detail = error["detail"].as_str().unwrap();
        assert!(words.iter().all(|word| detail.contains(word)), "{detail}");
    }
    assert_eq!(server.pipeline.handle().log_end(), end);
}

#[test]
fn the_definitions_of_the_description_have_no_fault() {
    let description = sentinel_api::openapi_json().unwrap();
    let description: Value = serde_json::from_str(&description).unwrap();
    let schemas = &description["components"]["schemas"];
    let example = schemas["FeatureDefinitions"]["properties"]["definitions"]["example"].as_str();
    let set = FeatureSet::shipped()
        .with_definitions(example.unwrap())
        .unwrap();
    let added = &schemas["FeaturesAddedBody"]["properties"]["added"]["example"];
    let names: Vec<&str> = set
        .user_defined()
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(*added, json!(names));
    let of_feature = &schemas["FeatureBody"]["properties"];
    let name = of_feature["name"]["example"].as_str().unwrap();
    let features = set.features();
    let feature = features.iter().find(|one| one.name == name).unwrap();
    assert_eq!(
        of_feature["definition"]["example"],
        json!(feature.definition())
    );
    assert_eq!(of_feature["phrase"]["example"], json!(feature.phrase));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_definitions_or_comes_from_another_site_is_refused() {
    let server = Server::start().await;
    ready(&server).await;
    let path = "/api/v1/features";
    for body in ["", "{", "{\"definition\": \"\"}", "[]"] {
        let reply = server.post(path, body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{}", reply.text());
    }
    let large = json!({ "definitions": "#".repeat(70_000) });
    let reply = server.post(path, large.to_string()).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    let request = Request::post(path)
        .header("origin", "https://elsewhere.example")
        .body(Body::from(json!({ "definitions": "" }).to_string()));
    let reply = server.send(request.unwrap()).await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_add_at_once_both_get_in() {
    let server = Server::start().await;
    ready(&server).await;
    let other = DEFINITIONS.replace("account_large", "account_largest");
    let (one, two) = tokio::join!(add(&server, DEFINITIONS), add(&server, &other));
    assert_eq!(one.status, StatusCode::CREATED, "{}", one.text());
    assert_eq!(two.status, StatusCode::CREATED, "{}", two.text());
    let catalogue = server.get("/api/v1/features").await.json();
    assert_eq!(catalogue["version"], 3);
    for name in ["account_large_count_1h", "account_largest_count_1h"] {
        assert!(names(&catalogue).contains(&name), "{name}");
    }
}
