//! Pages for people who visit the gateway in a browser, and `/schema.graphql`.

use axum::extract::Request;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderValue, header};

use super::request::has_operation;

const GRAPHIQL: &str = include_str!("../../assets/graphiql.html");

/// The origins from which the page may load. It must not be framed, to prevent clickjacking.
const POLICY: &str = "default-src 'none'; connect-src 'self'; img-src 'self' data:; \
    font-src https://unpkg.com data:; style-src 'unsafe-inline' https://unpkg.com; \
    script-src 'unsafe-inline' https://unpkg.com; worker-src blob:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

const WELCOME: &str = include_str!("../../assets/welcome.html");

/// Whether a browser visits `/graphql`, without an operation.
pub fn is_visit(request: &Request) -> bool {
    let accept = request.headers().get(header::ACCEPT);
    let wants_page = accept
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    wants_page && !has_operation(request.uri().query().unwrap_or_default())
}

/// The editor, or where it is not served a page that says what is served.
pub fn welcome(explorer: bool) -> Response {
    if explorer {
        return Redirect::temporary("/graphiql").into_response();
    }
    guarded(
        WELCOME,
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    )
}

/// The page of GraphiQL, an editor for queries.
pub fn graphiql() -> Response {
    guarded(GRAPHIQL, POLICY)
}

fn guarded(html: &'static str, policy: &'static str) -> Response {
    let mut page = typed("text/html; charset=utf-8", html.to_owned());
    let headers = page.headers_mut();
    let policy = HeaderValue::from_static(policy);
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    page
}

pub fn schema(sdl: String) -> Response {
    typed("text/plain; charset=utf-8", sdl)
}

fn typed(content_type: &'static str, body: String) -> Response {
    let content_type = HeaderValue::from_static(content_type);
    ([(header::CONTENT_TYPE, content_type)], body).into_response()
}
