//! What precedes every route but those of health: the host and the page of a request are judged, and the responses are made
//! readable for pages and compressed.
//!
//! One middleware, and not a stack of them: the router clones its stack for each request, and most requests are of programs,
//! which are concerned by none of the steps after the first.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{Method, header};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::cors::CorsLayer;

use super::compression::{self, Compression};
use super::cors;
use super::endpoint::Endpoint;
use super::hosts::AllowedHosts;
use super::page::{AllowedOrigins, Page};

/// The steps, with their settings.
#[derive(Debug)]
pub struct Guard {
    endpoint: Arc<Endpoint>,
    hosts: AllowedHosts,
    origins: AllowedOrigins,
    cors: CorsLayer,
    compression: Compression,
}

impl Guard {
    pub fn new(endpoint: Arc<Endpoint>, hosts: AllowedHosts, origins: AllowedOrigins) -> Self {
        Self {
            endpoint,
            hosts,
            origins,
            cors: cors::layer(),
            compression: compression::layer(),
        }
    }

    /// A response that is compressed if the client takes it so, and may.
    async fn respond(&self, request: Request, next: Next) -> Response {
        let is_asked = request.headers().contains_key(header::ACCEPT_ENCODING);
        if !is_asked || Page::of(request.extensions()) == Page::Foreign {
            return next.run(request).await;
        }
        let compressed = self.compression.layer(next).oneshot(request).await;
        infallible(compressed).map(Body::new)
    }
}

/// The middleware.
pub async fn guard(State(guard): State<Arc<Guard>>, mut request: Request, next: Next) -> Response {
    if let Err(error) = guard.hosts.require(&request) {
        let (parts, _) = request.into_parts();
        return guard.endpoint.reject_early(&error, &parts);
    }
    let page = guard.origins.page(request.uri(), request.headers());
    request.extensions_mut().insert(page);
    let is_of_page = request.headers().contains_key(header::ORIGIN);
    if !is_of_page || (request.method() == Method::OPTIONS && !is_preflight(&request)) {
        return guard.respond(request, next).await;
    }
    let cors = guard.cors.clone();
    let respond = service_fn(move |request| {
        let (guard, next) = (Arc::clone(&guard), next.clone());
        async move { Ok::<_, Infallible>(guard.respond(request, next).await) }
    });
    infallible(cors.layer(respond).oneshot(request).await)
}

/// Whether a browser asks for a page what a route takes. The layer would answer so to every OPTIONS request.
fn is_preflight(request: &Request) -> bool {
    let is_routed = request.extensions().get::<MatchedPath>().is_some();
    let method = header::ACCESS_CONTROL_REQUEST_METHOD;
    is_routed && request.headers().contains_key(method)
}

fn infallible<T>(result: Result<T, Infallible>) -> T {
    match result {
        Ok(value) => value,
        Err(never) => match never {},
    }
}
