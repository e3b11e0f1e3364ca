//! The whole API on one screen: one line a route.
//!
//! A handler brings its path, method and description along, so a route that is served is described.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tower_http::compression::CompressionLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::Api;
use crate::rest::{
    alerts, aliases, cases, decisions, erasures, features, labels, lists, models, overrides,
    probes, statistics,
};
use crate::{dashboard, docs, live, metrics, rest};

/// What the description says of the API as a whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Stream Sentinel",
        description = "Real-time fraud detection: decide on payments, explain every decision, replay it bit for bit.\n\nMoney is whole minor units with an ISO 4217 code, instants are RFC 3339 in UTC, and lists are read page by page with an opaque cursor. Words of closed lists may grow: accept unknown ones. Errors are `application/problem+json` (RFC 9457).",
        license(name = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "decisions", description = "Decide on a transaction, look at a decision, compute it again."),
        (name = "alerts", description = "Decisions that a person should see."),
        (name = "cases", description = "Investigations that alerts opened."),
        (name = "figures", description = "Running figures, the feature catalogue, models, and lists."),
        (name = "live", description = "The live feed."),
        (name = "operations", description = "Probes and metrics."),
        (name = "aliases", description = "Routes that existing clients call; the rest of the API says the same more exactly."),
    ),
)]
struct Description;

/// Handlers that decide: nothing around them but the size limit.
#[rustfmt::skip]
fn deciding() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(decisions::decide))                // POST /api/v1/decisions
        .routes(routes!(aliases::decide_transaction))      // POST /transactions
        .layer(DefaultBodyLimit::max(rest::BODY_BYTES_MAX))
}

/// Handlers that answer people and their tools.
#[rustfmt::skip]
fn reading() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(decisions::read_decision))         // GET /api/v1/decisions/{id}
        .routes(routes!(decisions::replay_decision))       // GET /api/v1/decisions/{id}/replay
        .routes(routes!(alerts::list_alerts))              // GET /api/v1/alerts
        .routes(routes!(alerts::read_alert))               // GET /api/v1/alerts/{id}
        .routes(routes!(cases::list_cases))                // GET /api/v1/cases
        .routes(routes!(cases::read_case))                 // GET /api/v1/cases/{id}
        .routes(routes!(features::list_features, features::add_features)) // GET, POST /api/v1/features
        .routes(routes!(overrides::override_decision))     // POST /api/v1/decisions/{id}/override
        .routes(routes!(labels::take_label))               // POST /api/v1/labels
        .routes(routes!(erasures::erase))                  // POST /api/v1/erasures
        .routes(routes!(statistics::read_statistics))      // GET /api/v1/statistics
        .routes(routes!(metrics::read_metrics))            // GET /metrics
        .routes(routes!(aliases::recent_alerts))           // GET /alerts/recent
        .routes(routes!(aliases::read_transaction))        // GET /transactions/{id}
        .routes(routes!(aliases::risk_profile))            // GET /users/{id}/risk-profile
        .routes(routes!(aliases::read_stats))              // GET /stats
        .layer(DefaultBodyLimit::max(rest::BODY_BYTES_MAX))
        .layer(CompressionLayer::new())
}

/// Handlers that take a whole model, or whole lists.
#[rustfmt::skip]
fn activating() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(models::list_models, models::activate_model)) // GET, POST /api/v1/models
        .routes(routes!(lists::list_lists, lists::activate_lists))    // GET, POST /api/v1/lists
        .layer(DefaultBodyLimit::max(models::MODEL_BODY_BYTES_MAX))
        .layer(CompressionLayer::new())
}

/// Handlers without a body worth packing.
#[rustfmt::skip]
fn plain() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(probes::health))                   // GET /health
        .routes(routes!(probes::livez))                    // GET /livez
        .routes(routes!(probes::readyz))                   // GET /readyz
        .routes(routes!(live::subscribe))                  // GET /api/v1/ws
        .routes(routes!(live::alert_stream))               // GET /ws/alerts
}

/// Pages and files for people.
fn pages() -> Router<Arc<Api>> {
    Router::new()
        .route("/api/v1/openapi.json", get(docs::openapi))
        .route("/docs", get(docs::index))
        .route("/docs/", get(docs::index))
        .route("/docs/problems/{code}", get(docs::problem))
        .route("/docs/{*file}", get(docs::file))
        .layer(CompressionLayer::new())
}

/// Everything that is described.
fn described() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(deciding())
        .merge(reading())
        .merge(activating())
        .merge(plain())
}

/// The description of every route.
pub fn description() -> utoipa::openapi::OpenApi {
    described().into_openapi()
}

/// Every route with what stands behind it.
pub fn router(api: Arc<Api>) -> Router {
    let (described, _) = described().split_for_parts();
    described
        .merge(pages())
        .fallback(dashboard::page)
        .method_not_allowed_fallback(rest::method_not_allowed)
        .layer(from_fn_with_state(
            Arc::clone(&api),
            rest::refuse_foreign_host,
        ))
        .layer(from_fn_with_state(Arc::clone(&api), metrics::observe))
        .with_state(api)
}
