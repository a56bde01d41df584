//! `shop`: all three services in one process, and the command line.

mod api;
mod app;
mod backup;
mod cli;
mod completions;
mod config;
mod credentials;
mod doctor;
mod effective_settings;
mod event_log;
mod events;
mod handlers;
mod location;
mod man;
mod order;
mod projections;
#[cfg(test)]
mod reference_tests;
mod remote;
mod restore;
mod saga;
mod seed;
mod settings;
mod snapshots;
mod start;
mod terminal;
mod token;

use std::process::ExitCode;

/// The services make many small, short-lived allocations, for which mimalloc is faster than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run()
}
