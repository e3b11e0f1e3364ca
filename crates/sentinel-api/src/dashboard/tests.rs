//! How files of a dashboard are served, over files made up here.

use super::*;

fn built(path: &str) -> Option<Asset> {
    let (bytes, media_type): (&[u8], _) = match path {
        "index.html" => (b"<html>", "text/html"),
        "index.html.gz" => (b"packed", "application/gzip"),
        "assets/index-1a2b.js" => (b"code", "text/javascript"),
        ".gitkeep" => (b"", "application/octet-stream"),
        _ => return None,
    };
    let mut hash = [7; 32];
    hash[0] = u8::try_from(bytes.len()).unwrap();
    Some(Asset {
        bytes: bytes.into(),
        hash,
        media_type: media_type.to_owned(),
    })
}

fn not_built(_: &str) -> Option<Asset> {
    None
}

fn get(find: Find, path: &str, headers: &[(axum::http::HeaderName, &str)]) -> Response<Body> {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.clone(), value.parse().unwrap()));
    answer(find, &Method::GET, path, &headers.collect()).unwrap()
}

async fn text(response: Response<Body>) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20)
        .await
        .unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn every_path_of_the_application_opens_its_page() {
    for path in ["/", "/alerts", "/alerts/alr_1", "/index.html", "/.gitkeep"] {
        let response = get(built, path, &[]);
        assert_eq!(response.headers()[CACHE_CONTROL], "no-cache", "{path}");
        assert_eq!(
            response.headers()[CONTENT_TYPE],
            "text/html; charset=utf-8",
            "{path}"
        );
        let policy = response.headers()[CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"));
        assert_eq!(text(response).await, "<html>", "{path}");
    }
}

#[tokio::test]
async fn a_packed_file_is_sent_to_whoever_takes_it() {
    let response = get(built, "/", &[(ACCEPT_ENCODING, "br, gzip;q=0.8")]);
    assert_eq!(response.headers()[CONTENT_ENCODING], "gzip");
    assert_eq!(response.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
    assert_eq!(text(response).await, "packed");
    let response = get(built, "/", &[(ACCEPT_ENCODING, "gzip;q=0, br")]);
    assert!(!response.headers().contains_key(CONTENT_ENCODING));
    let response = get(built, "/assets/index-1a2b.js", &[(ACCEPT_ENCODING, "gzip")]);
    assert_eq!(text(response).await, "code", "no packed one lies beside it");
}

#[tokio::test]
async fn files_named_by_content_are_kept_and_the_page_is_asked_for_again() {
    let response = get(built, "/assets/index-1a2b.js", &[]);
    assert_eq!(
        response.headers()[CACHE_CONTROL],
        "public, max-age=31536000, immutable"
    );
    let tag = get(built, "/", &[]).headers()[ETAG]
        .to_str()
        .unwrap()
        .to_owned();
    let response = get(built, "/", &[(IF_NONE_MATCH, &tag)]);
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(text(response).await, "");
}

#[test]
fn unknown_files_and_api_paths_are_problems() {
    let problem = |method: Method, path: &str| {
        answer(built, &method, path, &HeaderMap::new())
            .unwrap_err()
            .kind
            .code()
    };
    for path in ["/api", "/api/v1/nothing", "/assets/old-3c4d.js"] {
        assert_eq!(problem(Method::GET, path), "not_found", "{path}");
    }
    assert_eq!(problem(Method::POST, "/anything"), "not_found");
}

#[tokio::test]
async fn a_binary_without_a_dashboard_says_so() {
    let response = get(not_built, "/alerts", &[]);
    assert_eq!(response.status(), StatusCode::OK);
    let page = text(response).await;
    assert!(
        page.contains("make demo") && page.contains("href=\"/docs\""),
        "{page}"
    );
    assert!(!page.contains("http"), "{page}");
}
