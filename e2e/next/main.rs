//! The query-service of a later release, for tests that run it next to the present one: the same program with higher schema
//! versions of its projections.

use std::process::ExitCode;

use clap::Command;

fn main() -> ExitCode {
    let command = Command::new("query-service-next").version(env!("CARGO_PKG_VERSION"));
    query_service::run::<1>(command)
}
