//! The models of a log, and activating another one.

use axum::http::StatusCode;
use sentinel_domain::ContentHash;
use sentinel_pipeline::trust::{ModelTrust, SecretKey};
use sentinel_scoring::import::{Foreign, Options};
use serde_json::{Value, json};

use crate::server::{Reply, Server, payment};

const PATH: &str = "/api/v1/models";

/// A model of one split on a feature, as another program would have written it.
fn model_of(feature: &str) -> String {
    let text = format!(
        "tree\nmax_feature_idx=0\nobjective=binary\nfeature_names={feature}\n\nTree=0\nnum_leaves=2\nsplit_feature=0\n\
         threshold=1.5\ndecision_type=2\nleft_child=-1\nright_child=-2\nleaf_value=-3 0.5\nleaf_count=9 1\n\n\
         end of trees\n"
    );
    let options = Options {
        name: "mine".to_owned(),
        version: 1,
        ..Options::default()
    };
    let imported = Foreign::read(text.as_bytes(), None)
        .unwrap()
        .model(&options);
    String::from_utf8(imported.unwrap().model.to_bytes()).unwrap()
}

fn signed(key: &SecretKey, model: &str) -> String {
    let line = key.sign(ContentHash::of(model.as_bytes())).line();
    format!("{model}{line}")
}

async fn activate(server: &Server, body: &Value) -> Reply {
    server.post(PATH, body.to_string()).await
}

async fn decided(server: &Server, event: &str) -> Value {
    let reply = server.decide(&payment(event, "a1")).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    reply.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_behind_an_activation_name_the_new_model_and_those_before_it_the_old_one() {
    let server = Server::start().await;
    let before = decided(&server, "first").await;
    let catalogue = server.get(PATH).await.json();
    assert_eq!(catalogue["items"].as_array().unwrap().len(), 1);
    assert_eq!(catalogue["items"][0]["active"], true);
    assert_eq!(catalogue["items"][0]["named"], before["versions"]["model"]);

    let model = model_of("account_count_1m");
    let hash = ContentHash::of(model.as_bytes());
    let reply = activate(&server, &json!({ "model": model })).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
    let activated = reply.json();
    assert_eq!(
        activated,
        json!({
            "name": "mine", "version": 2, "hash": hash.to_string(),
            "live_from": activated["live_from"], "state": "live",
        })
    );
    let after = decided(&server, "second").await;
    let named = format!("mine@2:{}", hash.abbreviated());
    assert_eq!(after["versions"]["model"], named);
    assert_ne!(
        after["versions"]["config_hash"],
        before["versions"]["config_hash"]
    );

    let catalogue = server.get(PATH).await.json();
    let items = catalogue["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "{catalogue}");
    assert_eq!(
        (&items[0]["named"], &items[0]["active"]),
        (&json!(named), &json!(true))
    );
    assert_eq!(items[0]["live_from"], activated["live_from"]);
    assert_eq!(items[1]["active"], false);
    assert_eq!(items[1]["named"], before["versions"]["model"]);

    // The first decision is still made again with the model of its time.
    for decision in [&before, &after] {
        let path = format!(
            "/api/v1/decisions/{}/replay",
            decision["decision_id"].as_str().unwrap()
        );
        let replay = server.get(&path).await.json();
        assert_eq!(replay["equal"], true, "{replay}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_active_model_again_changes_nothing_and_a_check_activates_nothing() {
    let server = Server::start().await;
    decided(&server, "first").await;
    let body = json!({ "model": model_of("account_count_1m"), "name": "other", "dry_run": true });
    let checked = activate(&server, &body).await;
    assert_eq!(checked.status, StatusCode::OK, "{}", checked.text());
    assert_eq!(checked.json()["state"], "checked");
    assert_eq!(checked.json()["version"], 2);
    let end = server.pipeline.handle().log_end();

    let body = json!({ "model": model_of("account_count_1m"), "name": "other" });
    assert_eq!(activate(&server, &body).await.status, StatusCode::CREATED);
    let again = activate(&server, &body).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.json()["live_from"], json!(null));
    assert_eq!(again.json()["state"], "live");
    assert_eq!(
        server.pipeline.handle().log_end().0,
        end.0 + 1,
        "one activation"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_does_not_fit_is_refused_in_words_before_anything_is_appended() {
    let server = Server::start().await;
    decided(&server, "first").await;
    let end = server.pipeline.handle().log_end();
    let good = model_of("account_count_1m");
    let damaged = good.replace("leaf -3 9", "leaf -4 9");
    assert_ne!(damaged, good);
    for (body, part) in [
        (json!({ "model": model_of("moon_phase") }), "moon_phase"),
        (json!({ "model": damaged }), "does not match its hash"),
        (json!({ "model": "" }), "line 1"),
        (
            json!({ "model": good, "name": "default" }),
            "the model that ships",
        ),
        (json!({ "model": good, "name": "" }), "1 to 64 bytes"),
    ] {
        let reply = activate(&server, &body).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        let problem = reply.json();
        assert_eq!(problem["code"], "bad_model");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(part), "{detail}");
    }
    let reply = server.post(PATH, "no JSON").await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        server.pipeline.handle().log_end(),
        end,
        "nothing is appended"
    );
    assert_eq!(
        server.get(PATH).await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn where_models_must_be_signed_only_a_trusted_signature_opens_the_door() {
    let (trusted, stranger) = (SecretKey::of([1; 32]), SecretKey::of([2; 32]));
    let shipped = crate::server::model_hash();
    let trust = ModelTrust {
        keys: vec![trusted.public()],
        required: true,
        built_in: Some(shipped),
    };
    let server = Server::start_with(false, trust).await;
    decided(&server, "first").await;
    let model = model_of("account_count_1m");
    let wrong = signed(&trusted, &model).replace("mine", "ours");
    for (content, part) in [
        (model.clone(), "not signed"),
        (signed(&stranger, &model), "none of the trusted keys"),
        (wrong, "does not hold"),
    ] {
        let reply = activate(&server, &json!({ "model": content })).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(part), "{detail}");
    }
    let reply = activate(&server, &json!({ "model": signed(&trusted, &model) })).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
    // The signature is no part of the model: decisions name it by the hash without.
    let hash = ContentHash::of(model.as_bytes());
    let after = decided(&server, "second").await;
    assert_eq!(
        after["versions"]["model"],
        format!("mine@2:{}", hash.abbreviated())
    );
    let catalogue = server.get(PATH).await.json();
    assert_eq!(catalogue["signature_required"], true);
    assert_eq!(
        catalogue["signatures"],
        json!([{ "key": trusted.public().abbreviated(), "valid": true, "trusted": true }])
    );
}
