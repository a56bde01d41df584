//! `shop order`: places orders and follows them, through the public API as any client would.

mod change;
mod command;
mod follow;
mod model;
mod place;
mod products;
mod show;

use clap::ArgMatches;
use platform::StartError;

use crate::api::RequestError;

pub use command::command;

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
enum Failed {
    /// A request failed.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// There is no such order.
    #[error("order {0} does not exist")]
    NoOrder(String),
    /// There is no such product.
    #[error("no product has the id or the name {0:?}")]
    NoProduct(String),
    /// The order came to another end than hoped for.
    #[error("{0}")]
    Ended(String),
}

/// Does what the arguments say.
///
/// # Errors
/// The shop does not answer, refuses, or an order that is followed was not confirmed.
pub async fn run(arguments: &ArgMatches) -> Result<(), StartError> {
    let Some((name, arguments)) = arguments.subcommand() else {
        unreachable!("one is required");
    };
    let done = match name {
        "place" => place::run(arguments).await,
        "follow" => follow::run(arguments).await,
        "show" => show::run(arguments).await,
        change => change::run(change, arguments).await,
    };
    done.map_err(|error| StartError::failed(format!("order {name}"), error))
}

/// The argument ID.
fn id(arguments: &ArgMatches) -> String {
    arguments
        .get_one::<String>("id")
        .cloned()
        .unwrap_or_default()
}
