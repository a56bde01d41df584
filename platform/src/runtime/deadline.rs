//! Deadlines of gRPC calls, with the status `DEADLINE_EXCEEDED`.
//!
//! tonic's server has its own timer for `grpc-timeout`, but it returns CANCELLED, which means that the caller gave up,
//! and cannot report whether the call may have taken effect. This timer is nested in it and fires slightly earlier, so
//! that tonic's never fires. It also works for a service that is called in process, without a server.

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use tonic::Status;

use super::http2::MAX_CALL_TIMEOUT;

const GRPC_TIMEOUT: &str = "grpc-timeout";
/// How much earlier than tonic's timer this one fires: this fraction (one in so many) of the deadline, within bounds.
/// Timers have a resolution of one millisecond.
const AHEAD_PART: u32 = 20;
const MIN_AHEAD: Duration = Duration::from_millis(2);
const MAX_AHEAD: Duration = Duration::from_millis(20);

/// How a service reads deadlines and reports that one has passed.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// Parses the value of `grpc-timeout`.
    pub parse: fn(&str) -> Option<Duration>,
    /// The status of a call to this path whose deadline has passed. Only the service knows which calls have no effects.
    pub late: fn(&str) -> Status,
}

impl Deadlines {
    /// The response to a call to `path`, before its deadline.
    pub(super) async fn answer_in_time(self, path: &str, request: Request, next: Next) -> Response {
        let limit = self.limit(&request);
        match tokio::time::timeout(limit, next.run(request)).await {
            Ok(response) => response,
            Err(_) => (self.late)(path).into_http(),
        }
    }

    fn limit(self, request: &Request) -> Duration {
        let given = request.headers().get(GRPC_TIMEOUT);
        let given = given.and_then(|text| (self.parse)(text.to_str().ok()?));
        let limit = given.unwrap_or(MAX_CALL_TIMEOUT).min(MAX_CALL_TIMEOUT);
        limit.saturating_sub((limit / AHEAD_PART).clamp(MIN_AHEAD, MAX_AHEAD))
    }
}
