//! The dashboard: files embedded in the binary, and the page of the application for every other path.
//!
//! Promises that a path of the application can be opened directly, that files named after their content
//! are kept for a year and nothing else is, and that nothing is loaded from another host. Where the files
//! were missing when the binary was built, a plain page says so.

use std::borrow::Cow;
use std::fmt::Write as _;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use axum::response::IntoResponse;
use rust_embed::RustEmbed;

use crate::error::Problem;

/// Only what comes from this server may run, and no other site may frame it.
const CONTENT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
);

/// The page of the application.
const INDEX: &str = "index.html";

/// Files named after their content.
const NAMED_BY_CONTENT: &str = "assets/";

#[derive(RustEmbed)]
#[folder = "../../dashboard/dist"]
#[allow_missing = true]
struct Embedded;

/// A file of the dashboard.
struct Asset {
    bytes: Cow<'static, [u8]>,
    hash: [u8; 32],
    media_type: String,
}

/// Looks a file up by its path.
type Find = fn(&str) -> Option<Asset>;

fn embedded(path: &str) -> Option<Asset> {
    let file = Embedded::get(path)?;
    let hash = file.metadata.sha256_hash();
    let media_type = file.metadata.mimetype().to_owned();
    Some(Asset {
        bytes: file.data,
        hash,
        media_type,
    })
}

/// Every path that no route takes.
pub async fn page(method: Method, uri: Uri, headers: HeaderMap) -> Result<Response<Body>, Problem> {
    answer(embedded, &method, uri.path(), &headers)
}

fn answer(
    find: Find,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Result<Response<Body>, Problem> {
    let is_reading = matches!(*method, Method::GET | Method::HEAD);
    if !is_reading || path == "/api" || path.starts_with("/api/") {
        return Err(Problem::not_found("path", path));
    }
    let name = path.trim_start_matches('/');
    let is_hidden = name.split('/').any(|part| part.starts_with('.'));
    if !is_hidden && let Some(asset) = find(name) {
        return Ok(file(find, name, asset, headers));
    }
    if name.starts_with(NAMED_BY_CONTENT) {
        // The application's page in place of a script would hide what is wrong.
        return Err(Problem::not_found("file", path));
    }
    match find(INDEX) {
        Some(asset) => Ok(file(find, INDEX, asset, headers)),
        None => Ok(missing()),
    }
}

/// A file, packed where the client takes that and a packed one lies beside it.
fn file(find: Find, name: &str, asset: Asset, headers: &HeaderMap) -> Response<Body> {
    let packed = if takes_gzip(headers) {
        find(&format!("{name}.gz"))
    } else {
        None
    };
    let is_packed = packed.is_some();
    let media_type = asset.media_type.clone();
    let sent = packed.unwrap_or(asset);
    let tag = entity_tag(&sent.hash);
    let known = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let is_known = known
        .flat_map(|list| list.split(','))
        .any(|one| one.trim() == tag);
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body::from(sent.bytes).into_response()
    };
    let out = response.headers_mut();
    let keep = if name.starts_with(NAMED_BY_CONTENT) {
        HeaderValue::from_static("public, max-age=31536000, immutable")
    } else {
        HeaderValue::from_static("no-cache")
    };
    out.insert(CACHE_CONTROL, keep);
    out.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(value) = HeaderValue::from_str(&tag) {
        out.insert(ETAG, value);
    }
    if !is_known {
        if let Ok(value) = HeaderValue::from_str(&with_charset(&media_type)) {
            out.insert(CONTENT_TYPE, value);
        }
        if is_packed {
            out.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
    }
    guarded(response)
}

/// Whether a client takes gzip.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let lists = headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|one| {
        let (coding, weight) = one.split_once(';').unwrap_or((one, ""));
        let refused = matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
        coding.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

/// A strong entity tag.
fn entity_tag(hash: &[u8; 32]) -> String {
    let mut tag = String::from('"');
    for byte in hash.iter().take(16) {
        // Writing to a text does not fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

fn with_charset(media_type: &str) -> String {
    let is_text = media_type.starts_with("text/") || media_type.ends_with("javascript");
    if is_text {
        format!("{media_type}; charset=utf-8")
    } else {
        media_type.to_owned()
    }
}

/// The page in place of a dashboard that was not built.
fn missing() -> Response<Body> {
    const PAGE: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
        <title>Stream Sentinel</title>\n\
        <h1>Stream Sentinel is running</h1>\n\
        <p>This binary was built without the dashboard. To build both, run <code>make demo</code>.</p>\n\
        <p>Everything else works: see the <a href=\"/docs\">API docs</a>, \
        <a href=\"/api/v1/statistics\">the figures</a> and <a href=\"/metrics\">the metrics</a>.</p>\n";
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
    ];
    guarded((headers, PAGE).into_response())
}

/// A response with what keeps a browser from doing more than asked.
fn guarded(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, CONTENT_POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

#[cfg(test)]
mod tests;
