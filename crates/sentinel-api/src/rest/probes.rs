//! Probes: is it alive, is it ready.
//!
//! `livez` speaks of the process only, so that a slow store never gets a healthy server killed; `readyz`
//! speaks of what the next request needs.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::error::Problem;
use crate::rest::json;

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`, `degraded` (it decides, but alerts do not follow) or `unavailable`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the server can decide.
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "health",
    tag = "operations",
    responses(
        (status = 200, description = "It can; `degraded` where alerts do not follow, see its log.", body = Health),
        (status = 503, description = "It cannot; see its log.", body = Health),
    ),
)]
pub async fn health(State(api): State<Arc<Api>>) -> Result<Response<Body>, Problem> {
    let (code, status) = match (api.handle.is_running(), api.handle.is_following()) {
        (true, true) => (StatusCode::OK, "ok"),
        (true, false) => (StatusCode::OK, "degraded"),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    json(code, &Health { status })
}

/// Whether the process is alive.
#[utoipa::path(
    get,
    path = "/livez",
    operation_id = "livez",
    tag = "operations",
    responses((status = 200, description = "It is.", body = String, content_type = "text/plain")),
)]
pub async fn livez() -> Response<Body> {
    text(StatusCode::OK, "ok\n".into())
}

/// Whether the server can take the next request; `?verbose` tells each check, a failing one is always told.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "readyz",
    tag = "operations",
    params(("verbose" = Option<bool>, Query, description = "Tell each check.")),
    responses(
        (status = 200, description = "It can.", body = String, content_type = "text/plain"),
        (status = 503, description = "A check fails, or the server is stopping.", body = String, content_type = "text/plain"),
    ),
)]
pub async fn readyz(State(api): State<Arc<Api>>, RawQuery(query): RawQuery) -> Response<Body> {
    let checks = [
        ("pipeline decides", api.handle.is_running()),
        ("alerts follow decisions", api.handle.is_following()),
        ("store answers", api.store.counts().await.is_ok()),
        ("not stopping", !api.is_stopping()),
    ];
    let ready = checks.iter().all(|(_, holds)| *holds);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let mut body = String::new();
    let verbose = query.is_some_and(|query| query.starts_with("verbose"));
    for (name, holds) in checks {
        if verbose || !holds {
            body.push_str(&format!("[{}] {name}\n", if holds { '+' } else { '-' }));
        }
    }
    body.push_str(if ready { "ok\n" } else { "not ready\n" });
    text(status, body)
}

fn text(status: StatusCode, body: String) -> Response<Body> {
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body).into_response()
}
