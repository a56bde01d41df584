//! The error of text that is not GraphQL.

use async_graphql::Pos;

use crate::errors::{ApiError, Code};

/// Text that is not GraphQL.
pub fn syntax(pos: Pos, message: impl Into<String>) -> ApiError {
    ApiError::at_location(Code::GraphqlParseFailed, message, pos)
}
