//! Problems: every way in which a request does not succeed, as RFC 9457 tells it.
//!
//! Promises that no error leaves in another shape, and that each kind has a page under
//! `/docs/problems/`. This is the only room that turns an error into a status code.

mod words;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use sentinel_domain::{DecisionId, Rejection, RejectionCode};
use sentinel_pipeline::definitions::{self, AdditionError};
use sentinel_pipeline::handle::orders::ListsError;
use sentinel_pipeline::models::ModelRefused;
use sentinel_pipeline::replay::ReplayError;
use sentinel_pipeline::{FeaturesError, LookupError, ModelsError, SubmitError};
use sentinel_store::StoreError;

use crate::wire::problem::{FieldFault, ProblemBody};

/// The header that names one occurrence of a problem.
const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");

/// The kinds of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The transaction was refused.
    Rejected(RejectionCode),
    /// There is no such thing.
    NotFound,
    /// It was there, and is kept no longer.
    NotKept,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The body is larger than allowed.
    BodyTooLarge,
    /// The body could not be received.
    BadBody,
    /// A query parameter is unknown or has no such value.
    BadQuery,
    /// Feature definitions have faults, or do not fit to what is active.
    BadDefinitions,
    /// Features are still being filled from the log.
    FeaturesFilling,
    /// Lists have faults.
    BadLists,
    /// A model cannot be put in force.
    BadModel,
    /// Another activation is on its way.
    ActivationPending,
    /// A WebSocket was expected.
    UpgradeRequired,
    /// The request comes from a page of another site.
    ForeignOrigin,
    /// The request names another host than this machine.
    ForeignHost,
    /// Too much at once.
    Overloaded,
    /// The disk under the log is nearly full.
    DiskFull,
    /// Something it needs is not there now.
    Unavailable,
    /// The server is at fault.
    Internal,
}

impl Kind {
    /// Every kind, as the pages list them.
    pub fn all() -> impl Iterator<Item = Self> {
        let plain = [
            Self::NotFound,
            Self::NotKept,
            Self::MethodNotAllowed,
            Self::BodyTooLarge,
            Self::BadBody,
            Self::BadQuery,
            Self::BadDefinitions,
            Self::FeaturesFilling,
            Self::BadLists,
            Self::BadModel,
            Self::ActivationPending,
            Self::UpgradeRequired,
            Self::ForeignOrigin,
            Self::ForeignHost,
            Self::Overloaded,
            Self::DiskFull,
            Self::Unavailable,
            Self::Internal,
        ];
        RejectionCode::ALL
            .iter()
            .map(|code| Self::Rejected(*code))
            .chain(plain)
    }

    /// The stable word for machines.
    pub fn code(self) -> &'static str {
        match self {
            Self::Rejected(code) => code.as_str(),
            Self::NotFound => "not_found",
            Self::NotKept => "not_kept",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::BodyTooLarge => "body_too_large",
            Self::BadBody => "bad_body",
            Self::BadQuery => "bad_query",
            Self::BadDefinitions => "bad_definitions",
            Self::FeaturesFilling => "features_filling",
            Self::BadLists => "bad_lists",
            Self::BadModel => "bad_model",
            Self::ActivationPending => "activation_pending",
            Self::UpgradeRequired => "upgrade_required",
            Self::ForeignOrigin => "foreign_origin",
            Self::ForeignHost => "foreign_host",
            Self::Overloaded => "overloaded",
            Self::DiskFull => "disk_full",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    /// The status it is answered with.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Rejected(RejectionCode::BadJson | RejectionCode::BadUtf8) | Self::BadBody => {
                StatusCode::BAD_REQUEST
            }
            Self::BadQuery => StatusCode::BAD_REQUEST,
            Self::Rejected(RejectionCode::Conflict)
            | Self::FeaturesFilling
            | Self::ActivationPending => StatusCode::CONFLICT,
            Self::NotFound | Self::Rejected(RejectionCode::UnknownDecision) => {
                StatusCode::NOT_FOUND
            }
            Self::Rejected(_) | Self::BadDefinitions | Self::BadLists | Self::BadModel => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::NotKept => StatusCode::GONE,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UpgradeRequired => StatusCode::UPGRADE_REQUIRED,
            Self::ForeignOrigin | Self::ForeignHost => StatusCode::FORBIDDEN,
            Self::Overloaded => StatusCode::TOO_MANY_REQUESTS,
            Self::DiskFull | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// Why a request did not succeed.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Its kind.
    pub kind: Kind,
    /// This very case, for a person.
    pub detail: String,
    /// What is wrong where.
    pub errors: Vec<FieldFault>,
    /// What stands behind it, for the server's log only.
    pub cause: Option<String>,
    retry_after_seconds: Option<u32>,
}

