//! Generates the gRPC types from `proto/`, with a compiler written in Rust instead of `protoc`.

use std::error::Error;
use std::path::PathBuf;

use prost::Message;

const FILES: [&str; 7] = [
    "error.proto",
    "models.proto",
    "command.proto",
    "orders.proto",
    "operations.proto",
    "query.proto",
    "order_queries.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    let protos = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../proto");
    println!("cargo::rerun-if-changed={}", protos.display());
    let descriptors = protox::compile(FILES, [&protos])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        // Channels and listeners are the business of who uses the types.
        .build_transport(false)
        .bytes(".proto.IdempotencyFinishParam.answer")
        .bytes(".proto.IdempotencyBeginResult.answer")
        .compile_fds(descriptors)?;
    Ok(())
}
