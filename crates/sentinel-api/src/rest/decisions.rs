//! Decisions: make one, look at one, compute one again.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, Response, StatusCode};
use sentinel_domain::DecisionId;
use sentinel_pipeline::{Answer, Decided};

use crate::api::Api;
use crate::error::{Kind, Problem};
use crate::rest::{Id, OwnOrigin, json};
use crate::wire::alias::TransactionAnswer;
use crate::wire::decision::{
    DecisionBody, DecisionDetail, FollowedByBody, PendingBody, SpelledVersions,
};
use crate::wire::overrides::OverriddenByBody;
use crate::wire::problem::ProblemBody;
use crate::wire::replay::ReplayBody;
use crate::wire::transaction::TransactionBody;

/// Decide on one transaction and take it into the log, in one step.
///
/// The event id is the idempotency key: the same event again gives the decision of then with
/// `replayed: true`.
#[utoipa::path(
    post,
    path = "/api/v1/decisions",
    operation_id = "decide",
    tag = "decisions",
    request_body(content = TransactionBody, content_type = "application/json"),
    responses(
        (status = 200, description = "Decided, now or when the event came before.", body = DecisionBody<'static>),
        (status = 202, description = "In the log, not decided within the deadline; send it again after Retry-After.", body = PendingBody),
        (status = 400, description = "Not the JSON of a transaction.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "The event id came before with another body.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 410, description = "The event came before, and the log keeps its decision no longer.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 413, description = "More than 64 KiB.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "A field is not as it should be.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 429, description = "Too much at once.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 503, description = "The log cannot accept transactions.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
pub async fn decide(
    State(api): State<Arc<Api>>,
    _: OwnOrigin,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response<Body>, Problem> {
    let answer = api.handle.decide(&body?, (api.now)()).await?;
    answered(&api, answer, Shape::Decision)
}

/// How a decision is told.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// As it is.
    Decision,
    /// With the keys of the alias routes.
    Transaction,
}

/// The response to an answer of the pipeline.
pub fn answered(api: &Api, answer: Answer, shape: Shape) -> Result<Response<Body>, Problem> {
    match answer {
        Answer::Decided(decided) => told(api, &decided, None, shape),
        Answer::Replayed(decided) => told(api, &decided, Some(true), shape),
        Answer::Conflict { first } => Err(Problem::conflict(first)),
        Answer::Pending { decision_id } => pending(decision_id),
    }
}

/// In the log and not decided yet: come again in a second.
fn pending(decision_id: DecisionId) -> Result<Response<Body>, Problem> {
    let body = PendingBody {
        decision_id: decision_id.to_string(),
        status: PendingBody::STATUS,
    };
    let mut response = json(StatusCode::ACCEPTED, &body)?;
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    Ok(response)
}

fn told(
    api: &Api,
    decided: &Decided,
    replayed: Option<bool>,
    shape: Shape,
) -> Result<Response<Body>, Problem> {
    let versions = api.spelled(&decided.decision.versions);
    let latency_us = Some(decided.latency_us);
    let body = DecisionBody {
        replayed,
        ..DecisionBody::of(&decided.decision, &versions, latency_us)
    };
    match shape {
        Shape::Decision => json(StatusCode::OK, &body),
        Shape::Transaction => json(StatusCode::OK, &TransactionAnswer::of(body)),
    }
}

/// Look at a decision, with what followed from it and the transaction it is about.
#[utoipa::path(
    get,
    path = "/api/v1/decisions/{id}",
    operation_id = "read_decision",
    tag = "decisions",
    params(("id" = String, Path, description = "A decision id (`dec_…`), or the caller's event id while it is remembered (72 hours).", example = "dec_000000000000002a8f14e45fceea167a")),
    responses(
        (status = 200, description = "The decision.", body = DecisionDetail<'static>),
        (status = 404, description = "There is no such decision.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 410, description = "The log keeps it no longer.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
pub async fn read_decision(
    State(api): State<Arc<Api>>,
    Id(id): Id,
) -> Result<Response<Body>, Problem> {
    let decided = find(&api, &id).await?;
    let versions = api.spelled(&decided.decision.versions);
    json(StatusCode::OK, &detail(&api, &decided, &versions).await?)
}

/// Everything known of a decision.
pub async fn detail<'a>(
    api: &Api,
    decided: &'a Decided,
    versions: &'a SpelledVersions,
) -> Result<DecisionDetail<'a>, Problem> {
    let id = decided.decision.decision_id();
    let overridden = api.store.overridden_by(id).await?;
    let followed_by = api.store.followed_by(id).await?;
    let transaction = serde_json::from_slice(&decided.transaction_json())
        .map_err(|error| Problem::new(Kind::Internal, format!("spell the transaction: {error}")))?;
    Ok(DecisionDetail {
        decision: DecisionBody::of(&decided.decision, versions, Some(decided.latency_us)),
        followed_by: FollowedByBody {
            alert_id: followed_by.alert_id.map(|id| id.to_string()),
            case_id: followed_by.case_id.map(|id| id.to_string()),
        },
        overridden_by: overridden.as_ref().map(OverriddenByBody::of),
        transaction,
    })
}

/// The decision with a name of ours, or on an event with a name of the caller's.
pub async fn find(api: &Api, id: &str) -> Result<Arc<Decided>, Problem> {
    let absent = || Problem::not_found("decision", id);
    if let Some(decision_id) = DecisionId::parse(id) {
        return api.handle.lookup(decision_id).await?.ok_or_else(absent);
    }
    api.handle.lookup_event(id).await?.ok_or_else(|| {
        let absent = absent().detail;
        let detail = format!("{absent}; an event id leads to its decision for 72 hours");
        Problem::new(Kind::NotFound, detail)
    })
}

/// Compute a decision again from the log alone and hold it against the recorded one.
///
/// Begins at the newest snapshot before it, else at the log's start.
#[utoipa::path(
    get,
    path = "/api/v1/decisions/{id}/replay",
    operation_id = "replay_decision",
    tag = "decisions",
    params(("id" = String, Path, description = "A decision id (`dec_…`), or the caller's event id while it is remembered (72 hours).", example = "dec_000000000000002a8f14e45fceea167a")),
    responses(
        (status = 200, description = "What the log gives now.", body = ReplayBody),
        (status = 404, description = "There is no such decision.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 410, description = "The log keeps no longer what it takes to compute it again.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 429, description = "Other replays are running.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
pub async fn replay_decision(
    State(api): State<Arc<Api>>,
    Id(id): Id,
) -> Result<Response<Body>, Problem> {
    let decided = find(&api, &id).await?;
    let busy = |_| Problem::new(Kind::Overloaded, "other replays are running");
    let _room = api.replays.try_acquire().map_err(busy)?;
    let replayed = api.handle.replay(decided.decision.decision_id()).await?;
    let replay = replayed.ok_or_else(|| Problem::not_found("decision", &id))?;
    json(StatusCode::OK, &ReplayBody::of(&replay))
}

#[cfg(test)]
mod tests {
    use sentinel_domain::{LogId, LogPosition, Offset, Partition};

    use super::*;

    // A pipeline cannot be made slow on purpose, so the answer is looked at here.
    #[tokio::test]
    async fn a_caller_whose_deadline_passes_is_told_to_come_again() {
        let log = LogId([7; 16]);
        let position = LogPosition {
            log,
            partition: Partition(0),
            offset: Offset(42),
        };
        let response = pending(DecisionId::at(position)).unwrap();
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        assert_eq!(response.headers()[RETRY_AFTER], "1");
        let body = axum::body::to_bytes(response.into_body(), 1_000)
            .await
            .unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["status"], "pending");
        assert_eq!(body["decision_id"], DecisionId::at(position).to_string());
    }
}
