//! The settings of the query-service.

use std::net::SocketAddr;
use std::time::Duration;

use platform::config::names;
use platform::config::{ConfigError, DatabaseUrl, Settings, Spec, app_env};

/// Its databases.
#[derive(Clone, Debug)]
pub struct QueryConfig {
    /// Where the events are.
    pub event_store: DatabaseUrl,
    /// Where the rows are.
    pub database: DatabaseUrl,
    /// Connections in each pool.
    pub pool_size: u32,
    /// Whether the databases are brought up to date at start.
    pub migrate: bool,
}

/// Where it listens, as a process of its own.
#[derive(Clone, Debug)]
pub struct Listeners {
    /// gRPC.
    pub grpc: SocketAddr,
    /// `/health` and `/metrics`.
    pub metrics: SocketAddr,
    /// How long requests may take to end when the process is stopped.
    pub shutdown_limit: Duration,
}

/// The settings that the binary reads beside those that every binary does.
pub const SPECS: &[Spec] = &[
    names::EVENT_STORE_URL.spec,
    names::QUERY_DATABASE_URL.spec,
    names::DATABASE_URL.spec,
    names::POOL_SIZE.spec,
    names::MIGRATE.spec,
    names::QUERY_GRPC_ADDR.spec,
    names::QUERY_METRICS_ADDR.spec,
];

impl QueryConfig {
    /// Reads them.
    ///
    /// # Errors
    /// A setting does not parse, or a database is not named.
    pub fn read(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            event_store: settings.get(&names::EVENT_STORE_URL)?,
            database: settings.get_or(&names::QUERY_DATABASE_URL, &names::DATABASE_URL)?,
            pool_size: settings.get(&names::POOL_SIZE)?,
            migrate: settings.get(&names::MIGRATE)?,
        })
    }
}

impl Listeners {
    /// Reads them.
    ///
    /// # Errors
    /// A setting does not parse, or others could reach a listener without authentication.
    pub fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let grpc = settings.get(&names::QUERY_GRPC_ADDR)?;
        let metrics = settings.get(&names::QUERY_METRICS_ADDR)?;
        app_env(
            settings,
            &[
                (&names::QUERY_GRPC_ADDR.spec, grpc),
                (&names::QUERY_METRICS_ADDR.spec, metrics),
            ],
        )?;
        Ok(Self {
            grpc,
            metrics,
            shutdown_limit: settings.get(&names::SHUTDOWN_TIMEOUT_MS)?,
        })
    }
}
