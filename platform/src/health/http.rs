//! The HTTP routes `/health` with its two probes, and `/metrics`.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

use super::Health;
use crate::telemetry::Metrics;

/// The state of every component.
pub const HEALTH: &str = "/health";
/// Whether the process runs.
pub const LIVE: &str = "/health/live";
/// Whether the process can serve requests.
pub const READY: &str = "/health/ready";
/// The metrics of the process.
pub const METRICS: &str = "/metrics";

/// 200 if healthy, else 503.
fn answer(is_well: bool, report: &Value) -> Response {
    let status = if is_well {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let json = HeaderValue::from_static("application/json");
    let no_store = HeaderValue::from_static("no-store");
    let headers = [
        (header::CONTENT_TYPE, json),
        (header::CACHE_CONTROL, no_store),
    ];
    (status, headers, report.to_string()).into_response()
}

/// The routes `/health`, `/health/live`, `/health/ready` and `/metrics`.
pub fn router(health: Health, metrics: Metrics) -> Router {
    const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    let (live, ready) = (health.clone(), health.clone());
    let of_parts = async move || answer(health.is_up(), &health.report());
    let of_life = async move || answer(true, &live.live_report());
    let of_readiness = async move || answer(ready.is_ready(), &ready.ready_report());
    Router::new()
        .route(HEALTH, get(of_parts))
        .route(LIVE, get(of_life))
        .route(READY, get(of_readiness))
        .route(
            METRICS,
            get(async move || ([(header::CONTENT_TYPE, TEXT)], metrics.render())),
        )
}
