//! The wire contract: gRPC types generated from `proto/` (by `tests/generated.rs`), and the conversions that all
//! services share.
//!
//! [`proto`] is the write side, [`query`] the read side. [`metadata`] and [`status`] define the metadata and the error
//! statuses of calls; [`decimal`] and [`time`] convert money and time, [`business`] converts business errors.

pub mod business;
pub mod decimal;
pub mod time;

use prost::Message;

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

/// The paths of all methods of a package, such as `/proto.Admin/Status`, sorted.
#[must_use]
pub fn methods(package: &str) -> Vec<String> {
    // The descriptors are generated with the code.
    let files = prost_types::FileDescriptorSet::decode(DESCRIPTORS).unwrap_or_default();
    let files = files.file.iter().filter(|file| file.package() == package);
    let services = files.flat_map(|file| &file.service);
    let methods = services.flat_map(|service| {
        let methods = service.method.iter();
        methods.map(move |method| format!("/{package}.{}/{}", service.name(), method.name()))
    });
    let mut methods: Vec<String> = methods.collect();
    methods.sort_unstable();
    methods
}
