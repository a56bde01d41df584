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
use self::failed::OrderError;

pub use command::command;

/// Runs the subcommand.
///
/// # Errors
/// The shop does not answer or rejects the command, or a followed order was not confirmed.
pub async fn run(arguments: &ArgMatches) -> Result<(), StartError> {
    let Some((name, arguments)) = arguments.subcommand() else {
        unreachable!("one is required");
    };
    let location = Location::of(arguments)?;
    let failed = |error| StartError::failed(format!("order {name}"), error);
    let mut client = Client::try_new(&location.gateway).map_err(failed)?;
    // Reads start at the current end of the log, so that this process sees what an earlier command wrote. Without an
    // answer the command still runs, with a note that the result may be outdated.
    let head = remote::head(location.query).await;
    if let Ok(head) = head {
        client.raise_position(head);
    }
    let done = match name {
        "place" => place::run(&mut client, arguments).await,
        "follow" => follow::run(&mut client, arguments).await,
        "list" => list::run(&mut client, arguments).await,
        "show" => show::run(&mut client, arguments).await,
        change => change::run(change, &mut client, arguments).await,
    };
    if let (Ok(()), Err(error)) = (&done, head) {
        eprintln!("note: the output may be slightly outdated, because {error}");
    }
    done.map_err(|error| StartError::failed(format!("order {name}"), error))
}