impl Problem {
    /// A problem of a kind.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        let retry_after_seconds = match kind {
            Kind::Overloaded => Some(1),
            Kind::Unavailable
            | Kind::DiskFull
            | Kind::FeaturesFilling
            | Kind::ActivationPending => Some(5),
            _ => None,
        };
        Self {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            cause: None,
            retry_after_seconds,
        }
    }

    /// The server's fault: the causes go to its log, not to the caller.
    fn fault(kind: Kind, error: &dyn std::error::Error) -> Self {
        Self {
            cause: Some(chain_of(error)),
            ..Self::new(kind, error.to_string())
        }
    }

    /// Nothing has that name.
    pub fn not_found(what: &str, name: &str) -> Self {
        let short: String = name.chars().take(100).collect();
        Self::new(Kind::NotFound, format!("there is no {what} {short}"))
    }

    /// A query parameter has no such value.
    pub fn bad_parameter(name: &str, detail: String) -> Self {
        let fault = FieldFault {
            pointer: format!("?{name}"),
            detail: detail.clone(),
        };
        Self {
            errors: vec![fault],
            ..Self::new(Kind::BadQuery, format!("{name}: {detail}"))
        }
    }

    /// A body that could not be received, where so many bytes are allowed.
    pub fn body(rejection: &BytesRejection, bytes_max: usize) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Self::new(
                Kind::BodyTooLarge,
                format!("the body is longer than {bytes_max} bytes"),
            );
        }
        Self::new(Kind::BadBody, rejection.body_text())
    }

    /// The event id came before with another body.
    pub fn conflict(first: DecisionId) -> Self {
        let detail = format!("came before with another body; the decision on it is {first}");
        Self::from(Rejection::new(RejectionCode::Conflict, "event_id", detail))
    }

    /// The answer, with the path of the request and a name for this occurrence where they are known.
    pub fn respond(&self, instance: Option<&str>, trace_id: Option<&str>) -> Response<Body> {
        let status = self.kind.status();
        let body = ProblemBody {
            kind: format!("/docs/problems/{}", self.kind.code()),
            title: self.kind.title(),
            status: status.as_u16(),
            detail: &self.detail,
            instance,
            code: self.kind.code(),
            trace_id,
            errors: &self.errors,
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        let problem_json = HeaderValue::from_static("application/problem+json");
        headers.insert(CONTENT_TYPE, problem_json);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(value) = trace_id.and_then(|id| HeaderValue::from_str(id).ok()) {
            headers.insert(TRACE_ID, value);
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let mut response = self.respond(None, None);
        // The observer around all routes tells it again with path and trace id.
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let Rejection {
            code,
            field,
            detail,
        } = rejection;
        let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
        let pointer = match field.strip_prefix("attributes.") {
            Some(name) => format!("/attributes/{}", escaped(name)),
            None if field.is_empty() => String::new(),
            None => format!("/{}", escaped(&field)),
        };
        let told = if field.is_empty() {
            detail.clone()
        } else {
            format!("{field}: {detail}")
        };
        Self {
            errors: vec![FieldFault { pointer, detail }],
            ..Self::new(Kind::Rejected(code), told)
        }
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Rejected(rejection) => Self::from(rejection),
            SubmitError::Overloaded => Self::new(Kind::Overloaded, error.to_string()),
            SubmitError::DiskFull { .. } => Self::new(Kind::DiskFull, error.to_string()),
            SubmitError::NotKept { .. } => Self::new(Kind::NotKept, error.to_string()),
            SubmitError::Unavailable(_) => Self::new(Kind::Unavailable, error.to_string()),
        }
    }
}

impl From<FeaturesError> for Problem {
    fn from(error: FeaturesError) -> Self {
        match error {
            FeaturesError::Submit(error) => Self::from(error),
            FeaturesError::Busy { .. } => Self::new(Kind::FeaturesFilling, error.to_string()),
            FeaturesError::Addition(AdditionError::NothingActive) => {
                Self::new(Kind::Unavailable, error.to_string())
            }
            FeaturesError::Addition(AdditionError::Unfit(_)) => {
                Self::new(Kind::BadDefinitions, error.to_string())
            }
            FeaturesError::Addition(AdditionError::Definitions(ref errors)) => {
                let faults = errors.faults.iter().map(|fault| FieldFault {
                    pointer: "/definitions".to_owned(),
                    detail: format!("line {}: {}", fault.line, definitions::told(fault)),
                });
                Self {
                    errors: faults.collect(),
                    ..Self::new(Kind::BadDefinitions, error.to_string())
                }
            }
        }
    }
}

