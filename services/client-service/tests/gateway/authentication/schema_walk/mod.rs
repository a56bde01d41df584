//! Every root field of the schema with every kind of token, over every transport.

mod http;
mod root_fields;
mod token_kinds;
mod websocket;

/// The code of a response's or a message's first error, if its sender may not do what it asked for.
fn denial(errors: &serde_json::Value) -> Option<&str> {
    let code = errors[0]["extensions"]["code"].as_str()?;
    ["UNAUTHENTICATED", "FORBIDDEN"]
        .contains(&code)
        .then_some(code)
}
