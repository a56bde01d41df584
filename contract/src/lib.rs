//! The wire contract: gRPC types generated from `proto/` (by `tests/generated.rs`), and the conversions that all
//! services share.
//!
//! [`proto`] is the write side, [`query`] the read side. [`metadata`] and [`status`] define the metadata and the error
//! statuses of calls; [`decimal`] and [`time`] convert money and time, [`business`] converts business errors.

pub mod business;
pub mod decimal;
pub mod time;

pub use grpc_calls::{MAX_STORED_ANSWER_BYTES, TraceContext, metadata, status};

/// The write side: commands, answers of idempotent requests, operations.
#[expect(
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
pub mod proto {
    include!("generated/proto.rs");
}

/// The read side: queries.
#[expect(
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
pub mod query {
    include!("generated/query.rs");
}

/// The descriptors of all protos, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!("generated/descriptors.bin");
