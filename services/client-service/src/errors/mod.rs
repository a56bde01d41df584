//! Errors as clients receive them.
//!
//! [`ApiError`] is the only error type; [`from_grpc`] and [`from_business`] are the only translations of the services'
//! errors, and only a [`MutationOutcome`] adds the outcome of a mutation. The cause of an internal error is logged here,
//! once, under an id that the client gets instead.

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
