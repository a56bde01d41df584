//! `shop order`: places orders and follows them, through the public API as any client would.

mod argument;
mod change;
mod command;
mod failed;
mod follow;
mod list;
mod model;
mod place;
mod products;
mod show;

use clap::ArgMatches;
use platform::StartError;

use crate::api::Client;
use crate::location::Location;
use crate::remote;

use self::argument::id;
use self::failed::Failed;

pub use command::command;

/// Does what the arguments say.
///
/// # Errors
/// The shop does not answer, refuses, or an order that is followed was not confirmed.
pub async fn run(arguments: &ArgMatches) -> Result<(), StartError> {
    let Some((name, arguments)) = arguments.subcommand() else {
        unreachable!("one is required");
    };
    let location = Location::of(arguments)?;
    let failed = |error| StartError::failed(format!("order {name}"), error);
    let mut client = Client::try_new(&location.gateway).map_err(failed)?;
    // What an earlier command wrote is seen by this one, although it is another process: it reads at least what the log
    // has now.
    let head = remote::head(location.query).await;
    if let Ok(head) = head {
        client.read_from(head);
    }
    let done = match name {
        "place" => place::run(&mut client, arguments).await,
        "follow" => follow::run(&mut client, arguments).await,
        "list" => list::run(&mut client, arguments).await,
        "show" => show::run(&mut client, arguments).await,
        change => change::run(change, &mut client, arguments).await,
    };
    if let (Ok(()), Err(error)) = (&done, head) {
        eprintln!("note: what is shown may be a moment old, because {error}");
    }
    done.map_err(|error| StartError::failed(format!("order {name}"), error))
}
