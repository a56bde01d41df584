//! `shop events`: events as the event store holds them.

mod command;
mod show;

use clap::ArgMatches;
use platform::StartError;

pub use command::command;

/// Does what the arguments say.
///
/// # Errors
/// A setting is wrong, the event store cannot be read, or there is no such event.
pub async fn run(arguments: &ArgMatches) -> Result<(), StartError> {
    let Some((_, arguments)) = arguments.subcommand() else {
        unreachable!("one is required");
    };
    show::run(arguments).await
}
