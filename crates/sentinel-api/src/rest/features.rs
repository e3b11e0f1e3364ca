//! The feature catalogue, and adding to it.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{Response, StatusCode};
use sentinel_domain::{ActivationKind, Rejection, RejectionCode};
use sentinel_features::FeatureSet;
use sentinel_pipeline::{FeaturesError, definitions};

use crate::api::Api;
use crate::error::Problem;
use crate::rest::{OwnOrigin, json};
use crate::wire::feature::{FeatureCatalogue, FeatureDefinitions, FeaturesAddedBody};
use crate::wire::problem::ProblemBody;

/// Every feature that models and rules may read now, with what it counts and when it is missing: those that
/// ship, then those that were added.
#[utoipa::path(
    get,
    path = "/api/v1/features",
    operation_id = "list_features",
    tag = "figures",
    responses((status = 200, description = "The active catalogue.", body = FeatureCatalogue<'static>)),
)]
pub async fn list_features(State(api): State<Arc<Api>>) -> Result<Response<Body>, Problem> {
    let active = api.handle.in_force().active;
    let version = active.version(ActivationKind::Features);
    match active.decider() {
        Some(decider) => json(
            StatusCode::OK,
            &FeatureCatalogue::of(&decider.features, version),
        ),
        // The moment between the opening of the doors and the first entry.
        None => json(
            StatusCode::OK,
            &FeatureCatalogue::of(&FeatureSet::shipped(), version),
        ),
    }
}

/// Add features by their definitions. They are filled from the log, and live from one place in it on:
/// decisions before it are as they were. Sending the same definitions again changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/features",
    operation_id = "add_features",
    tag = "figures",
    request_body = FeatureDefinitions,
    responses(
        (status = 200, description = "Every definition is active already, or only a check was asked for.", body = FeaturesAddedBody),
        (status = 201, description = "Live.", body = FeaturesAddedBody),
        (status = 202, description = "Appended; the log is still being read for them. They are live when the catalogue has that version.", body = FeaturesAddedBody),
        (status = 400, description = "Not the JSON of definitions.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 403, description = "From a page of another site.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "Others are still being filled from the log.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 413, description = "The body is larger than 64 KiB.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "The definitions have faults; each is named with its line.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 429, description = "The log is full at the moment.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 503, description = "The log cannot take anything now.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
pub async fn add_features(
    State(api): State<Arc<Api>>,
    _: OwnOrigin,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response<Body>, Problem> {
    let body = body?;
    let given: FeatureDefinitions = serde_json::from_slice(&body)
        .map_err(|error| Rejection::new(RejectionCode::BadJson, "", error.to_string()))?;
    if given.dry_run {
        let active = api.handle.in_force().active;
        let addition =
            definitions::add(&active, &given.definitions).map_err(FeaturesError::Addition)?;
        return json(StatusCode::OK, &FeaturesAddedBody::from(addition));
    }
    let now = (api.now)();
    let added = api.handle.add_features(&given.definitions, now).await?;
    let status = match (&added.offset, added.is_live) {
        (None, _) => StatusCode::OK,
        (Some(_), true) => StatusCode::CREATED,
        (Some(_), false) => StatusCode::ACCEPTED,
    };
    json(status, &FeaturesAddedBody::from(added))
}
