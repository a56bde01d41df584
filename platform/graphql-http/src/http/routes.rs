//! The routes of the gateway.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use event_sourcing::trace;
use grpc_calls::TraceContext;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version, header};
use platform::Health;
use platform::health::{HEALTH, LIVE, METRICS, READY};
use platform::telemetry::Metrics;
use tracing::{Instrument, Span, field};

use super::endpoint::Endpoint;
use super::explorer::{self, Explorer};
use super::guard::{self, Guard};
use super::hosts::AllowedHosts;
use super::page::AllowedOrigins;
use super::{pages, unrouted};

/// What is served in addition to GraphQL.
#[derive(Debug)]
pub struct Site {
    pub health: Health,
    pub metrics: Metrics,
    /// The content of `/graphiql`, if that and `/schema.graphql` are served.
    pub explorer: Option<Explorer>,
    pub hosts: AllowedHosts,
    pub origins: AllowedOrigins,
}

pub fn router(endpoint: Arc<Endpoint>, site: Site) -> Router {
    let mut guarded = Router::new();
    let has_explorer = site.explorer.is_some();
    if let Some(explorer) = site.explorer {
        guarded = explorer::router(explorer, Arc::clone(&endpoint));
    }
    let guard = Guard::new(Arc::clone(&endpoint), site.hosts, site.origins);
    let unknown_path = {
        let endpoint = Arc::clone(&endpoint);
        async move |request: Request| unrouted::unknown_path(&endpoint, request)
    };
    let wrong_method = {
        let endpoint = Arc::clone(&endpoint);
        async move |request: Request| unrouted::wrong_method(&endpoint, request)
    };
    let serve = move |request| Arc::clone(&endpoint).serve(request);
    let read = {
        let serve = serve.clone();
        async move |request: Request| {
            if pages::is_visit(&request) {
                pages::welcome(has_explorer, request.uri(), request.headers())
            } else {
                serve(request).await
            }
        }
    };
    let guarded = guarded
        .route(
            "/",
            get(async move |url: Uri, headers: HeaderMap| {
                pages::welcome(has_explorer, &url, &headers)
            }),
        )
        .route("/graphql", get(read.clone()).post(serve.clone()))
        // Some clients and proxies append a slash, and a WebSocket does not follow a redirect.
        .route("/graphql/", get(read).post(serve))
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method.clone())
        .layer(from_fn_with_state(Arc::new(guard), guard::guard));
    platform::health::router(site.health, site.metrics)
        .method_not_allowed_fallback(wrong_method)
        .merge(guarded)
        .layer(from_fn(observe))
}

/// What a response that is not a page may load, if a browser is made to show it as one: nothing.
const NOT_A_PAGE: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Measures every request, and sets headers that all responses have.
async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = method_name(request.method());
    let path = path_name(request.uri().path());
    let span = request_span(method, path, &request);
    let mut response = next.run(request).instrument(span.clone()).await;
    record_status(&span, response.status());
    // For the log line about the request.
    response.extensions_mut().insert(span);
    let nosniff = HeaderValue::from_static("nosniff");
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    let policy = headers.entry(header::CONTENT_SECURITY_POLICY);
    policy.or_insert(NOT_A_PAGE);
    metrics::histogram!(
        "http_request_duration_seconds",
        "method" => method,
        "path" => path,
        "status" => status_class(response.status().as_u16()),
    )
    .record(started.elapsed());
    response
}

/// In the trace of the client. Probes and scrapes are of no interest in traces.
fn request_span(method: &'static str, route: &'static str, request: &Request) -> Span {
    if [HEALTH, LIVE, READY, METRICS].contains(&route) {
        return Span::none();
    }
    let version = match request.version() {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    };
    let parent = || TraceContext::of(request.headers()).map(|parent| parent.to_fields());
    trace::span(parent, || {
        tracing::info_span!(
            target: trace::TARGET,
            "http request",
            otel.name = format!("{method} {route}"),
            otel.kind = "server",
            otel.status_code = field::Empty,
            http.request.method = method,
            http.route = route,
            url.path = request.uri().path(),
            url.scheme = request.uri().scheme_str().unwrap_or("http"),
            network.protocol.version = version,
            http.response.status_code = field::Empty,
            error.type = field::Empty,
        )
    })
}

/// For a server, a status is an error if it is the server's fault.
fn record_status(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        trace::fail(span, status.as_str());
    }
}

/// Labels have a fixed set of values, so that clients cannot create an unbounded number of time series.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        _ => "other",
    }
}

fn path_name(path: &str) -> &'static str {
    const KNOWN: [&str; 8] = [
        "/",
        "/graphql",
        "/graphiql",
        "/schema.graphql",
        HEALTH,
        LIVE,
        READY,
        METRICS,
    ];
    if path.starts_with("/graphiql/") {
        return "/graphiql";
    }
    if path == "/graphql/" {
        return "/graphql";
    }
    KNOWN
        .into_iter()
        .find(|known| *known == path)
        .unwrap_or("other")
}

const fn status_class(status: u16) -> &'static str {
    match status {
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}
