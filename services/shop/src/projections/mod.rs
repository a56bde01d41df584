//! `shop projections`: shows the read side's projections, pauses and rebuilds them, and sends an operator's decisions about a
//! parked one.
//!
//! The state is read from the read side. Each decision is an event of the log, with the operator's name and reason, and is
//! appended by the write side.

mod act;
mod command;
mod list;
mod model;
mod rebuild;
mod show;

use clap::ArgMatches;
use platform::StartError;

pub use command::command;
pub use list::list_projections;
pub use model::Projection;

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
        "skip" => act::skip(arguments).await,
        "pause" => act::pause(arguments).await,
        "rebuild" => rebuild::start(arguments).await,
        "swap" => rebuild::swap(arguments).await,
        "revert" => rebuild::revert(arguments).await,
        "drop" => rebuild::drop_kept(arguments).await,
        "abort" => rebuild::abort(arguments).await,
        _ => act::resume(arguments).await,
    };
    done.map_err(|error| error.report(&format!("projections {name}")))
}
