//! Forgetting somebody.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{Response, StatusCode};
use sentinel_domain::identifier::ID_BYTES_MAX;
use sentinel_domain::{Erasure, Rejection, RejectionCode, Subject, SubjectKind};

use crate::api::Api;
use crate::error::Problem;
use crate::rest::{OwnOrigin, WORDS_BYTES_MAX, bounded, json, required};
use crate::wire::erasure::{ErasureBody, ErasureDraft};
use crate::wire::problem::ProblemBody;

/// Forget what is known of somebody: from the order's place in the log on, windows know nothing of what came before, as if it had
/// never been seen.
///
/// What was decided stays, and so do the entries of the log, which name the subject until they go with retention. A subject that
/// is not known is forgotten all the same.
#[utoipa::path(
    post,
    path = "/api/v1/erasures",
    operation_id = "erase",
    tag = "decisions",
    request_body = ErasureDraft,
    responses(
        (status = 201, description = "Forgotten.", body = ErasureBody),
        (status = 202, description = "Appended; it is forgotten as soon as the entries before it are done.", body = ErasureBody),
        (status = 400, description = "Not the JSON of an erasure.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 403, description = "From a page of another site.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 413, description = "More than 64 KiB.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "A field is not as it should be.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 429, description = "The log is full at the moment.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 503, description = "The log cannot take anything now.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
pub async fn erase(
    State(api): State<Arc<Api>>,
    _: OwnOrigin,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response<Body>, Problem> {
    let given: ErasureDraft = serde_json::from_slice(&body?)
        .map_err(|error| Rejection::new(RejectionCode::BadJson, "", error.to_string()))?;
    let (offset, done) = api.handle.erase(erasure_of(given)?, (api.now)()).await?;
    let (status, state) = if done {
        (StatusCode::CREATED, "done")
    } else {
        (StatusCode::ACCEPTED, "pending")
    };
    let body = ErasureBody {
        forgotten_from: offset.0,
        state,
    };
    json(status, &body)
}

fn erasure_of(given: ErasureDraft) -> Result<Erasure, Rejection> {
    let kind = SubjectKind::parse(&given.kind).ok_or_else(|| {
        let words: Vec<&str> = SubjectKind::ALL.iter().map(|kind| kind.as_str()).collect();
        let detail = format!("expected one of {}", words.join(", "));
        Rejection::new(RejectionCode::UnknownValue, "kind", detail)
    })?;
    Ok(Erasure {
        subject: Subject {
            kind,
            value: required("value", given.value, ID_BYTES_MAX)?,
        },
        reason: bounded("reason", given.reason, WORDS_BYTES_MAX)?,
    })
}
