//! What clients are told when something does not work.
//!
//! [`ApiError`] is the one shape; [`from_grpc`] and [`from_business`] are the only places that translate what the
//! services answer, and a [`MutationOutcome`] the only one that says what a mutation came to. An internal error's cause is logged here, once, under an id that the client gets instead.

mod api_error;
mod business;
mod code;
mod grpc;
mod outcome;

pub use api_error::{ApiError, or_null};
pub use business::from_business;
pub use code::Code;
pub use grpc::{Effect, from_grpc, is_late, is_transport_failure, outcome_of};
pub use outcome::{MutationOutcome, code_of};
