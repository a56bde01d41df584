//! Opens the event store that the settings name.

use clap::ArgMatches;
use event_store_any::{AnyEventStore, Settings as StoreSettings};
use platform::{Settings, StartError};

use crate::config::event_store_url;

/// Opens it for reading, next to a shop that runs or without one. A command that reads runs no migration.
pub async fn open_for_reading(arguments: &ArgMatches) -> Result<AnyEventStore, StartError> {
    let url = Settings::from_process(arguments).read(event_store_url)?;
    let settings = StoreSettings {
        migrate: false,
        ..StoreSettings::default()
    };
    let opened = AnyEventStore::open_read_only(url.as_str(), settings);
    opened.await.map_err(failed)
}

/// Opens it for writing, which a file allows to one process at a time.
pub async fn open_for_writing(arguments: &ArgMatches) -> Result<AnyEventStore, StartError> {
    let url = Settings::from_process(arguments).read(event_store_url)?;
    let settings = StoreSettings {
        migrate: false,
        ..StoreSettings::default()
    };
    let opened = AnyEventStore::open(url.as_str(), settings);
    opened.await.map_err(failed)
}

/// Opens it for writing, and creates its tables if they are missing. Fails while a shop uses it.
pub async fn open_for_import(arguments: &ArgMatches) -> Result<AnyEventStore, StartError> {
    let url = Settings::from_process(arguments).read(event_store_url)?;
    let opened = AnyEventStore::open(url.as_str(), StoreSettings::default());
    let opened = opened.await.map_err(failed)?;
    // A file has one writing process. The processes of a shop on a server are known by their leases.
    if !opened.is_single_process() {
        let leases = opened.leases();
        let held = leases.held_leases("").await.map_err(failed)?;
        if let Some(lease) = held.first() {
            let why = format!(
                "a shop uses it: {} leases are held, such as {lease}. They expire within a minute after it stopped",
                held.len()
            );
            opened.close().await;
            return Err(failed(why));
        }
    }
    Ok(opened)
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StartError {
    StartError::failed("open the event store", error)
}
