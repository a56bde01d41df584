//! Pages for people who visit the gateway in a browser.

use axum::extract::Request;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, Uri, header};

use super::accept::Accept;
use super::etag;
use super::fields::has_operation;

pub const HTML: &str = "text/html; charset=utf-8";
pub const TEXT: &str = "text/plain; charset=utf-8";

const WELCOME: &str = include_str!("../../assets/welcome.html");
const WELCOME_POLICY: &str =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// Whether a browser visits `/graphql`, without an operation.
pub fn is_visit(request: &Request) -> bool {
    let wants_page = Accept::of(request.headers()).names("text/html");
    wants_page && !has_operation(request.uri().query().unwrap_or_default())
}

/// The explorer, which opens the operation in the query of the URL, or where it is not served a page that says what is
/// served.
pub fn welcome(explorer: bool, url: &Uri, request: &HeaderMap) -> Response {
    if explorer {
        let query = url.query().filter(|query| !query.is_empty());
        let query = query.map_or_else(String::new, |query| format!("?{query}"));
        return Redirect::temporary(&format!("/graphiql{query}")).into_response();
    }
    guarded(
        conditional(HTML, WELCOME.to_owned(), request),
        WELCOME_POLICY,
    )
}

/// A text of this media type, or 304 if the client has it.
pub fn conditional(content_type: &'static str, text: String, request: &HeaderMap) -> Response {
    let tag = etag::of(text.as_bytes());
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(content_type))];
    etag::conditional((headers, text).into_response(), tag, request)
}

/// The page with the policy of what it may load.
pub fn guarded(mut page: Response, policy: &'static str) -> Response {
    let headers = page.headers_mut();
    let policy = HeaderValue::from_static(policy);
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    page
}
