//! Deadlines of gRPC calls, answered as what they are.
//!
//! tonic's server has a timer for `grpc-timeout` of its own, but it answers CANCELLED, which says that the caller gave
//! up, and knows nothing of what the call may have done. This timer is inside of it and a little faster, so that
//! tonic's never fires; and it is the same for a service that is called in the process, which has no server.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tonic::Status;
use tonic::service::Routes;

use super::http2::DEADLINE_CAP;

const GRPC_TIMEOUT: &str = "grpc-timeout";
/// How much earlier than tonic's timer this one fires: this part of the deadline, within limits. Timers are exact to a
/// millisecond.
const AHEAD_PART: u32 = 20;
const MIN_AHEAD: Duration = Duration::from_millis(2);
const MAX_AHEAD: Duration = Duration::from_millis(20);

/// What a service knows of deadlines.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// Reads the value of `grpc-timeout`.
    pub parse: fn(&str) -> Option<Duration>,
    /// The status of a call to this path whose deadline has passed. What it did is not known here.
    pub late: fn(&str) -> Status,
}

impl Deadlines {
    /// `routes`, of which each call is answered before its deadline has passed.
    #[must_use]
    pub fn hold(self, routes: Routes) -> Routes {
        let layer = from_fn_with_state(self, answer_in_time);
        Routes::from(routes.into_axum_router().layer(layer))
    }

    fn limit(self, request: &Request) -> Duration {
        let given = request.headers().get(GRPC_TIMEOUT);
        let given = given.and_then(|text| (self.parse)(text.to_str().ok()?));
        let limit = given.unwrap_or(DEADLINE_CAP).min(DEADLINE_CAP);
        limit.saturating_sub((limit / AHEAD_PART).clamp(MIN_AHEAD, MAX_AHEAD))
    }
}

async fn answer_in_time(
    State(deadlines): State<Deadlines>,
    request: Request,
    next: Next,
) -> Response {
    let limit = deadlines.limit(&request);
    let path = request.uri().path().to_owned();
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => (deadlines.late)(&path).into_http(),
    }
}
