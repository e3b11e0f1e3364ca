//! The lists that rules ask, and activating others.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{Response, StatusCode};
use sentinel_domain::{Rejection, RejectionCode};

use crate::api::Api;
use crate::error::Problem;
use crate::rest::models::MODEL_BODY_BYTES_MAX;
use crate::rest::{OwnOrigin, json};
use crate::wire::list::{ListCatalogue, ListsActivatedBody, ListsDraft};
use crate::wire::problem::ProblemBody;

/// The lists that rules ask now, with every value.
#[utoipa::path(
    get,
    path = "/api/v1/lists",
    operation_id = "list_lists",
    tag = "figures",
    responses((status = 200, description = "The lists; none where none were activated.", body = ListCatalogue)),
)]
pub async fn list_lists(State(api): State<Arc<Api>>) -> Result<Response<Body>, Problem> {
    json(StatusCode::OK, &ListCatalogue::of(&api.handle.in_force()))
}

/// Activate lists, all of them at once. They are checked, then appended with their whole content; decisions behind that
/// place ask them and name their version. Sending the active ones again changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/lists",
    operation_id = "activate_lists",
    tag = "figures",
    request_body = ListsDraft,
    responses(
        (status = 200, description = "The lists are active already, or only a check was asked for.", body = ListsActivatedBody),
        (status = 201, description = "Decisions are made with them.", body = ListsActivatedBody),
        (status = 202, description = "Appended; they count as soon as the entries before them are done.", body = ListsActivatedBody),
        (status = 400, description = "Not the JSON of lists.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 403, description = "From a page of another site.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "Another activation is on its way.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 40 MiB.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "The lists have faults; each is named with its line.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 429, description = "The log is full at the moment.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 503, description = "The log cannot take anything now.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
pub async fn activate_lists(
    State(api): State<Arc<Api>>,
    _: OwnOrigin,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response<Body>, Problem> {
    let body = body.map_err(|rejection| Problem::body(&rejection, MODEL_BODY_BYTES_MAX))?;
    let given: ListsDraft = serde_json::from_slice(&body)
        .map_err(|error| Rejection::new(RejectionCode::BadJson, "", error.to_string()))?;
    let now = (api.now)();
    let activated = api
        .handle
        .activate_lists(given.name, given.lists, given.dry_run, now)
        .await?;
    let status = match (&activated.offset, activated.is_live) {
        (None, _) => StatusCode::OK,
        (Some(_), true) => StatusCode::CREATED,
        (Some(_), false) => StatusCode::ACCEPTED,
    };
    json(status, &ListsActivatedBody::of(&activated, given.dry_run))
}
