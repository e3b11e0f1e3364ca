//! An error on the wire: RFC 9457, `application/problem+json`.

use serde::Serialize;
use utoipa::ToSchema;

/// Why a request did not succeed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemBody<'a> {
    /// A page that explains this kind of problem, relative to the server.
    #[serde(rename = "type")]
    #[schema(example = "/docs/problems/missing_field")]
    pub kind: String,
    /// The kind of problem in words.
    #[schema(example = "A required field is absent")]
    pub title: &'a str,
    /// The HTTP status.
    #[schema(example = 422)]
    pub status: u16,
    /// This very problem.
    #[schema(example = "amount_minor: is required")]
    pub detail: &'a str,
    /// The path of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/api/v1/decisions")]
    pub instance: Option<&'a str>,
    /// The kind of problem for machines; stable.
    #[schema(example = "missing_field")]
    pub code: &'a str,
    /// Names this occurrence; the server's log names it too where the server is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "4bf92f3577b34da6a3ce929d0e0e4736")]
    pub trace_id: Option<&'a str>,
    /// What is wrong where; empty where no single field is at fault.
    pub errors: &'a [FieldFault],
}

/// One fault of one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldFault {
    /// JSON pointer into the body, or `?name` for a query parameter.
    #[schema(example = "/amount_minor")]
    pub pointer: String,
    /// What was found and what is expected.
    #[schema(example = "is required")]
    pub detail: String,
}
