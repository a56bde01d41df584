//! Pages for people: `/graphiql` and `/schema.graphql`.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

const GRAPHIQL: &str = include_str!("../../assets/graphiql.html");

/// A page on which queries can be tried.
pub fn graphiql() -> Response {
    typed("text/html; charset=utf-8", GRAPHIQL.to_owned())
}

/// The schema's text.
pub fn schema(sdl: String) -> Response {
    typed("text/plain; charset=utf-8", sdl)
}

fn typed(content_type: &'static str, body: String) -> Response {
    let content_type = HeaderValue::from_static(content_type);
    ([(header::CONTENT_TYPE, content_type)], body).into_response()
}
