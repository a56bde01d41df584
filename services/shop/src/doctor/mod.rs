//! `shop doctor`: checks everything that a shop depends on. It reads, and writes nothing.

mod check;
mod command;
mod configuration;
mod databases;
mod disk;
mod files;
mod servers;
mod services;
mod work;

use clap::ArgMatches;
use platform::{Settings, StartError};

use crate::credentials::OWN;
use crate::location::Location;
use crate::terminal::Output;
use check::{Check, Status, text};

pub use command::command;

/// Runs the command.
///
/// # Errors
/// A check failed.
pub async fn run(arguments: &ArgMatches) -> Result<(), StartError> {
    let checks = all(arguments).await;
    Output::of(arguments).write_all(&checks, text);
    let failed = checks.iter().filter(|check| check.status == Status::Failed);
    match failed.count() {
        0 => Ok(()),
        1 => Err(StartError::failed("doctor", "1 check failed")),
        count => Err(StartError::failed(
            "doctor",
            format!("{count} checks failed"),
        )),
    }
}

async fn all(arguments: &ArgMatches) -> Vec<Check> {
    let settings = Settings::from_process_with(arguments, OWN);
    let mut all = configuration::check(&settings);
    let (checks, urls) = databases::check(&settings).await;
    all.extend(checks);
    if let Some(urls) = urls {
        all.extend(disk::check(&[
            &urls.event_store,
            &urls.command,
            &urls.query,
        ]));
    }
    let location = Location::of(arguments);
    all.extend(services::check(&settings, location.as_ref()).await);
    all.extend(work::projections(arguments).await);
    all.extend(work::handlers(arguments).await);
    all.extend(work::sagas(arguments).await);
    all
}
