//! Requests that no route takes: an unknown path, or another method than those of a path.

use axum::extract::Request;
use axum::response::Response;
use http::header;

use super::endpoint::Endpoint;
use crate::errors::{ApiError, Code};

/// How much of a path an error repeats.
const SHOWN_CHARS: usize = 80;

pub fn unknown_path(endpoint: &Endpoint, request: Request) -> Response {
    let message = format!("there is nothing at {:?}", shown(request.uri().path()));
    reject(
        endpoint,
        &ApiError::new(Code::UnknownPath, message),
        request,
    )
}

pub fn wrong_method(endpoint: &Endpoint, request: Request) -> Response {
    let method = shown(request.method().as_str());
    let path = shown(request.uri().path());
    let message = format!("{path:?} does not take the method {method}");
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

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}
