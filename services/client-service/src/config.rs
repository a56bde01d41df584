//! The gateway's settings.

use std::net::SocketAddr;
use std::time::Duration;

use platform::config::{AppEnv, Spec, names};
use platform::{ConfigError, Settings};

use crate::clients::Policy;

/// The settings that the gateway reads, beside those of every process.
pub const SETTINGS: &[Spec] = &[
    names::CLIENT_HTTP_ADDR.spec,
    names::ALLOWED_HOSTS.spec,
    names::GRAPHIQL.spec,
    names::GRAPHQL_MAX_DEPTH.spec,
    names::GRAPHQL_MAX_COMPLEXITY.spec,
    names::CLIENT_WRITE_TIMEOUT_MS.spec,
    names::CLIENT_READ_TIMEOUT_MS.spec,
    names::CLIENT_LIST_TIMEOUT_MS.spec,
    names::CLIENT_WRITE_TRIES.spec,
    names::CLIENT_READ_TRIES.spec,
];

/// Where the gateway finds the two services, when they are elsewhere.
pub const REMOTE_SETTINGS: &[Spec] = &[
    names::COMMAND_SERVICE_HOST.spec,
    names::COMMAND_SERVICE_PORT.spec,
    names::QUERY_SERVICE_HOST.spec,
    names::QUERY_SERVICE_PORT.spec,
];

/// The gateway's settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where HTTP is served.
    pub http: SocketAddr,
    /// Whether introspection and suggestions are there.
    pub development: bool,
    /// Whether `/graphiql` and `/schema.graphql` are there.
    pub explorer: bool,
    /// The names under which the gateway is reached, beside `localhost` and addresses.
    pub allowed_hosts: Vec<String>,
    /// The deepest query.
    pub max_depth: u32,
    /// The most complex query.
    pub max_complexity: u32,
    /// How the services are called.
    pub policy: Policy,
    /// How long requests may take to end at a stop.
    pub shutdown: Duration,
}

impl Config {
    /// Reads them; `app_env` follows from all listeners of the process.
    ///
    /// # Errors
    /// A setting does not parse.
    pub fn read(settings: &Settings, app_env: AppEnv) -> Result<Self, ConfigError> {
        let development = app_env == AppEnv::Development;
        Ok(Self {
            http: settings.get(&names::CLIENT_HTTP_ADDR)?,
            development,
            explorer: settings.get(&names::GRAPHIQL)? || development,
            allowed_hosts: settings.find(&names::ALLOWED_HOSTS)?.unwrap_or_default(),
            max_depth: settings.get(&names::GRAPHQL_MAX_DEPTH)?,
            max_complexity: settings.get(&names::GRAPHQL_MAX_COMPLEXITY)?,
            policy: Policy::read(settings)?,
            shutdown: settings.get(&names::SHUTDOWN_TIMEOUT_MS)?,
        })
    }
}
