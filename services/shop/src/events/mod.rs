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
use event_sourcing::{StoreError, StreamId};
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

fn unreadable(error: StoreError) -> StartError {
    StartError::failed("read the event store", error)
}

/// Parses the name of a stream.
///
/// # Errors
/// What is accepted.
pub fn parse_stream(text: &str) -> Result<StreamId, &'static str> {
    match text.split_once('/') {
        Some((kind, id)) if !kind.is_empty() && !id.is_empty() => {
            Ok(StreamId::stored(kind.to_owned(), id))
        }
        _ => Err("accepted: a stream's type and id, such as order/ID"),
    }
}
