//! Results of reads as values of fields.

use graphql_http::ApiError;
use grpc_calls::Effect;

use crate::errors::from_grpc;

/// A single row. `NOT_FOUND` is translated into an error that names the argument.
pub fn single<T>(
    answer: Result<T, tonic::Status>,
    (what, by, value): (&str, &str, &str),
) -> Result<T, ApiError> {
    answer.map_err(|status| match status.code() {
        tonic::Code::NotFound => ApiError::not_found(what, by, value),
        _ => from_grpc(&status, Effect::Read),
    })
}

/// A list or a count.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that map_err needs"
)]
pub fn read_error(status: tonic::Status) -> ApiError {
    from_grpc(&status, Effect::Read)
}
