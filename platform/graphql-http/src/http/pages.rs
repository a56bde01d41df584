//! Pages for developers: `/graphiql` and `/schema.graphql`.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

const GRAPHIQL: &str = include_str!("../../assets/graphiql.html");

/// The origins from which the page may load. It must not be framed, to prevent clickjacking.
const POLICY: &str = "default-src 'none'; connect-src 'self'; img-src 'self' data:; \
    font-src https://unpkg.com data:; style-src 'unsafe-inline' https://unpkg.com; \
    script-src 'unsafe-inline' https://unpkg.com; worker-src blob:; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// The page of GraphiQL, an editor for queries.
pub fn graphiql() -> Response {
    let mut page = typed("text/html; charset=utf-8", GRAPHIQL.to_owned());
    let headers = page.headers_mut();
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
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
