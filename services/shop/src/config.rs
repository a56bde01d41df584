//! The settings of the whole shop: those of the three services. A database without a URL is a file in the data folder.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use platform::config::{
    DatabaseUrl, Databases, Read, Reader, Setting, Spec, StopTimes, app_env, names,
};
use platform::runtime::ConnectionLimits;
use platform::telemetry::{LogFilter, TelemetryConfig};
use platform::tls::ListenerTls;

/// In a terminal only warnings and errors are logged; the services as separate processes log at their own default.
pub const LOG_LEVEL: Setting<LogFilter> = Setting::new(
    names::LOG_LEVEL.spec.name,
    LogFilter::parse,
    names::LOG_LEVEL.spec.accepts,
    names::LOG_LEVEL.spec.help,
)
.or("warn");

#[derive(Clone, Debug)]
pub struct ShopConfig {
    pub data_dir: PathBuf,
    pub command: Databases,
    /// The write side's providers and sagas.
    pub write_side: command_service::Config,
    pub query: Databases,
    /// The read side's limits.
    pub read_side: query_service::Config,
    pub gateway: client_service::Config,
    pub addresses: Addresses,
    /// Limits for each listener.
    pub connections: ConnectionLimits,
    /// With it GraphQL and gRPC are served over TLS.
    pub tls: Option<ListenerTls>,
    /// How long a stop of the process takes.
    pub stop: StopTimes,
    pub telemetry: TelemetryConfig,
}

#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    pub client_http: SocketAddr,
    pub command_grpc: SocketAddr,
    /// The write side's health and metrics.
    pub command_metrics: SocketAddr,
    pub query_grpc: SocketAddr,
    /// The read side's health and metrics.
    pub query_metrics: SocketAddr,
}

impl ShopConfig {
    /// # Errors
    /// A setting does not parse, or a listener without authentication would be reachable from other machines.
    pub fn read(reader: &mut Reader) -> Read<Self> {
        let data_dir = data_dir(reader);
        let app_env = app_env(reader, &LISTENERS);
        let addresses = Addresses::read(reader);
        let command = command_service::SETTINGS.databases(reader);
        let write_side = command_service::Config::read(reader);
        let query = query_service::SETTINGS.databases(reader);
        let read_side = query_service::Config::read(reader);
        let connections = ConnectionLimits::read(reader, LISTENERS.len());
        let tls = ListenerTls::read(reader);
        let gateway = client_service::Config::read(reader, app_env);
        let telemetry = TelemetryConfig::read_with(reader, &LOG_LEVEL);
        let connections = connections?;
        let (write_side, read_side) = (write_side?, read_side?);
        let secret = write_side.secret.clone();
        let read_side = query_service::Config {
            // Without a file each of them has a random one.
            secret: secret.clone(),
            ..read_side
        };
        let gateway = client_service::Config {
            connections,
            secret,
            ..gateway?
        };
        Ok(Self {
            data_dir: data_dir?,
            command: command?,
            write_side,
            query: query?,
            read_side,
            stop: gateway.stop,
            gateway,
            addresses: addresses?,
            connections,
            tls: tls?,
            telemetry: telemetry?,
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

/// The URL of the event store, for a command that reads nothing else.
///
/// # Errors
/// A setting does not parse.
pub fn event_store_url(reader: &mut Reader) -> Read<DatabaseUrl> {
    let data_dir = data_dir(reader);
    let url = reader.get(&names::EVENT_STORE_URL);
    data_dir.and(url)
}

/// The URLs of the databases that cannot be derived from others: the event store and the command database.
#[derive(Clone, Debug)]
pub struct PrimaryDatabases {
    pub event_store: DatabaseUrl,
    pub command: DatabaseUrl,
}

impl PrimaryDatabases {
    /// # Errors
    /// A setting does not parse.
    pub fn read(reader: &mut Reader) -> Read<Self> {
        let data_dir = data_dir(reader);
        let event_store = reader.get(&names::EVENT_STORE_URL);
        let command = reader.get(&names::COMMAND_DATABASE_URL);
        data_dir?;
        Ok(Self {
            event_store: event_store?,
            command: command?,
        })
    }
}

/// The URLs of all databases.
#[derive(Clone, Debug)]
pub struct AllDatabases {
    pub event_store: DatabaseUrl,
    pub command: DatabaseUrl,
    pub query: DatabaseUrl,
}

impl AllDatabases {
    /// # Errors
    /// A setting does not parse.
    pub fn read(reader: &mut Reader) -> Read<Self> {
        let primary = PrimaryDatabases::read(reader);
        let query = reader.get(&names::QUERY_DATABASE_URL);
        let PrimaryDatabases {
            event_store,
            command,
        } = primary?;
        Ok(Self {
            event_store,
            command,
            query: query?,
        })
    }
}

/// The data folder. A database without a URL is a file in it from here on.
fn data_dir(reader: &mut Reader) -> Read<PathBuf> {
    let data_dir = reader.get(&names::DATA_DIR).map(PathBuf::from);
    // An invalid folder is reported once, and not also as an invalid URL of each database in it.
    databases_in(data_dir.as_deref().unwrap_or(Path::new("data")), reader);
    data_dir
}

/// Sets the default URL of each database: a file in the data folder.
fn databases_in(folder: &Path, reader: &mut Reader) {
    let mut in_folder = |spec: &Spec, file: &str| {
        let url = format!("sqlite://{}", folder.join(file).display());
        reader.fall_back(spec, url, "the data folder");
    };
    in_folder(&names::EVENT_STORE_URL.spec, "event_store.db");
    in_folder(&names::COMMAND_DATABASE_URL.spec, "command_service.db");
    in_folder(&names::QUERY_DATABASE_URL.spec, "query_service.db");
}

const LISTENERS: [&Setting<SocketAddr>; 5] = [
    &names::CLIENT_HTTP_ADDR,
    &names::COMMAND_GRPC_ADDR,
    &names::COMMAND_METRICS_ADDR,
    &names::QUERY_GRPC_ADDR,
    &names::QUERY_METRICS_ADDR,
];

impl Addresses {
    fn read(reader: &mut Reader) -> Read<Self> {
        let [
            client_http,
            command_grpc,
            command_metrics,
            query_grpc,
            query_metrics,
        ] = LISTENERS.map(|listener| reader.get(listener));
        Ok(Self {
            client_http: client_http?,
            command_grpc: command_grpc?,
            command_metrics: command_metrics?,
            query_grpc: query_grpc?,
            query_metrics: query_metrics?,
        })
    }
}
