//! `shop projections rebuild`, `swap`, `revert`, `drop` and `abort`.
//!
//! The query-service does the work; these commands request it, show the progress, and print the result. Interrupting one
//! does not interrupt the rebuild.

mod client;
mod follow;
mod model;

use std::io::{IsTerminal, Write};

use clap::ArgMatches;
use contract::query::StartRebuildRequest;

use self::client::{Client, Rebuilds};
use self::follow::follow;
pub use self::model::Rebuild;
use self::model::text;
use crate::remote::CommandError;
use crate::terminal::{Output, actor};

/// Starts a rebuild, or attaches to the one under way.
pub async fn start(arguments: &ArgMatches) -> Result<(), CommandError> {
    let rebuilds = Rebuilds::of(arguments)?;
    let (who, reason) = actor(arguments);
    let request = StartRebuildRequest {
        projection: rebuilds.projection.clone(),
        who,
        reason,
        automatic: arguments.get_flag("swap"),
    };
    let send = async |mut client: Client, request| client.start_rebuild(request).await;
    let started = rebuilds.call(|| request.clone(), send).await?;
    if arguments.get_flag("detach") {
        print(arguments, &started);
        return Ok(());
    }
    let done = follow(&rebuilds, started).await?;
    print(arguments, &done);
    if done.state == "ready" && is_confirmed(arguments) {
        let swapped = request_swap(&rebuilds).await?;
        print(arguments, &swapped);
    }
    Ok(())
}

/// Asks on a terminal. Programs decide on the report, and run `shop projections swap`.
fn is_confirmed(arguments: &ArgMatches) -> bool {
    let is_interactive = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !is_interactive || Output::of(arguments) != Output::Table {
        return false;
    }
    let mut terminal = std::io::stderr();
    // A terminal that was closed gives no answer either.
    let _ = write!(terminal, "\nUse the rebuilt rows now? [y/N] ").and_then(|()| terminal.flush());
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.is_ok() && ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())
}

/// Makes the rebuilt rows the live ones.
pub async fn swap(arguments: &ArgMatches) -> Result<(), CommandError> {
    let rebuilds = Rebuilds::of(arguments)?;
    let swapped = request_swap(&rebuilds).await?;
    print(arguments, &swapped);
    Ok(())
}

/// Makes the previous rows the live ones again.
pub async fn revert(arguments: &ArgMatches) -> Result<(), CommandError> {
    let rebuilds = Rebuilds::of(arguments)?;
    let send = async |mut client: Client, request| client.revert_rebuild(request).await;
    let started = rebuilds.call(|| rebuilds.request(), send).await?;
    let reverted = follow(&rebuilds, started).await?;
    print(arguments, &reverted);
    Ok(())
}

/// Drops the rows that are kept.
pub async fn drop_kept(arguments: &ArgMatches) -> Result<(), CommandError> {
    let rebuilds = Rebuilds::of(arguments)?;
    let send = async |mut client: Client, request| client.drop_generation(request).await;
    let dropped = rebuilds.call(|| rebuilds.request(), send).await?;
    print(arguments, &dropped);
    Ok(())
}

/// Drops the rebuilt rows.
pub async fn abort(arguments: &ArgMatches) -> Result<(), CommandError> {
    let rebuilds = Rebuilds::of(arguments)?;
    let send = async |mut client: Client, request| client.abort_rebuild(request).await;
    let aborted = rebuilds.call(|| rebuilds.request(), send).await?;
    print(arguments, &aborted);
    Ok(())
}

fn print(arguments: &ArgMatches, rebuild: &Rebuild) {
    Output::of(arguments).write(rebuild, text);
}

async fn request_swap(rebuilds: &Rebuilds) -> Result<Rebuild, CommandError> {
    let send = async |mut client: Client, request| client.swap_rebuild(request).await;
    let started = rebuilds.call(|| rebuilds.request(), send).await?;
    follow(rebuilds, started).await
}
