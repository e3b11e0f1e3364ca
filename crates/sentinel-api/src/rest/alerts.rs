//! Alerts: lists of them, and one.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use sentinel_domain::{AlertId, AlertStatus};
use sentinel_store::AlertQuery;

use crate::api::Api;
use crate::error::Problem;
use crate::rest::{Id, ListParameters, ListQuery, Parameters, json, total_estimate};
use crate::wire::alert::{AlertBody, AlertPage};
use crate::wire::problem::ProblemBody;

/// A page of alerts, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/alerts",
    operation_id = "list_alerts",
    tag = "alerts",
    params(ListParameters),
    responses(
        (status = 200, description = "Some alerts.", body = AlertPage<'static>),
        (status = 400, description = "A parameter is not understood.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
pub async fn list_alerts(
    State(api): State<Arc<Api>>,
    Parameters(parameters): Parameters<ListParameters>,
) -> Result<Response<Body>, Problem> {
    let query = parameters.read(AlertStatus::ALL, AlertStatus::as_str)?;
    let ListQuery {
        limit,
        after,
        tier_min,
        status,
        account_id,
    } = query;
    let first_page = after.is_none();
    let query = AlertQuery {
        tier_min,
        status,
        account_id,
        limit,
        after,
    };
    let page = api.store.alerts(&query).await?;
    let counts = api.store.counts().await?;
    let counted = match status {
        Some(AlertStatus::Open) => counts.alerts_open,
        Some(_) => counts.alerts.saturating_sub(counts.alerts_open),
        None => counts.alerts,
    };
    let more = page.next.is_some();
    let body = AlertPage {
        items: page.items.iter().map(AlertBody::of).collect(),
        next_cursor: page.next.as_ref().map(|cursor| cursor.as_str()),
        total_estimate: total_estimate(first_page, page.items.len(), more, counted),
    };
    json(StatusCode::OK, &body)
}

/// One alert.
#[utoipa::path(
    get,
    path = "/api/v1/alerts/{id}",
    operation_id = "read_alert",
    tag = "alerts",
    params(("id" = String, Path, description = "An alert id (`alr_…`).", example = "alr_000000000000002a0f6e1d5cf2a0b1c3")),
    responses(
        (status = 200, description = "The alert.", body = AlertBody<'static>),
        (status = 404, description = "There is no such alert.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
pub async fn read_alert(
    State(api): State<Arc<Api>>,
    Id(id): Id,
) -> Result<Response<Body>, Problem> {
    let absent = || Problem::not_found("alert", &id);
    let alert_id = AlertId::parse(&id).ok_or_else(absent)?;
    let alert = api.store.alert(alert_id).await?.ok_or_else(absent)?;
    json(StatusCode::OK, &AlertBody::of(&alert))
}
