//! `shop`: all three services in one process, and the command line.

mod app;
mod cli;
mod config;
mod seed;
mod start;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
