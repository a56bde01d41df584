//! Counts and times the calls.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::{Duration, Instant};

/// UNIMPLEMENTED: a path that somebody made up, which must not make a new series.
const UNIMPLEMENTED: &str = "12";

pub(super) async fn measure(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let began = Instant::now();
    let response = next.run(request).await;
    // Health and reflection are left out.
    if let Some(method) = path.strip_prefix("/query.") {
        record(method, began.elapsed(), &response);
    }
    response
}

fn record(method: &str, took: Duration, response: &Response) {
    let code = response
        .headers()
        .get("grpc-status")
        .and_then(|code| code.to_str().ok())
        .unwrap_or("0");
    if code == UNIMPLEMENTED {
        return;
    }
    let labels = [("method", method.to_owned()), ("code", code.to_owned())];
    metrics::histogram!("grpc_server_duration_seconds", &labels).record(took);
}
