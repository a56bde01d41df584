//! The gateway's settings.

use std::net::SocketAddr;
use std::time::Duration;

use platform::config::{AppEnv, Read, Reader, Spec, names};
use platform::runtime::ConnectionLimits;

use crate::upstream::Policy;

/// The settings that the gateway reads in any process, except for its listener and those of every process.
pub const SETTINGS: &[Spec] = &[
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

#[derive(Clone, Debug)]
pub struct Config {
    /// Where HTTP is served.
    pub http: SocketAddr,
    /// How many connections there may be.
    pub connections: ConnectionLimits,
    /// Whether introspection and suggestions are there.
    pub development: bool,
    /// Whether `/graphiql` and `/schema.graphql` are there.
    pub explorer: bool,
    /// The names under which the gateway is reached, beside `localhost` and addresses.
    pub allowed_hosts: Vec<String>,
    pub max_depth: u32,
    /// The most complex query.
    pub max_complexity: u32,
    /// How the services are called.
    pub policy: Policy,
    /// How long requests may take to end at a stop.
    pub shutdown: Duration,
}

impl Config {
    /// Reads them for a process of its own; `app_env` follows from all listeners of the process.
    ///
    /// # Errors
    /// A setting does not parse.
    pub fn read(reader: &mut Reader, app_env: Read<AppEnv>) -> Read<Self> {
        let http = reader.get(&names::CLIENT_HTTP_ADDR);
        let connections = ConnectionLimits::read(reader, 1);
        let graphiql = reader.get(&names::GRAPHIQL);
        let allowed_hosts = reader.find(&names::ALLOWED_HOSTS);
        let max_depth = reader.get(&names::GRAPHQL_MAX_DEPTH);
        let max_complexity = reader.get(&names::GRAPHQL_MAX_COMPLEXITY);
        let policy = Policy::read(reader);
        let shutdown = reader.get(&names::SHUTDOWN_TIMEOUT_MS);
        let development = app_env? == AppEnv::Development;
        Ok(Self {
            http: http?,
            connections: connections?,
            development,
            explorer: graphiql? || development,
            allowed_hosts: allowed_hosts?.unwrap_or_default(),
            max_depth: max_depth?,
            max_complexity: max_complexity?,
            policy: policy?,
            shutdown: shutdown?,
        })
    }
}

/// Where the two services are, as host and port.
#[derive(Clone, Debug)]
pub struct RemoteServices {
    pub command: (String, u16),
    pub query: (String, u16),
}

impl RemoteServices {
    /// Reads [`REMOTE_SETTINGS`].
    ///
    /// # Errors
    /// A setting does not parse.
    pub fn read(reader: &mut Reader) -> Read<Self> {
        let command_host = reader.get(&names::COMMAND_SERVICE_HOST);
        let command_port = reader.get(&names::COMMAND_SERVICE_PORT);
        let query_host = reader.get(&names::QUERY_SERVICE_HOST);
        let query_port = reader.get(&names::QUERY_SERVICE_PORT);
        Ok(Self {
            command: (command_host?, command_port?),
            query: (query_host?, query_port?),
        })
    }
}
