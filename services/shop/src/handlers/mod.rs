//! `shop handlers`: shows the write side's event handlers, and sends an operator's decisions about them and their parked
//! streams.

mod act;
mod command;
mod list;
mod model;
mod show;

use clap::ArgMatches;
use platform::StartError;

pub use command::command;
pub use list::list_handlers;
pub use model::EventHandler;

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
        "pause" => act::pause(arguments).await,
        "skip" => act::skip(arguments).await,
        _ => act::resume(arguments).await,
    };
    done.map_err(|error| error.report(&format!("handlers {name}")))
}
