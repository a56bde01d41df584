//! The settings: variables, flags, and keys of the file that `--config` names. A database without a URL is a file in the
//! data folder.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use authentication::TokenConfig;
use graphql_http::Limits;
use platform::config::{
    AppEnv, DatabaseUrl, Databases, Read, Reader, Setting, Spec, StopTimes, app_env, names,
};
use platform::runtime::ConnectionLimits;
use platform::telemetry::TelemetryConfig;

pub const HTTP_ADDR: Setting<SocketAddr> = Setting::new(
    "HTTP_ADDR",
    |text| text.parse().ok(),
    "an address and a port, such as 127.0.0.1:8080",
    "The address of GraphQL, health and metrics",
)
.or("127.0.0.1:8080");

/// The settings that the platform does not know.
pub const OWN: &[Spec] = &[HTTP_ADDR.spec];

/// All settings of the process.
#[must_use]
pub fn all() -> Vec<Spec> {
    let shared = [
        names::DATA_DIR.spec,
        names::EVENT_STORE_URL.spec,
        names::COMMAND_DATABASE_URL.spec,
        names::QUERY_DATABASE_URL.spec,
        names::POOL_SIZE.spec,
        names::MIGRATE.spec,
        names::START_TIMEOUT_MS.spec,
        names::ALLOWED_HOSTS.spec,
        names::GRAPHQL_MAX_DEPTH.spec,
        names::CORS_ALLOWED_ORIGINS.spec,
        names::GRAPHQL_MAX_COMPLEXITY.spec,
        names::GRAPHQL_MAX_RESPONSE_BYTES.spec,
    ];
    [OWN, shared.as_slice(), names::TOKENS, names::COMMON].concat()
}

#[derive(Clone, Debug)]
pub struct Config {
    pub data_dir: PathBuf,
    /// The event store, and the database of stored answers and of the event handlers' progress.
    pub write_side: Databases,
    /// The event store, and the database of the projections' tables.
    pub read_side: Databases,
    pub http: SocketAddr,
    pub connections: ConnectionLimits,
    pub allowed_hosts: Vec<String>,
    /// Origins whose pages may call the process from a browser.
    pub allowed_origins: Vec<String>,
    pub limits: Limits,
    /// How the tokens of clients are verified; without it everyone may do everything.
    pub tokens: Option<TokenConfig>,
    /// How long a stop takes.
    pub stop: StopTimes,
    pub telemetry: TelemetryConfig,
}

impl Config {
    /// # Errors
    /// A setting does not parse, or the address can be reached from other machines without authentication or `INSECURE`.
    pub fn read(reader: &mut Reader) -> Read<Self> {
        let data_dir = data_dir(reader);
        let environment = app_env(reader, &[&HTTP_ADDR]);
        let write_side = databases(reader, &names::COMMAND_DATABASE_URL);
        let read_side = databases(reader, &names::QUERY_DATABASE_URL);
        let http = reader.get(&HTTP_ADDR);
        let connections = ConnectionLimits::read(reader, 1);
        let allowed_hosts = reader.find(&names::ALLOWED_HOSTS);
        let allowed_origins = reader.find(&names::CORS_ALLOWED_ORIGINS);
        let depth = reader.get(&names::GRAPHQL_MAX_DEPTH);
        let complexity = reader.get(&names::GRAPHQL_MAX_COMPLEXITY);
        let response_bytes = reader.get(&names::GRAPHQL_MAX_RESPONSE_BYTES);
        let tokens = TokenConfig::read(reader);
        let stop = StopTimes::read(reader);
        let telemetry = TelemetryConfig::read(reader);
        Ok(Self {
            data_dir: data_dir?,
            write_side: write_side?,
            read_side: read_side?,
            http: http?,
            connections: connections?,
            allowed_hosts: allowed_hosts?.unwrap_or_default(),
            allowed_origins: allowed_origins?.unwrap_or_default(),
            limits: Limits {
                depth: depth?,
                complexity: complexity?,
                response_bytes: response_bytes?,
                introspection: environment? == AppEnv::Development,
            },
            tokens: tokens?,
            stop: stop?,
            telemetry: TelemetryConfig {
                crates: &["my_system"],
                ..telemetry?
            },
        })
    }

    /// Whether any database is a file in the data folder.
    #[must_use]
    pub fn uses_data_dir(&self) -> bool {
        let folder = format!("sqlite://{}", self.data_dir.join("").display());
        let databases = [
            &self.write_side.event_store,
            &self.write_side.database,
            &self.read_side.database,
        ];
        databases
            .iter()
            .any(|url| url.as_str().starts_with(&folder))
    }
}

fn databases(reader: &mut Reader, own: &'static Setting<DatabaseUrl>) -> Read<Databases> {
    let event_store = reader.get(&names::EVENT_STORE_URL);
    let database = reader.get(own);
    let pool_size = reader.get(&names::POOL_SIZE);
    let migrate = reader.get(&names::MIGRATE);
    let start_timeout = reader.get(&names::START_TIMEOUT_MS);
    Ok(Databases {
        event_store: event_store?,
        database: database?,
        database_setting: own.spec.name,
        pool_size: pool_size?,
        migrate: migrate?,
        start_timeout: start_timeout?,
    })
}

/// The data folder. A database without a URL is a file in it from here on.
fn data_dir(reader: &mut Reader) -> Read<PathBuf> {
    let data_dir = reader.get(&names::DATA_DIR).map(PathBuf::from);
    let folder = data_dir.as_deref().unwrap_or(Path::new("data"));
    for (spec, file) in [
        (&names::EVENT_STORE_URL.spec, "event_store.db"),
        (&names::COMMAND_DATABASE_URL.spec, "requests.db"),
        (&names::QUERY_DATABASE_URL.spec, "read_model.db"),
    ] {
        let url = format!("sqlite://{}", folder.join(file).display());
        reader.fall_back(spec, url, "the data folder");
    }
    data_dir
}
