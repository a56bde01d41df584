//! `shop saga`: what the sagas of the running services do, and what a person does with them.
//!
//! The write side tells of open sagas and their timelines and takes every act, by gRPC; each act is an event that says
//! who and why. The read side tells of sagas that have ended.

mod act;
mod command;
mod list;
mod model;
mod show;
mod timeline;

use clap::ArgMatches;
use platform::StartError;

pub use command::command;

/// Does what the arguments say.
///
/// # Errors
/// A setting is wrong, a service does not answer, or it refuses.
pub async fn run(arguments: &ArgMatches) -> Result<(), StartError> {
    let Some((name, arguments)) = arguments.subcommand() else {
        unreachable!("one is required");
    };
    let done = match name {
        "list" => list::run(arguments).await,
        "show" => show::run(arguments).await,
        act => act::run(act, arguments).await,
    };
    done.map_err(|error| error.report(&format!("saga {name}")))
}
