//! Results of reads as values of fields.

use async_graphql::Context;
use graphql_http::ApiError;
use grpc_calls::Effect;

use crate::errors::from_grpc;
use crate::upstream::RequestContext;

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

/// A text that can be long. Each selection counts: aliases repeat it.
pub fn long_text<'a>(context: &Context<'_>, text: &'a str) -> Result<&'a str, ApiError> {
    RequestContext::of(context)?.count(0, text.len() as u64)?;
    Ok(text)
}

/// A list or a count.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that map_err needs"
)]
pub fn read_error(status: tonic::Status) -> ApiError {
    from_grpc(&status, Effect::Read)
}
