//! The bytes of an HTTP/1.1 connection: whatever a client sends, and however it is split, the routes get only requests that
//! a strict parser finds in the same bytes, and the connection ends.
#![no_main]

use std::cell::RefCell;

use axum::Router;
use axum::extract::Request;
use fuzz_targets::{ScriptedStream, StrictRequest, block_on, requests, split_choice};
use http::{Method, StatusCode};
use libfuzzer_sys::fuzz_target;
use platform::runtime::testing::serve_http1;

thread_local! {
    static SEEN: RefCell<Vec<StrictRequest>> = const { RefCell::new(Vec::new()) };
    static ROUTER: Router = Router::new().fallback(record);
}

async fn record(request: Request) -> StatusCode {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        return StatusCode::BAD_REQUEST;
    };
    let seen = StrictRequest {
        method: parts.method.to_string(),
        target: parts.uri.to_string(),
        body: body.to_vec(),
    };
    SEEN.with_borrow_mut(|all| all.push(seen));
    // Success would turn the connection into a tunnel.
    if parts.method == Method::CONNECT {
        StatusCode::METHOD_NOT_ALLOWED
    } else {
        StatusCode::OK
    }
}

fn served(bytes: &[u8], size: usize) -> Vec<StrictRequest> {
    let router = ROUTER.with(Router::clone);
    block_on(serve_http1(ScriptedStream::waiting(bytes, size), router));
    SEEN.take()
}

fuzz_target!(|data: &[u8]| {
    let Some((size, bytes)) = split_choice(data) else {
        return;
    };
    let whole = served(bytes, bytes.len());
    let mut strict = requests(bytes).into_iter();
    for request in &whole {
        // A request that was rejected is skipped.
        let is_strict =
            strict.any(|other| other.method == request.method && other.body == request.body);
        assert!(is_strict, "{request:?}");
    }
    // A connection is closed early if the rest of a body that was rejected is not there yet.
    if size > 0 {
        let in_pieces = served(bytes, size);
        assert!(whole.starts_with(&in_pieces) || in_pieces.starts_with(&whole));
    }
});
