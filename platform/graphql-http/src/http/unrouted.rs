//! Requests that no route takes: an unknown path, or another method than those of a path.

use axum::extract::Request;
use axum::response::Response;
use event_sourcing::quoted;
use http::header;

use super::endpoint::Endpoint;
use crate::errors::{ApiError, Code};

pub fn unknown_path(endpoint: &Endpoint, request: Request) -> Response {
    let message = format!("there is nothing at {}", quoted(request.uri().path()));
    reject(
        endpoint,
        &ApiError::new(Code::UnknownPath, message),
        request,
    )
}

pub fn wrong_method(endpoint: &Endpoint, request: Request) -> Response {
    let path = quoted(request.uri().path());
    let method = quoted(request.method().as_str());
    let message = format!("{path} does not take the method {method}");
    let error = ApiError::new(Code::MethodNotAllowed, message);
    let mut response = reject(endpoint, &error, request);
    // The router sets the methods of the path.
    response.headers_mut().remove(header::ALLOW);
    response
}

fn reject(endpoint: &Endpoint, error: &ApiError, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    endpoint.reject_early(error, &parts)
}
