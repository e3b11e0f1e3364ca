//! Labels: what is learnt of a payment afterwards.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{Response, StatusCode};
use sentinel_domain::Outcome;

use crate::api::Api;
use crate::error::Problem;
use crate::rest::{OwnOrigin, json};
use crate::wire::label::{LabelBody, LabelDraft};
use crate::wire::problem::ProblemBody;

/// Say what was learnt of a payment: that it was fraud, or that it was not.
///
/// Decisions behind its place in the log know it; none before is changed. The payment need not be known here: a label carries
/// what the windows need. Labels are taken in the order in which they come, so send them in the order of `known_at`.
#[utoipa::path(
    post,
    path = "/api/v1/labels",
    operation_id = "take_label",
    tag = "decisions",
    request_body = LabelDraft,
    responses(
        (status = 200, description = "A label of that name came before; nothing changed.", body = LabelBody),
        (status = 201, description = "Known from here on.", body = LabelBody),
        (status = 202, description = "Appended; it is known as soon as the entries before it are done.", body = LabelBody),
        (status = 400, description = "Not the JSON of a label.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 403, description = "From a page of another site.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 413, description = "More than 64 KiB.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 422, description = "A field is not as it should be, or the label lies in the future.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 429, description = "The log is full at the moment.", body = ProblemBody<'static>, content_type = "application/problem+json"),
        (status = 503, description = "The log cannot take anything now.", body = ProblemBody<'static>, content_type = "application/problem+json"),
    ),
)]
pub async fn take_label(
    State(api): State<Arc<Api>>,
    _: OwnOrigin,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response<Body>, Problem> {
    let taken = api.handle.take_label(&body?, (api.now)()).await?;
    let (status, state) = match taken.outcome {
        Some(Outcome::Ignored) => (StatusCode::OK, "repeated"),
        Some(_) => (StatusCode::CREATED, "done"),
        None => (StatusCode::ACCEPTED, "pending"),
    };
    let body = LabelBody {
        label_id: taken.label_id.to_string(),
        offset: taken.offset.0,
        state,
    };
    json(status, &body)
}
