//! The settings of the whole shop: what the three services read, with files in the data folder where no database is
//! named.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use platform::config::{AppEnv, ConfigError, Databases, Settings, Spec, app_env, names};

/// What the shop is made of.
#[derive(Clone, Debug)]
pub struct ShopConfig {
    /// Where the files are.
    pub data_dir: PathBuf,
    /// The write side.
    pub command: Databases,
    /// The write side's providers and sagas.
    pub write_side: command_service::Config,
    /// The read side.
    pub query: Databases,
    /// The read side's limits.
    pub read_side: query_service::Config,
    /// The gateway.
    pub gateway: client_service::Config,
    /// Where they listen.
    pub addresses: Addresses,
    /// How long requests may take to end when the process is stopped.
    pub shutdown_limit: Duration,
}

/// Where the shop listens.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// The gateway.
    pub client_http: SocketAddr,
    /// The write side.
    pub command_grpc: SocketAddr,
    /// The write side's health and metrics.
    pub command_metrics: SocketAddr,
    /// The read side.
    pub query_grpc: SocketAddr,
    /// The read side's health and metrics.
    pub query_metrics: SocketAddr,
}

impl ShopConfig {
    /// Reads them.
    ///
    /// # Errors
    /// A setting does not parse, or others could reach a listener without authentication.
    pub fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let data_dir = PathBuf::from(settings.get(&names::DATA_DIR)?);
        let in_folder = |settings: Settings, spec: &Spec, file: &str| {
            let url = format!("sqlite://{}", data_dir.join(file).display());
            settings.fall_back(spec, url, "the data folder")
        };
        // They mean something else in a URL.
        if data_dir.to_string_lossy().contains(['?', '%']) {
            return Err(settings.refuse(
                &names::DATA_DIR.spec,
                "a folder without ? and % in its path",
            ));
        }
        let all = settings.clone();
        let all = in_folder(all, &names::EVENT_STORE_URL.spec, "event_store.db");
        let all = in_folder(all, &names::COMMAND_DATABASE_URL.spec, "command_service.db");
        let all = in_folder(all, &names::QUERY_DATABASE_URL.spec, "query_service.db");
        let (addresses, app_env) = Addresses::read(&all)?;
        Ok(Self {
            command: command_service::SETTINGS.databases(&all)?,
            write_side: command_service::Config::read(&all)?,
            query: query_service::SETTINGS.databases(&all)?,
            read_side: query_service::Config::read(&all)?,
            gateway: client_service::Config::read(&all, app_env)?,
            addresses,
            shutdown_limit: all.get(&names::SHUTDOWN_TIMEOUT_MS)?,
            data_dir,
        })
    }

    /// Whether any database is a file in the data folder.
    #[must_use]
    pub fn uses_data_dir(&self) -> bool {
        let folder = format!("sqlite://{}", self.data_dir.join("").display());
        let databases = [
            &self.command.event_store,
            &self.command.database,
            &self.query.database,
        ];
        databases
            .iter()
            .any(|url| url.as_str().starts_with(&folder))
    }
}

impl Addresses {
    fn read(settings: &Settings) -> Result<(Self, AppEnv), ConfigError> {
        let addresses = Self {
            client_http: settings.get(&names::CLIENT_HTTP_ADDR)?,
            command_grpc: settings.get(&names::COMMAND_GRPC_ADDR)?,
            command_metrics: settings.get(&names::COMMAND_METRICS_ADDR)?,
            query_grpc: settings.get(&names::QUERY_GRPC_ADDR)?,
            query_metrics: settings.get(&names::QUERY_METRICS_ADDR)?,
        };
        let app_env = app_env(
            settings,
            &[
                (&names::CLIENT_HTTP_ADDR.spec, addresses.client_http),
                (&names::COMMAND_GRPC_ADDR.spec, addresses.command_grpc),
                (&names::COMMAND_METRICS_ADDR.spec, addresses.command_metrics),
                (&names::QUERY_GRPC_ADDR.spec, addresses.query_grpc),
                (&names::QUERY_METRICS_ADDR.spec, addresses.query_metrics),
            ],
        )?;
        Ok((addresses, app_env))
    }
}
