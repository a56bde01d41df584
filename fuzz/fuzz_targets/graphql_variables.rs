//! The variables of GraphQL operations with every kind of input: any text gets an answer, and an object the same by POST
//! and by GET.
#![no_main]

use fuzz_targets::{Gateway, split_choice};
use http::StatusCode;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// Operations whose variables have all types of the schema's arguments.
const OPERATIONS: [&str; 8] = [
    "query($a: ID!, $b: Boolean = true) { product(id: $a) @include(if: $b) { id price } }",
    "query($a: String!, $b: Int, $c: Int = 0) { searchProducts(searchTerm: $a, limit: $b, offset: $c) { id } }",
    "query($a: Float!, $b: Float!) { productsByPriceRange(minPrice: $a, maxPrice: $b) { id } }",
    "query($a: [ID!]!) { nodes(ids: $a) { nodeId __typename } }",
    "query($a: Int, $b: String, $c: Int, $d: String) { categoriesConnection(first: $a, after: $b, last: $c, before: $d) { edges { cursor } } }",
    "mutation($a: CreateProductInput!) { createProduct(input: $a) { id } }",
    "mutation($a: CreateOrderInput!) { createOrder(input: $a) { id } }",
    "mutation($a: UpdateProductInput!) { updateProduct(input: $a) { id } }",
];

thread_local! {
    static GATEWAY: Gateway = Gateway::start();
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = split_choice(data) else {
        return;
    };
    let operation = OPERATIONS[choice % OPERATIONS.len()];
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    let body = format!(
        r#"{{"query": {}, "variables": {text}}}"#,
        Value::from(operation)
    );
    let posted = GATEWAY.with(|gateway| gateway.post(body));
    // A whole object: otherwise the text has changed the request around it.
    let is_object = serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_object());
    if !is_object {
        return;
    }
    let parameters: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("query", operation)
        .append_pair("variables", text)
        .finish();
    let got = GATEWAY.with(|gateway| gateway.get(&parameters));
    if got.status == StatusCode::METHOD_NOT_ALLOWED {
        return;
    }
    assert_eq!(got.status, posted.status);
    assert_eq!(got.code(), posted.code());
    // This message names where in the request the fault is.
    if got.code() != Some("BAD_REQUEST") {
        assert_eq!(got, posted);
    }
});
