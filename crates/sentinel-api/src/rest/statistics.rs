//! The running figures.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};

use crate::api::Api;
use crate::error::Problem;
use crate::rest::json;
use crate::wire::statistics::StatisticsBody;

/// How many, how fast, how it went.
#[utoipa::path(
    get,
    path = "/api/v1/statistics",
    operation_id = "read_statistics",
    tag = "figures",
    responses((status = 200, description = "The figures now.", body = StatisticsBody)),
)]
pub async fn read_statistics(State(api): State<Arc<Api>>) -> Result<Response<Body>, Problem> {
    let counts = api.store.counts().await?;
    json(StatusCode::OK, &api.statistics(counts))
}
