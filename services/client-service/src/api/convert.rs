//! Conversions of message values into values of the schema.

use contract::time;
use graphql_http::{ApiError, Code, DateTime};

/// A timestamp of the read side.
pub fn from_micros(micros: i64) -> Result<DateTime, ApiError> {
    time::from_micros(micros)
        .map(DateTime)
        .ok_or_else(|| ApiError::internal("a time outside the calendar"))
}

/// A timestamp of the write side.
pub fn from_timestamp(timestamp: Option<&prost_types::Timestamp>) -> Result<DateTime, ApiError> {
    timestamp
        .and_then(time::from_timestamp)
        .map(DateTime)
        .ok_or_else(|| ApiError::internal("a time is missing or outside the calendar"))
}

/// A count as a 32-bit GraphQL Int; a larger one saturates.
pub fn to_int(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(if count < 0 { i32::MIN } else { i32::MAX })
}

/// The entity was deleted between the command and the read that completes its response.
pub fn missing(what: &str, id: &str) -> ApiError {
    ApiError::new(
        Code::NotFound,
        format!("the {what} {id} was deleted concurrently"),
    )
}
