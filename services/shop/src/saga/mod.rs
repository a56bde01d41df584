//! `shop saga`: shows the sagas of the running services, and sends the commands of an operator.
//!
//! The write side returns open sagas and timelines, and executes every command, over gRPC; each command is an event with
//! the operator's name and reason. Lists of ended sagas are read from the read side.

mod act;
mod command;
mod list;
mod model;
mod show;
mod timeline;

use clap::ArgMatches;
use platform::StartError;

pub use command::command;
pub use list::list_open;
pub use model::Saga;

/// Runs the subcommand.
///
/// # Errors
/// A setting is invalid, a service does not answer, or it rejects the command.
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
