//! The settings of a service that is called over gRPC and has databases.

use std::net::SocketAddr;
use std::time::Duration;

use super::database_url::DatabaseUrl;
use super::exposure::app_env;
use super::names;
use super::reader::{Read, Reader};
use super::setting::{Setting, Spec};

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

#[derive(Clone, Debug)]
pub struct Databases {
    /// Where the events are.
    pub event_store: DatabaseUrl,
    /// Where the service's own data are.
    pub database: DatabaseUrl,
    /// The setting that says so.
    pub database_setting: &'static str,
    /// Connections in each pool.
    pub pool_size: u32,
    /// Whether the databases are brought up to date at start.
    pub migrate: bool,
    /// How long a start waits for a server, and for the migrations of others.
    pub start_timeout: Duration,
}

/// Where a service listens, as a process of its own.
#[derive(Clone, Debug)]
pub struct Listeners {
    pub grpc: SocketAddr,
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
            names::START_TIMEOUT_MS.spec,
            self.grpc.spec,
            self.metrics.spec,
        ];
        [shared.as_slice(), self.own, names::COMMON].concat()
    }

    /// Reads what the service needs in any process.
    ///
    /// # Errors
    /// A setting does not parse, or a database is not named.
    pub fn databases(&self, reader: &mut Reader) -> Read<Databases> {
        let database_setting = reader.either(self.database, &names::DATABASE_URL);
        let event_store = reader.get(&names::EVENT_STORE_URL);
        let database = reader.get(database_setting);
        let pool_size = reader.get(&names::POOL_SIZE);
        let migrate = reader.get(&names::MIGRATE);
        let start_timeout = reader.get(&names::START_TIMEOUT_MS);
        Ok(Databases {
            event_store: event_store?,
            database: database?,
            database_setting: database_setting.spec.name,
            pool_size: pool_size?,
            migrate: migrate?,
            start_timeout: start_timeout?,
        })
    }

    /// Reads what it needs besides in a process of its own.
    ///
    /// # Errors
    /// A setting does not parse, or others could reach a listener without authentication.
    pub fn listeners(&self, reader: &mut Reader) -> Read<Listeners> {
        let grpc = reader.get(self.grpc);
        let metrics = reader.get(self.metrics);
        let exposure = app_env(reader, &[self.grpc, self.metrics]);
        let shutdown_limit = reader.get(&names::SHUTDOWN_TIMEOUT_MS);
        exposure?;
        Ok(Listeners {
            grpc: grpc?,
            metrics: metrics?,
            shutdown_limit: shutdown_limit?,
        })
    }
}
