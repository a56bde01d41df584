//! Errors as clients receive them.
//!
//! [`ApiError`] is the only error type, and only a [`MutationOutcome`] adds the outcome of a mutation. The cause of an
//! internal error is logged here, once, under an id that the client gets instead.

mod api_error;
mod code;
mod outcome;

pub use api_error::{ApiError, FieldError, or_null, or_null_item};
pub use code::Code;
pub use outcome::{MutationOutcome, NOT_AVAILABLE, code_of};
