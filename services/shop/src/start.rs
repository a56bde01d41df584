//! `shop` without a command: starts the services, prints their addresses, and stops on a signal.

use std::fmt;
use std::path::Path;

use platform::runtime::StopSignals;
use platform::telemetry;
use platform::{Settings, StartError};

use crate::app::Shop;
use crate::config::{Addresses, ShopConfig};
use crate::terminal::print;

/// Runs the shop until SIGINT or SIGTERM.
///
/// # Errors
/// A setting is invalid, the start fails, or a service stops unexpectedly.
pub async fn run(settings: &Settings) -> Result<(), StartError> {
    let config = settings.read(ShopConfig::read)?;
    let metrics = telemetry::install(&config.telemetry)?;
    let mut signals = StopSignals::listen()?;
    let Some(shop) = signals.unless_asked(Shop::open(&config, metrics)).await else {
        return Ok(());
    };
    let shop = shop?;
    print(&Banner {
        at: shop.addresses(),
        config: &config,
    });
    let stopped = shop.stop_asked(signals).await;
    shop.close().await;
    if stopped.is_ok() {
        print(&"The shop is closed. Everything that was answered is stored.");
    }
    stopped
}

/// Runs the pending migrations of all databases.
///
/// # Errors
/// A setting is invalid, another process has the folder, or a database cannot be opened or does not fit this binary.
pub async fn migrate(settings: &Settings) -> Result<(), StartError> {
    let config = settings.read(ShopConfig::read)?;
    telemetry::install(&config.telemetry)?;
    let mut signals = StopSignals::listen()?;
    let Some(migrated) = signals.unless_asked(Shop::migrate(&config)).await else {
        return Ok(());
    };
    migrated?;
    print(&format!(
        "The databases are up to date: {}.",
        DatabaseLocations(&config)
    ));
    Ok(())
}

/// The text printed after the start: the addresses, the data folder and how to stop.
struct Banner<'a> {
    at: Addresses,
    config: &'a ShopConfig,
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Addresses {
            client_http,
            command_grpc,
            command_metrics,
            query_grpc,
            query_metrics,
        } = self.at;
        let scheme = if self.config.tls.is_some() {
            "https"
        } else {
            "http"
        };
        writeln!(f, "The shop is open.")?;
        writeln!(f)?;
        writeln!(
            f,
            "  GraphQL   {scheme}://{client_http}/graphql   in a browser: /graphiql"
        )?;
        writeln!(
            f,
            "  Health    {scheme}://{client_http}/health    numbers: /metrics"
        )?;
        writeln!(
            f,
            "  gRPC      {command_grpc} (write side), {query_grpc} (read side)"
        )?;
        writeln!(
            f,
            "  Metrics   http://{command_metrics}/metrics, http://{query_metrics}/metrics"
        )?;
        writeln!(f, "  Data      {}", DatabaseLocations(self.config))?;
        write!(f, "  Stop      Ctrl-C")
    }
}

/// The location of the databases: the data folder, or their URLs.
struct DatabaseLocations<'a>(&'a ShopConfig);

impl fmt::Display for DatabaseLocations<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = self.0;
        if config.uses_data_dir() {
            let folder: &Path = &config.data_dir;
            let whole = folder.canonicalize();
            return write!(f, "{}", whole.as_deref().unwrap_or(folder).display());
        }
        let (events, rows) = (&config.command.event_store, &config.query.database);
        write!(f, "{events} (events), {rows} (read model)")
    }
}
