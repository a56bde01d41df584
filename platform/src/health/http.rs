//! `/health` and `/metrics`.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};

use super::Health;
use crate::telemetry::Metrics;

/// The answer of `/health`: 200, or 503 when a part is down.
#[must_use]
pub fn health_response(health: &Health) -> Response {
    let status = if health.is_up() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let json = HeaderValue::from_static("application/json");
    let no_store = HeaderValue::from_static("no-store");
    (
        status,
        [
            (header::CONTENT_TYPE, json),
            (header::CACHE_CONTROL, no_store),
        ],
        health.report().to_string(),
    )
        .into_response()
}

/// The routes `/health` and `/metrics`.
pub fn router(health: Health, metrics: Metrics) -> Router {
    const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Router::new()
        .route("/health", get(async move || health_response(&health)))
        .route(
            "/metrics",
            get(async move || ([(header::CONTENT_TYPE, TEXT)], metrics.render())),
        )
}
