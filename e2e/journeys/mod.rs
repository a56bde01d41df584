//! What clients do, from their first category to their last mistake.

mod bad_input;
mod bad_input_grpc;
mod catalogue;
mod endpoints;
mod foreign;
mod idempotency;
mod limits;
mod many;
mod read_your_writes;
