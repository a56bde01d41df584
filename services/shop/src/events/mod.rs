//! `shop events`: the log as the event store holds it.

mod command;
mod export;
mod file;
mod filter;
mod import;
mod show;
mod stream;
mod tail;
mod verify;

use clap::ArgMatches;
use platform::StartError;

pub use command::command;

/// Does what the arguments say.
///
/// # Errors
/// A setting is wrong, the event store cannot be read, or the command found something wrong.
pub async fn run(arguments: &ArgMatches) -> Result<(), StartError> {
    match arguments.subcommand() {
        Some(("tail", arguments)) => tail::run(arguments).await,
        Some(("show", arguments)) => show::run(arguments).await,
        Some(("stream", arguments)) => stream::run(arguments).await,
        Some(("verify", arguments)) => verify::run(arguments).await,
        Some(("export", arguments)) => export::run(arguments).await,
        Some(("import", arguments)) => import::run(arguments).await,
        _ => unreachable!("one is required"),
    }
}
