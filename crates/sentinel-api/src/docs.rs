//! The API docs: the description, a page that shows it, and a page for each kind of problem.
//!
//! Promises that all of it comes out of the binary: no other host is asked for anything.

use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, Response};
use axum::response::IntoResponse;
use utoipa_swagger_ui::Config;

use crate::error::{Kind, Problem};
use crate::rest::Id;

/// As for the dashboard; the viewer draws with style attributes and pictures within its style sheet.
const CONTENT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; \
     base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
);

/// Files of the viewer that its page needs.
const VIEWER_FILES: [&str; 3] = [
    "swagger-ui.css",
    "swagger-ui-bundle.js",
    "favicon-32x32.png",
];

/// The page that shows the description.
const INDEX: &str = "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>Stream Sentinel: API docs</title>
<link rel=\"icon\" type=\"image/png\" href=\"/docs/favicon-32x32.png\">
<link rel=\"stylesheet\" href=\"/docs/swagger-ui.css\">
</head>
<body>
<div id=\"viewer\"></div>
<noscript>The description itself: <a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a></noscript>
<script src=\"/docs/swagger-ui-bundle.js\"></script>
<script src=\"/docs/start.js\"></script>
</body>
</html>
";

/// Starts the viewer. Without `validatorUrl: null` it would show the description to another host.
const START: &str = "window.addEventListener('load', () => {
  SwaggerUIBundle({
    url: '/api/v1/openapi.json',
    dom_id: '#viewer',
    deepLinking: true,
    tryItOutEnabled: true,
    displayOperationId: true,
    validatorUrl: null,
  });
});
";

/// The description, spelled once.
static DESCRIPTION: LazyLock<Result<String, serde_json::Error>> =
    LazyLock::new(crate::openapi_json);

/// The OpenAPI description.
pub async fn openapi() -> Result<Response<Body>, Problem> {
    match &*DESCRIPTION {
        Ok(text) => Ok(served("application/json", "no-cache", text.as_str())),
        Err(error) => Err(Problem::new(
            Kind::Internal,
            format!("spell the description: {error}"),
        )),
    }
}

/// The page that shows the description.
pub async fn index() -> Response<Body> {
    served("text/html; charset=utf-8", "no-cache", INDEX)
}

/// A file of that page.
pub async fn file(Id(name): Id) -> Result<Response<Body>, Problem> {
    const KEEP: &str = "max-age=86400";
    if name == "start.js" {
        return Ok(served("text/javascript; charset=utf-8", KEEP, START));
    }
    let absent = || Problem::not_found("file", &name);
    if !VIEWER_FILES.contains(&name.as_str()) {
        return Err(absent());
    }
    let found = utoipa_swagger_ui::serve(&name, Arc::new(Config::from("")));
    let file = found.ok().flatten().ok_or_else(absent)?;
    Ok(served(&file.content_type, KEEP, file.bytes.into_owned()))
}

/// What a kind of problem means and what to do about it.
pub async fn problem(Id(code): Id) -> Result<Response<Body>, Problem> {
    let kind = Kind::all().find(|kind| kind.code() == code);
    let kind = kind.ok_or_else(|| Problem::not_found("kind of problem", &code))?;
    let (title, advice, status) = (kind.title(), kind.advice(), kind.status());
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <h1>{title}</h1>\n<p>Code <code>{}</code>, answered with {status}.</p>\n<p>{advice}</p>\n\
         <p><a href=\"/docs\">API docs</a></p>\n",
        kind.code(),
    );
    Ok(served("text/html; charset=utf-8", "no-cache", page))
}

fn served(media_type: &str, keep: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = body.into().into_response();
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(media_type) {
        headers.insert(CONTENT_TYPE, value);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(keep));
    headers.insert(CONTENT_SECURITY_POLICY, CONTENT_POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
