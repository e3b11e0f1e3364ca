//! Handlers of the REST routes: one file a noun.
//!
//! A handler reads its input, asks the pipeline's handle or the store, and answers in the words of
//! `wire`. Must never hold logic of the domain.

pub mod decisions;
pub mod alerts;
pub mod cases;
pub mod features;
pub mod models;
pub mod labels;
pub mod lists;
pub mod erasures;
pub mod overrides;
pub mod statistics;
pub mod probes;
pub mod aliases;

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Query, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, ORIGIN, X_CONTENT_TYPE_OPTIONS};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Response, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::IntoResponse;
use sentinel_domain::{AccountId, Rejection, RejectionCode, Text, Tier};
use sentinel_store::{Cursor, LIMIT_DEFAULT};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::api::Api;
use crate::error::{Kind, Problem};

/// The largest body of one transaction.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// The longest name of a person, and the longest reason, in bytes.
const WORDS_BYTES_MAX: usize = 256;

/// The one name within a path.
pub struct Id(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // A name that is not UTF-8 is the name of nothing.
        let absent = |_| Problem::new(Kind::NotFound, "there is nothing with that name");
        let Path(id) = Path::from_request_parts(parts, state)
            .await
            .map_err(absent)?;
        Ok(Self(id))
    }
}

/// The parameters of a query.
pub struct Parameters<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(parameters) = Query::from_request_parts(parts, state).await?;
        Ok(Self(parameters))
    }
}

/// A JSON answer. Figures and decisions are of the moment, so nothing on the way may keep them.
pub fn json<T: Serialize>(status: StatusCode, body: &T) -> Result<Response<Body>, Problem> {
    let bytes = serde_json::to_vec(body)
        .map_err(|error| Problem::new(Kind::Internal, format!("spell the answer: {error}")))?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    Ok((status, headers, bytes).into_response())
}

/// The answer where a path exists and the method does not.
pub async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    Problem::new(
        Kind::MethodNotAllowed,
        format!("{} does not take {method}", uri.path()),
    )
}

/// Refuses a request that names another host, where only this machine can reach the server: a page whose
/// name was pointed here would pass for one of our own.
pub async fn refuse_foreign_host(
    State(api): State<Arc<Api>>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let named = match request.headers().get(HOST) {
        Some(host) => host.to_str().ok(),
        None => request
            .uri()
            .authority()
            .map(|authority| authority.as_str()),
    };
    // Only programs leave the host out; browsers never do.
    let is_absent = named.is_none() && !request.headers().contains_key(HOST);
    if !api.loopback_only || is_absent || named.is_some_and(is_this_machine) {
        return next.run(request).await;
    }
    let detail = format!("{} is not this server", named.unwrap_or("the host"));
    Problem::new(Kind::ForeignHost, detail).into_response()
}

/// Whether a host, with or without port, is a name of this machine that no name server answers for.
fn is_this_machine(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, ""),
    };
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    let is_local = bare.eq_ignore_ascii_case("localhost")
        || bare
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback());
    is_local && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Proof that no page of another site sends this: a browser names the page's site in `Origin`, and there
/// is no authentication yet that would stop such a page from speaking for its visitor.
pub struct OwnOrigin;

impl<S: Send + Sync> FromRequestParts<S> for OwnOrigin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let headers = &parts.headers;
        let Some(origin) = headers.get(ORIGIN) else {
            return Ok(Self);
        };
        let origin = origin.to_str().unwrap_or_default();
        let site = origin.split_once("://").map_or("", |(_, site)| site);
        // A page cannot set X-Forwarded-Host on such a request; a proxy that renames the host does.
        let hosts = [headers.get(HOST), headers.get("x-forwarded-host")];
        let mut hosts = hosts
            .into_iter()
            .flatten()
            .filter_map(|host| host.to_str().ok());
        if hosts.any(|host| host.eq_ignore_ascii_case(site)) {
            return Ok(Self);
        }
        Err(Problem::new(
            Kind::ForeignOrigin,
            format!("{origin} is not this server"),
        ))
    }
}

/// The query of a list. Everything given must hold.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParameters {
    /// At most so many, 1 to 1000; 100 where nothing is said.
    #[param(example = 100, minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    after: Option<String>,
    /// This tier or a more severe one: `minimal`, `low`, `medium`, `high` or `critical`.
    #[param(example = "high")]
    tier: Option<String>,
    /// With this status.
    #[param(example = "open")]
    status: Option<String>,
    /// Of this account.
    #[param(example = "acct-17")]
    account_id: Option<String>,
}

/// The query of a list, read; `S` is the kind of status.
pub struct ListQuery<S> {
    limit: u32,
    after: Option<Cursor>,
    tier_min: Option<Tier>,
    status: Option<S>,
    account_id: Option<AccountId>,
}

impl ListParameters {
    /// Reads the words; `statuses` are those the list knows, with their spelling.
    fn read<S: Copy>(
        self,
        statuses: &[S],
        spelled: fn(S) -> &'static str,
    ) -> Result<ListQuery<S>, Problem> {
        let tier_min = word("tier", self.tier, Tier::ALL, Tier::as_str)?;
        let status = word("status", self.status, statuses, spelled)?;
        Ok(ListQuery {
            limit: self.limit.unwrap_or(LIMIT_DEFAULT),
            after: self.after.map(Cursor),
            tier_min,
            status,
            account_id: self.account_id.map(AccountId::new),
        })
    }
}

/// A parameter that holds a word of a list.
fn word<W: Copy>(
    name: &str,
    given: Option<String>,
    words: &[W],
    spelled: fn(W) -> &'static str,
) -> Result<Option<W>, Problem> {
    let Some(given) = given else { return Ok(None) };
    let found = words.iter().copied().find(|word| spelled(*word) == given);
    found.map(Some).ok_or_else(|| {
        let all: Vec<&str> = words.iter().map(|word| spelled(*word)).collect();
        let short: String = given.chars().take(40).collect();
        Problem::bad_parameter(name, format!("{short:?} is none of {}", all.join(", ")))
    })
}

/// A text of a body that must be there, of so many bytes at most.
fn required(field: &str, text: String, bytes_max: usize) -> Result<Text, Rejection> {
    if text.is_empty() {
        let code = RejectionCode::MissingField;
        return Err(Rejection::new(code, field, "is empty"));
    }
    bounded(field, text, bytes_max)
}

/// A text of a body, of so many bytes at most.
fn bounded(field: &str, text: String, bytes_max: usize) -> Result<Text, Rejection> {
    if text.len() > bytes_max {
        let detail = format!("is {} bytes long, at most {bytes_max}", text.len());
        return Err(Rejection::new(RejectionCode::TooLong, field, detail));
    }
    Ok(Text::from(text))
}

/// About how many rows match: exact where the first page shows all of them.
fn total_estimate(first_page: bool, items: usize, more: bool, counted: u64) -> u64 {
    if first_page && !more {
        items as u64
    } else {
        counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_are_told_from_others() {
        for host in [
            "localhost",
            "LOCALHOST:8000",
            "127.0.0.1",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:8000",
        ] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:8000",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "localhost:evil.example",
            "10.0.0.1:8000",
            "[::2]:8000",
            "0.0.0.0",
        ] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
