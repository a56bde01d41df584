//! The routes of the gateway.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use platform::Health;
use platform::health::{HEALTH, LIVE, METRICS, READY};
use platform::telemetry::Metrics;

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
    let mut response = next.run(request).await;
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
