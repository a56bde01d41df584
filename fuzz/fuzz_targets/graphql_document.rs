//! The document of a GraphQL request: by POST and by GET it gets the same answer, unless GET must not execute it. What is
//! rejected is not executed.
#![no_main]

use fuzz_targets::Gateway;
use http::StatusCode;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

/// Longer parameters are no URL.
const MAX_GET_BYTES: usize = 4_000;

thread_local! {
    static GATEWAY: Gateway = Gateway::start();
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let body = json!({"query": text}).to_string();
    let posted = GATEWAY.with(|gateway| gateway.post(body));
    if text.is_empty() || text.len() > MAX_GET_BYTES {
        return;
    }
    let parameters: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("query", text)
        .finish();
    let got = GATEWAY.with(|gateway| gateway.get(&parameters));
    if got.status != StatusCode::METHOD_NOT_ALLOWED {
        assert_eq!(got, posted);
    }
});
