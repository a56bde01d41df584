//! `shop snapshots`: the stored states from which the write side loads streams.

mod command;
mod delete;
mod list;
mod select;
mod show;

use clap::ArgMatches;
use platform::StartError;

pub use command::command;

/// Does what the arguments say.
///
/// # Errors
/// A setting is wrong, the event store cannot be read or written, or there is no such snapshot.
pub async fn run(arguments: &ArgMatches) -> Result<(), StartError> {
    match arguments.subcommand() {
        Some(("list", arguments)) => list::run(arguments).await,
        Some(("show", arguments)) => show::run(arguments).await,
        Some(("delete", arguments)) => delete::run(arguments).await,
        _ => unreachable!("one is required"),
    }
}
