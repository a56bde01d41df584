//! Counts and times the calls.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use contract::status::code_name;
use tokio::time::{Duration, Instant};
use tonic::Code;

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
        .map_or(Code::Ok, |code| Code::from_bytes(code.as_bytes()));
    // A path that was made up must not make a new series.
    if code == Code::Unimplemented {
        return;
    }
    let labels = [
        ("method", method.to_owned()),
        ("code", code_name(code).to_owned()),
    ];
    metrics::histogram!("grpc_server_duration_seconds", &labels).record(took);
}
