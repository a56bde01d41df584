//! What calls between services have in common: their metadata, the errors and outcomes of their statuses, and the policy of
//! their retries.
//!
//! A write carries a command id ([`metadata::COMMAND_ID`]), so that it may be sent again while its outcome is unknown; a read
//! carries the position that it must reflect ([`metadata::MIN_POSITION`]), and its reply the position that it reflects, so that
//! clients read their own writes. A service that fails says what it knows ([`status::Outcome`]), and [`call()`] retries where
//! that is safe and combines what its tries have learnt. A service that does not answer is not called for a while
//! ([`CircuitBreaker`]).

mod call;
mod circuit_breaker;
mod effect;
pub mod metadata;
mod retry_policy;
pub mod status;
mod trace;

pub use call::{CallResult, Method, call, count};
pub use circuit_breaker::{BreakerPolicy, BreakerState, CircuitBreaker};
pub use effect::{Effect, is_late, is_transport_failure, outcome_of};
pub use retry_policy::RetryPolicy;
pub use trace::TraceContext;

/// Size limit, in bytes, of an answer stored under an Idempotency-Key.
pub const MAX_STORED_ANSWER_BYTES: usize = 1024 * 1024;
