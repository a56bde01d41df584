//! The settings of a service that is called over gRPC and has databases.

use std::net::SocketAddr;
use std::time::Duration;

use super::database_url::DatabaseUrl;
use super::error::ConfigError;
use super::exposure::app_env;
use super::names;
use super::setting::{Setting, Spec};
use super::settings::Settings;

/// The settings that each service has under a name of its own.
#[derive(Debug)]
pub struct ServiceSettings {
    /// The service's own database.
    pub database: &'static Setting<DatabaseUrl>,
    /// Where gRPC is served.
    pub grpc: &'static Setting<SocketAddr>,
    /// Where `/health` and `/metrics` are served.
    pub metrics: &'static Setting<SocketAddr>,
    /// What no other service reads.
    pub own: &'static [Spec],
}

/// A service's databases.
#[derive(Clone, Debug)]
pub struct Databases {
    /// Where the events are.
    pub event_store: DatabaseUrl,
    /// Where the service's own data are.
    pub database: DatabaseUrl,
    /// Connections in each pool.
    pub pool_size: u32,
    /// Whether the databases are brought up to date at start.
    pub migrate: bool,
}

/// Where a service listens, as a process of its own.
#[derive(Clone, Debug)]
pub struct Listeners {
    /// gRPC.
    pub grpc: SocketAddr,
    /// `/health` and `/metrics`.
    pub metrics: SocketAddr,
    /// How long requests may take to end when the process is stopped.
    pub shutdown_limit: Duration,
}

impl ServiceSettings {
    /// What the service's binary reads.
    #[must_use]
    pub fn specs(&self) -> Vec<Spec> {
        let shared = [
            names::EVENT_STORE_URL.spec,
            self.database.spec,
            names::DATABASE_URL.spec,
            names::POOL_SIZE.spec,
            names::MIGRATE.spec,
            self.grpc.spec,
            self.metrics.spec,
        ];
        [shared.as_slice(), self.own, names::COMMON].concat()
    }

    /// Reads what the service needs in any process.
    ///
    /// # Errors
    /// A setting does not parse, or a database is not named.
    pub fn databases(&self, settings: &Settings) -> Result<Databases, ConfigError> {
        Ok(Databases {
            event_store: settings.get(&names::EVENT_STORE_URL)?,
            database: settings.get_or(self.database, &names::DATABASE_URL)?,
            pool_size: settings.get(&names::POOL_SIZE)?,
            migrate: settings.get(&names::MIGRATE)?,
        })
    }

    /// Reads what it needs besides in a process of its own.
    ///
    /// # Errors
    /// A setting does not parse, or others could reach a listener without authentication.
    pub fn listeners(&self, settings: &Settings) -> Result<Listeners, ConfigError> {
        let grpc = settings.get(self.grpc)?;
        let metrics = settings.get(self.metrics)?;
        app_env(
            settings,
            &[(&self.grpc.spec, grpc), (&self.metrics.spec, metrics)],
        )?;
        Ok(Listeners {
            grpc,
            metrics,
            shutdown_limit: settings.get(&names::SHUTDOWN_TIMEOUT_MS)?,
        })
    }
}
