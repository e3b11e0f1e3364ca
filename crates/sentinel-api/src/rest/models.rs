//! The models of the log, and activating another one.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{Response, StatusCode};
use sentinel_domain::{Rejection, RejectionCode};

use crate::api::Api;
use crate::error::Problem;
use crate::rest::{OwnOrigin, json};
use crate::wire::model::{ModelActivatedBody, ModelCatalogue, ModelDraft};
use crate::wire::problem::ProblemBody;

/// The largest body that brings a model: the model itself, and what JSON adds to its lines.
pub const MODEL_BODY_BYTES_MAX: usize = 40 * 1024 * 1024;

/// The model that decides now and those that did before, with the place in the log from which each decided.
/// At most the newest 1,000 since the server started reading its log.
#[utoipa::path(
    get,
    path = "/api/v1/models",
    operation_id = "list_models",
    tag = "figures",
    responses((status = 200, description = "The models of this log.", body = ModelCatalogue)),
)]
pub async fn list_models(State(api): State<Arc<Api>>) -> Result<Response<Body>, Problem> {
    let in_force = api.handle.in_force();
    let trust = api.handle.model_trust();
    json(StatusCode::OK, &ModelCatalogue::of(&in_force, trust))
}

/// Activate a model. It is checked first (its hash, its signatures, its features, the rules beside it), then
/// appended with its whole content; decisions behind that place are made with it and name it, those before
/// it are as they were. Sending the active model again changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/models",
    operation_id = "activate_model",
    tag = "figures",
    request_body = ModelDraft,
    responses(
        (status = 200, description = "The model is active already, or only a check was asked for.", body = ModelActivatedBody),
        (status = 201, description = "Decisions are made with it.", body = ModelActivatedBody),
        (status = 202, description = "Appended; it decides as soon as the entries before it are done.", body = ModelActivatedBody),
        (status = 400, description = "Not the JSON of a model.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 403, description = "From a page of another site.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "Another activation is on its way.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 40 MiB.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "The model cannot be used: it is damaged, not signed as it must be, or reads features that are not there.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 429, description = "The log is full at the moment.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 503, description = "The log cannot take anything now.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
pub async fn activate_model(
    State(api): State<Arc<Api>>,
    _: OwnOrigin,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response<Body>, Problem> {
    let body = body.map_err(|rejection| Problem::body(&rejection, MODEL_BODY_BYTES_MAX))?;
    let given: ModelDraft = serde_json::from_slice(&body)
        .map_err(|error| Rejection::new(RejectionCode::BadJson, "", error.to_string()))?;
    drop(body);
    let now = (api.now)();
    let content = given.model.into_bytes();
    let activated = api
        .handle
        .activate_model(given.name, content, given.dry_run, now)
        .await?;
    let status = match (&activated.offset, activated.is_live) {
        (None, _) => StatusCode::OK,
        (Some(_), true) => StatusCode::CREATED,
        (Some(_), false) => StatusCode::ACCEPTED,
    };
    json(status, &ModelActivatedBody::of(&activated, given.dry_run))
}
