//! The read side as a standalone process.

use std::process::ExitCode;

use clap::Command;

/// Services make many small, short-lived allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command = Command::new("query-service")
        .about("The read side of the shop: folds events into tables and serves queries over gRPC")
        .version(env!("CARGO_PKG_VERSION"));
    query_service::run::<0>(command)
}
