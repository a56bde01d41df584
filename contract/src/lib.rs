//! The wire contract: gRPC types generated from `proto/` (`tests/generated.rs` says how), and the conversions that every
//! service shares.
//!
//! [`proto`] is the write side, [`query`] the read side. What travels beside the messages is in [`metadata`] and
//! [`status`]; money and time are converted by [`decimal`] and [`time`], business errors by [`business`].

pub mod business;
pub mod decimal;
pub mod metadata;
pub mod status;
pub mod time;
mod trace;

pub use trace::TraceContext;

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

/// The most bytes that an answer kept under an Idempotency-Key may have.
pub const MAX_KEPT_ANSWER_BYTES: usize = 1024 * 1024;
