//! The settings of a gRPC service with databases.

use std::net::SocketAddr;
use std::time::Duration;

use super::database_url::DatabaseUrl;
use super::exposure::app_env;
use super::names;
use super::reader::{Read, Reader};
use super::setting::{Setting, Spec};
use super::stop_times::StopTimes;
use crate::tls::{self, ListenerTls};

/// The settings whose names are specific to a service.
#[derive(Debug)]
pub struct ServiceSettings {
    /// The service's own database.
    pub database: &'static Setting<DatabaseUrl>,
    /// Where gRPC is served.
    pub grpc: &'static Setting<SocketAddr>,
    /// Where `/health` and `/metrics` are served.
    pub metrics: &'static Setting<SocketAddr>,
    /// The settings that no other service reads.
    pub own: &'static [Spec],
}

#[derive(Clone, Debug)]
pub struct Databases {
    /// The URL of the event store.
    pub event_store: DatabaseUrl,
    /// The URL of the service's own database.
    pub database: DatabaseUrl,
    /// The setting that `database` was read from.
    pub database_setting: &'static str,
    /// Connections in each pool.
    pub pool_size: u32,
    /// Whether the databases are migrated at start.
    pub migrate: bool,
    /// How long a start waits for a server, and for the migrations of other processes.
    pub start_timeout: Duration,
}

/// The listeners of a standalone service.
#[derive(Clone, Debug)]
pub struct Listeners {
    pub grpc: SocketAddr,
    pub metrics: SocketAddr,
    /// With it gRPC is served over TLS.
    pub tls: Option<ListenerTls>,
    /// How long a stop of the process takes.
    pub stop: StopTimes,
}

impl ServiceSettings {
    /// All settings of the service's binary.
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
            names::SERVICE_SECRET_FILE.spec,
        ];
        [shared.as_slice(), tls::LISTENERS, self.own, names::COMMON].concat()
    }

    /// Reads the settings that the service needs in any process.
    ///
    /// # Errors
    /// A setting does not parse, or a database URL is missing.
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

    /// Reads the additional settings of a standalone process.
    ///
    /// # Errors
    /// A setting does not parse, a file is invalid, or a listener is reachable from other machines without authentication.
    pub fn listeners(&self, reader: &mut Reader) -> Read<Listeners> {
        let grpc = reader.get(self.grpc);
        let metrics = reader.get(self.metrics);
        let tls = ListenerTls::read(reader);
        let exposure = app_env(reader, &[self.grpc, self.metrics]);
        let stop = StopTimes::read(reader);
        exposure?;
        Ok(Listeners {
            grpc: grpc?,
            metrics: metrics?,
            tls: tls?,
            stop: stop?,
        })
    }
}
