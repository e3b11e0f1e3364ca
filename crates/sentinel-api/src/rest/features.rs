//! The feature catalogue.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use sentinel_features::FeatureSet;

use crate::error::Problem;
use crate::rest::json;
use crate::wire::feature::FeatureCatalogue;

/// Every feature that models and rules may read, with what it counts and when it is missing.
#[utoipa::path(
    get,
    path = "/api/v1/features",
    operation_id = "list_features",
    tag = "figures",
    responses((status = 200, description = "The catalogue that ships.", body = FeatureCatalogue<'static>)),
)]
pub async fn list_features() -> Result<Response<Body>, Problem> {
    json(
        StatusCode::OK,
        &FeatureCatalogue::of(&FeatureSet::shipped()),
    )
}
