//! Metrics, log lines and deadlines of the gRPC calls that a service handles.

use std::fmt;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use event_sourcing::trace;
use grpc_calls::TraceContext;
use http::{HeaderMap, StatusCode, header};
use tokio::time::{Duration, Instant};
use tonic::service::Routes;
use tonic::{Code, Status};
use tracing::{Instrument, Span, field};

use super::Deadlines;
use crate::fields;
use crate::request_log::{millis, without_values};

/// Decides which calls a service accepts.
pub trait AdmitCall: fmt::Debug + Send + Sync {
    /// Accepts a call to `path`, and adds who makes it.
    ///
    /// # Errors
    /// The call is not accepted.
    fn admit(&self, path: &str, call: &mut Request) -> Result<(), Status>;
}

/// How a service's calls are observed, limited in time and accepted.
#[derive(Clone, Debug)]
pub struct Calls {
    /// The path prefix of the observed methods, such as `/query.`. Health and reflection are excluded.
    pub prefix: &'static str,
    /// The metadata key of the request id.
    pub correlation_id: &'static str,
    /// The name of a code in metrics.
    pub code_name: fn(Code) -> &'static str,
    pub deadlines: Deadlines,
    /// Not asked about health and reflection.
    pub admission: Arc<dyn AdmitCall>,
}

impl Calls {
    /// Wraps `routes` so that each call is answered before its deadline, counted, timed, and logged at debug level. One
    /// middleware does it all, because each costs a copy of those within it for each call.
    #[must_use]
    pub fn wrap(self, routes: Routes) -> Routes {
        let layer = from_fn_with_state(Arc::new(self), handle);
        Routes::from(routes.into_axum_router().layer(layer))
    }

    async fn answer(&self, path: &str, mut request: Request, next: Next) -> Response {
        match self.admission.admit(path, &mut request) {
            Ok(()) => self.deadlines.answer_in_time(path, request, next).await,
            Err(status) => status.into_http(),
        }
    }

    fn record(&self, method: &str, took: Duration, code: Code) {
        // Invented paths must not create new time series.
        if code == Code::Unimplemented {
            return;
        }
        let labels = [
            ("method", method.to_owned()),
            ("code", (self.code_name)(code).to_owned()),
        ];
        metrics::histogram!("grpc_server_duration_seconds", &labels).record(took);
    }
}

/// Whether a request is a call by its media type, as the protocol of gRPC asks. The library takes any.
fn is_call(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE);
    let rest = media.and_then(|media| media.as_bytes().strip_prefix(b"application/grpc"));
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

async fn handle(State(calls): State<Arc<Calls>>, request: Request, next: Next) -> Response {
    if !is_call(request.headers()) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    let path = request.uri().path().to_owned();
    let Some(method) = path.strip_prefix(calls.prefix) else {
        return calls.deadlines.answer_in_time(&path, request, next).await;
    };
    let is_logged = tracing::enabled!(tracing::Level::DEBUG);
    let request_id = is_logged.then(|| correlation_id(&calls, request.headers()));
    let start = Instant::now();
    let span = call_span(&path, request.headers());
    let answered = calls.answer(&path, request, next);
    let response = answered.instrument(span.clone()).await;
    let took = start.elapsed();
    let status = Status::from_header_map(response.headers());
    let code = status.as_ref().map_or(Code::Ok, Status::code);
    calls.record(method, took, code);
    record_code(&span, code, (calls.code_name)(code));
    if let Some(request_id) = request_id {
        let message = status.as_ref().map(Status::message);
        let _within = span.enter();
        tracing::debug!(
            { fields::RPC_METHOD } = method,
            { fields::RPC_STATUS } = (calls.code_name)(code),
            { fields::REASON } = message.map(without_values),
            { fields::ELAPSED_MS } = millis(took),
            { fields::CORRELATION_ID } = request_id,
            "grpc call"
        );
    }
    response
}

/// In the trace of the caller.
fn call_span(path: &str, headers: &HeaderMap) -> Span {
    let method = path.trim_start_matches('/');
    let parent = || TraceContext::of(headers).map(|parent| parent.to_fields());
    trace::span(parent, || {
        tracing::info_span!(
            target: trace::TARGET,
            "grpc call",
            otel.name = method,
            otel.kind = "server",
            otel.status_code = field::Empty,
            rpc.system.name = "grpc",
            rpc.method = method,
            rpc.response.status_code = field::Empty,
            error.type = field::Empty,
        )
    })
}

/// For a server, a code is an error if it is the server's fault.
fn record_code(span: &Span, code: Code, name: &'static str) {
    span.record("rpc.response.status_code", name);
    let is_error = matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    );
    if is_error {
        trace::fail(span, name);
    }
}

fn correlation_id(calls: &Calls, headers: &HeaderMap) -> Option<String> {
    let value = headers.get(calls.correlation_id)?;
    Some(value.to_str().ok()?.to_owned())
}
