//! Routes that existing clients call. Each says, in the words such clients know, what the rest of the
//! API says more exactly.
//!
//! Must never answer anything that the routes under `/api/v1` would answer otherwise.

mod spelling;

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{Response, StatusCode};
use sentinel_domain::AccountId;
use sentinel_pipeline::SubmitError;
use sentinel_store::{AlertQuery, LIMIT_MAX};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::Api;
use crate::error::Problem;
use crate::rest::decisions::{Shape, answered, detail, find};
use crate::rest::{Id, OwnOrigin, Parameters, json};
use crate::wire::alias::{RecentAlert, RiskProfile, TransactionAnswer};
use crate::wire::decision::{DecisionDetail, PendingBody};
use crate::wire::problem::ProblemBody;
use crate::wire::statistics::StatisticsBody;

/// A transaction in the words of existing clients. Every field of `TransactionBody` is taken too, and
/// what is neither rides under `attributes`.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "a description; the body is read by `spelling`")]
pub struct OldTransaction {
    /// `event_id`; made where absent, and then a repeat is a new transaction.
    #[schema(example = "order-1001")]
    transaction_id: Option<String>,
    /// `account_id`.
    #[schema(example = "acct-17")]
    user_id: String,
    /// In major units, as a number or a text, read digit by digit.
    #[schema(example = 129.99)]
    amount: f64,
    /// `event_time`: RFC 3339; UTC where it names no zone.
    #[schema(example = "2026-11-21T13:00:00Z")]
    timestamp: String,
    /// `merchant_id`, or `merchant_name` where `merchant_id` is given too.
    #[schema(example = "shop-4")]
    merchant: Option<String>,
    /// ISO 4217; USD where absent.
    #[schema(example = "USD")]
    currency: Option<String>,
    /// `card_auth` where absent.
    #[schema(example = "card_auth")]
    event_type: Option<String>,
}

/// Decide on one transaction, in the words of existing clients.
#[utoipa::path(
    post,
    path = "/transactions",
    operation_id = "decide_transaction",
    tag = "aliases",
    request_body(content = OldTransaction, content_type = "application/json"),
    responses(
        (status = 200, description = "Decided, now or when the transaction came before.", body = TransactionAnswer<'static>),
        (status = 202, description = "In the log, not decided within the deadline.", body = PendingBody),
        (status = 400, description = "Not the JSON of a transaction.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "The id came before with another body.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "A field is not as it should be.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
pub async fn decide_transaction(
    State(api): State<Arc<Api>>,
    _: OwnOrigin,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response<Body>, Problem> {
    let canonical =
        spelling::canonical(&body?, || format!("txn_{}", uuid::Uuid::new_v4().simple()));
    match api.handle.decide(&canonical.body, (api.now)()).await {
        Ok(answer) => answered(&api, answer, Shape::Transaction),
        Err(SubmitError::Rejected(rejection)) => Err(canonical.told_back(rejection).into()),
        Err(error) => Err(error.into()),
    }
}

/// A decision with the keys by which existing clients know it.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransactionDetail<'a> {
    /// The caller's name for the transaction: `event_id`.
    #[schema(example = "order-1001")]
    transaction_id: &'a str,
    /// Risk, 0 to 1.
    #[schema(example = 0.1371)]
    fraud_score: f64,
    /// Everything else.
    #[serde(flatten)]
    detail: DecisionDetail<'a>,
}

/// Look at the decision on a transaction by the caller's id.
#[utoipa::path(
    get,
    path = "/transactions/{id}",
    operation_id = "read_transaction",
    tag = "aliases",
    params(("id" = String, Path, description = "The caller's transaction id, while it is remembered (72 hours).", example = "order-1001")),
    responses(
        (status = 200, description = "The decision.", body = TransactionDetail<'static>),
        (status = 404, description = "There is no such transaction.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
pub async fn read_transaction(
    State(api): State<Arc<Api>>,
    Id(id): Id,
) -> Result<Response<Body>, Problem> {
    let decided = find(&api, &id).await?;
    let versions = api.spelled(&decided.decision.versions);
    let detail = detail(&api, &decided, &versions).await?;
    let body = TransactionDetail {
        transaction_id: detail.decision.event_id,
        fraud_score: detail.decision.risk,
        detail,
    };
    json(StatusCode::OK, &body)
}

/// The query of the newest alerts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RecentParameters {
    /// At most so many, 1 to 1000; 10 where nothing is said.
    #[param(example = 10, minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// The newest alerts.
#[utoipa::path(
    get,
    path = "/alerts/recent",
    operation_id = "recent_alerts",
    tag = "aliases",
    params(RecentParameters),
    responses((status = 200, description = "The alerts, newest first.", body = Vec<RecentAlert<'static>>)),
)]
pub async fn recent_alerts(
    State(api): State<Arc<Api>>,
    Parameters(parameters): Parameters<RecentParameters>,
) -> Result<Response<Body>, Problem> {
    let limit = parameters.limit.unwrap_or(10);
    let page = api
        .store
        .alerts(&AlertQuery {
            limit,
            ..AlertQuery::default()
        })
        .await?;
    let body: Vec<RecentAlert<'_>> = page.items.iter().map(RecentAlert::of).collect();
    json(StatusCode::OK, &body)
}

/// What the stored alerts of an account say about it. It is no score of the account: payments that
/// raised no alert are not looked at, and an account nobody knows looks like one without alerts.
#[utoipa::path(
    get,
    path = "/users/{id}/risk-profile",
    operation_id = "risk_profile",
    tag = "aliases",
    params(("id" = String, Path, description = "The account id.", example = "acct-17")),
    responses((status = 200, description = "The profile.", body = RiskProfile<'static>)),
)]
pub async fn risk_profile(
    State(api): State<Arc<Api>>,
    Id(id): Id,
) -> Result<Response<Body>, Problem> {
    let account_id = Some(AccountId::new(id.as_str()));
    let query = AlertQuery {
        account_id,
        limit: LIMIT_MAX,
        ..AlertQuery::default()
    };
    let page = api.store.alerts(&query).await?;
    json(
        StatusCode::OK,
        &RiskProfile::of(&id, &page.items, page.next.is_some()),
    )
}

/// The running figures: the same as `/api/v1/statistics`.
#[utoipa::path(
    get,
    path = "/stats",
    operation_id = "read_stats",
    tag = "aliases",
    responses((status = 200, description = "The figures now.", body = StatisticsBody)),
)]
pub async fn read_stats(State(api): State<Arc<Api>>) -> Result<Response<Body>, Problem> {
    let counts = api.store.counts().await?;
    json(StatusCode::OK, &api.statistics(counts))
}