impl From<ModelsError> for Problem {
    fn from(error: ModelsError) -> Self {
        match error {
            ModelsError::Submit(error) => Self::from(error),
            ModelsError::Busy { .. } => Self::new(Kind::ActivationPending, error.to_string()),
            ModelsError::Refused(ModelRefused::NothingActive) => {
                Self::new(Kind::Unavailable, error.to_string())
            }
            ModelsError::Refused(ModelRefused::Unfit(_)) => {
                Self::new(Kind::BadModel, error.to_string())
            }
        }
    }
}

impl From<ListsError> for Problem {
    fn from(error: ListsError) -> Self {
        match error {
            ListsError::Submit(error) => Self::from(error),
            ListsError::Busy { .. } => Self::new(Kind::ActivationPending, error.to_string()),
            ListsError::Faults(_) | ListsError::Refused(_) => {
                Self::new(Kind::BadLists, error.to_string())
            }
        }
    }
}

impl From<LookupError> for Problem {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Stopped => Self::new(Kind::Unavailable, error.to_string()),
            LookupError::NotKept { .. } => Self::new(Kind::NotKept, error.to_string()),
            other => Self::fault(Kind::Internal, &other),
        }
    }
}

impl From<ReplayError> for Problem {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::NotThere { .. } => Self::new(Kind::NotFound, error.to_string()),
            ReplayError::NotKept { .. } => Self::new(Kind::NotKept, error.to_string()),
            ReplayError::Stopped { .. } => Self::new(Kind::Unavailable, error.to_string()),
            other => Self::fault(Kind::Internal, &other),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::BadCursor { .. } => Self::bad_parameter("after", error.to_string()),
            StoreError::BadLimit { .. } => Self::bad_parameter("limit", error.to_string()),
            StoreError::Backend { .. } => Self::fault(Kind::Unavailable, &error),
            other => Self::fault(Kind::Internal, &other),
        }
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        Self::body(&rejection, crate::rest::BODY_BYTES_MAX)
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(Kind::BadQuery, rejection.body_text())
    }
}

impl From<WebSocketUpgradeRejection> for Problem {
    fn from(rejection: WebSocketUpgradeRejection) -> Self {
        Self::new(Kind::UpgradeRequired, rejection.body_text())
    }
}

/// An error and its causes in one line.
fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_every_kind_has_words() {
        let mut codes: Vec<&str> = Kind::all().map(Kind::code).collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        for kind in Kind::all() {
            assert!(
                !kind.title().is_empty() && !kind.advice().is_empty(),
                "{kind:?}"
            );
            assert!(kind.status().is_client_error() || kind.status().is_server_error());
        }
    }

    #[test]
    fn a_full_or_broken_log_says_when_to_come_again() {
        let answered = |error: SubmitError| {
            let response = Problem::from(error).into_response();
            (
                response.status().as_u16(),
                response.headers()[RETRY_AFTER].to_str().unwrap().to_owned(),
            )
        };
        assert_eq!(answered(SubmitError::Overloaded), (429, "1".to_owned()));
        assert_eq!(
            answered(SubmitError::Unavailable("gone".into())),
            (503, "5".to_owned())
        );
    }

    #[test]
    fn causes_stay_in_the_servers_log() {
        let source = Box::new(std::io::Error::other("disk /dev/x is gone"));
        let error = StoreError::Backend {
            attempt: "read alerts",
            source,
        };
        let problem = Problem::from(error);
        assert_eq!(problem.kind, Kind::Unavailable);
        assert_eq!(problem.detail, "read alerts");
        assert_eq!(
            problem.cause.as_deref(),
            Some("read alerts: disk /dev/x is gone")
        );
    }

    #[test]
    fn a_field_becomes_a_pointer() {
        let pointer = |field: &str| {
            let rejection = Rejection::new(RejectionCode::WrongType, field, "is odd");
            Problem::from(rejection).errors.remove(0).pointer
        };
        assert_eq!(pointer("amount_minor"), "/amount_minor");
        assert_eq!(pointer("attributes.a.b/c~d"), "/attributes/a.b~1c~0d");
        assert_eq!(pointer(""), "");
    }
}
