//! JSON of clients, and what is wrong with it in words that do not depend on the parser.

use serde_json::{Map, Value};

use crate::errors::{ApiError, Code};
use crate::graphql::{ReplacedNumbers, preserve};
use crate::unique_keys;

/// How deep the parser lets values be nested.
const MAX_DEPTH: usize = 127;

/// Parses a JSON object, whose name in errors is `what`.
///
/// # Errors
/// The text is not JSON, not an object, or an object in it has a field twice.
pub fn object(what: &str, text: &str) -> Result<(Map<String, Value>, ReplacedNumbers), ApiError> {
    let (preserved, replaced) = preserve(text);
    match unique_keys::object(&preserved) {
        Ok(fields) => Ok((fields, replaced)),
        Err(error) => Err(bad_request(fault(what, text, &error))),
    }
}

/// What is wrong with a text that is not parsed as an object.
fn fault(what: &str, text: &str, error: &serde_json::Error) -> String {
    if text.trim().is_empty() {
        return format!("{what} is empty");
    }
    // The text itself, because locations differ where numbers were replaced.
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(_)) => format!("{what} is not valid: {}", reason(error)),
        Ok(other) => wrong_type(what, "a JSON object", &other),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            let place = format!("(line {line}, column {column})");
            match reason(&error).as_str() {
                "recursion limit exceeded" => {
                    format!("{what} is nested more than {MAX_DEPTH} deep {place}")
                }
                "number out of range" => format!("{what} has a number out of range {place}"),
                _ if error.is_eof() => format!("{what} is not JSON: it ends too early {place}"),
                reason => format!("{what} is not JSON: {reason} {place}"),
            }
        }
    }
}

/// The message of the parser without the location that it appends.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let location = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&location).unwrap_or(&text).to_owned()
}

/// The message about a value of another type than the `expected` one.
pub fn wrong_type(what: &str, expected: &str, given: &Value) -> String {
    let given = match given {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    format!("{what} must be {expected}, got {given}")
}

pub fn bad_request(message: impl Into<String>) -> ApiError {
    ApiError::new(Code::BadRequest, message)
}
