//! `shop`: all three services in one process, and the command line.

mod cli;
mod seed;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
