//! Overriding a decision.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{Response, StatusCode};
use sentinel_domain::identifier::ID_BYTES_MAX;
use sentinel_domain::{Outcome, Override, Rejection, RejectionCode, Verdict};
use sentinel_pipeline::Decided;

use crate::api::Api;
use crate::error::Problem;
use crate::rest::{Id, OwnOrigin, WORDS_BYTES_MAX, bounded, decisions, json, required};
use crate::wire::overrides::{OverrideBody, OverrideDraft};
use crate::wire::problem::ProblemBody;

/// Put a person's verdict beside a decision, for good: in the log, with who and why.
///
/// The decision stays what it is, for replays and for the event that comes again; it tells the newest override as `overridden_by`
/// as soon as alerts have followed that far. No window changes: what was learnt about a payment is told by labels.
#[utoipa::path(
    post,
    path = "/api/v1/decisions/{id}/override",
    operation_id = "override_decision",
    tag = "decisions",
    params(("id" = String, Path, description = "A decision id (`dec_…`), or the caller's event id while it is remembered (72 hours).", example = "dec_000000000000002a8f14e45fceea167a")),
    request_body = OverrideDraft,
    responses(
        (status = 200, description = "An override of that name came before; nothing changed.", body = OverrideBody),
        (status = 201, description = "Overridden.", body = OverrideBody),
        (status = 202, description = "Appended; it holds as soon as the entries before it are done.", body = OverrideBody),
        (status = 400, description = "Not the JSON of an override.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 403, description = "From a page of another site.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 404, description = "There is no such decision.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 409, description = "An override of that name came before and says something else.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 410, description = "The log keeps the decision no longer.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 413, description = "More than 64 KiB.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "A field is not as it should be.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 429, description = "The log is full at the moment.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 503, description = "The log cannot take anything now.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
pub async fn override_decision(
    State(api): State<Arc<Api>>,
    Id(id): Id,
    _: OwnOrigin,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response<Body>, Problem> {
    let given: OverrideDraft = serde_json::from_slice(&body?)
        .map_err(|error| Rejection::new(RejectionCode::BadJson, "", error.to_string()))?;
    let decided = decisions::find(&api, &id).await?;
    let order = override_of(given, &decided)?;
    let (offset, outcome) = api.handle.override_decision(order, (api.now)()).await?;
    let (status, state) = match outcome {
        Some(Outcome::Refused(rejection)) => return Err(rejection.into()),
        Some(Outcome::Ignored) => (StatusCode::OK, "repeated"),
        Some(_) => (StatusCode::CREATED, "done"),
        None => (StatusCode::ACCEPTED, "pending"),
    };
    let body = OverrideBody {
        decision_id: decided.decision.decision_id().to_string(),
        offset: offset.0,
        state,
    };
    json(status, &body)
}

fn override_of(given: OverrideDraft, decided: &Decided) -> Result<Override, Rejection> {
    let verdict = Verdict::parse(&given.verdict).ok_or_else(|| {
        let words: Vec<&str> = Verdict::ALL.iter().map(|one| one.as_str()).collect();
        let detail = format!("expected one of {}", words.join(", "));
        Rejection::new(RejectionCode::UnknownValue, "verdict", detail)
    })?;
    Ok(Override {
        override_id: required("override_id", given.override_id, ID_BYTES_MAX)?,
        event_id: decided.decision.event_id.clone(),
        decision: decided.decision.position.offset,
        verdict,
        by: required("by", given.by, WORDS_BYTES_MAX)?,
        reason: bounded("reason", given.reason, WORDS_BYTES_MAX)?,
    })
}
