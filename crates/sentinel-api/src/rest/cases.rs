//! Cases: lists of them, and one.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use sentinel_domain::{CaseId, CaseStatus};
use sentinel_store::CaseQuery;

use crate::api::Api;
use crate::error::Problem;
use crate::rest::{Id, ListParameters, ListQuery, Parameters, json, total_estimate};
use crate::wire::case::{CaseBody, CasePage};
use crate::wire::problem::ProblemBody;

/// A page of cases, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/cases",
    operation_id = "list_cases",
    tag = "cases",
    params(ListParameters),
    responses(
        (status = 200, description = "Some cases.", body = CasePage<'static>),
        (status = 400, description = "A parameter is not understood.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
pub async fn list_cases(
    State(api): State<Arc<Api>>,
    Parameters(parameters): Parameters<ListParameters>,
) -> Result<Response<Body>, Problem> {
    let query = parameters.read(CaseStatus::ALL, CaseStatus::as_str)?;
    let ListQuery {
        limit,
        after,
        tier_min,
        status,
        account_id,
    } = query;
    let first_page = after.is_none();
    let query = CaseQuery {
        tier_min,
        status,
        account_id,
        limit,
        after,
    };
    let page = api.store.cases(&query).await?;
    let counted = api.store.counts().await?.cases_open;
    let more = page.next.is_some();
    let body = CasePage {
        items: page.items.iter().map(CaseBody::of).collect(),
        next_cursor: page.next.as_ref().map(|cursor| cursor.as_str()),
        total_estimate: total_estimate(first_page, page.items.len(), more, counted),
    };
    json(StatusCode::OK, &body)
}

/// One case.
#[utoipa::path(
    get,
    path = "/api/v1/cases/{id}",
    operation_id = "read_case",
    tag = "cases",
    params(("id" = String, Path, description = "A case id (`cas_…`).", example = "cas_000000000000002a77c1f0a9d3b2e4f5")),
    responses(
        (status = 200, description = "The case.", body = CaseBody<'static>),
        (status = 404, description = "There is no such case.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
pub async fn read_case(State(api): State<Arc<Api>>, Id(id): Id) -> Result<Response<Body>, Problem> {
    let absent = || Problem::not_found("case", &id);
    let case_id = CaseId::parse(&id).ok_or_else(absent)?;
    let case = api.store.case(case_id).await?.ok_or_else(absent)?;
    json(StatusCode::OK, &CaseBody::of(&case))
}
