//! The gateway's settings.

use std::net::SocketAddr;
use std::num::NonZeroU32;

use authentication::{ServiceSecret, TokenConfig};
use graphql_http::SocketLimits;
use ipnet::IpNet;
use platform::config::{AppEnv, Read, Reader, Spec, StopTimes, names};
use platform::runtime::ConnectionLimits;
use platform::tls::{self, ClientTls, ListenerTls};

use crate::upstream::Policy;

/// The gateway's own settings, without its listener and without the settings that every process has.
pub const SETTINGS: &[Spec] = &[
    names::ALLOWED_HOSTS.spec,
    names::CORS_ALLOWED_ORIGINS.spec,
    names::GRAPHIQL.spec,
    names::GRAPHIQL_DIR.spec,
    names::GRAPHQL_OPERATIONS.spec,
    names::GRAPHQL_MAX_DEPTH.spec,
    names::GRAPHQL_MAX_COMPLEXITY.spec,
    names::GRAPHQL_MAX_RESPONSE_BYTES.spec,
    names::GRAPHQL_MAX_CONCURRENT_UNITS.spec,
    names::GRAPHQL_MAX_SOCKETS.spec,
    names::GRAPHQL_MAX_SUBSCRIPTIONS.spec,
    names::GRAPHQL_MAX_OPERATIONS_PER_SOCKET.spec,
    names::RATE_LIMIT_PER_MINUTE.spec,
    names::TRUSTED_PROXIES.spec,
    names::CLIENT_WRITE_TIMEOUT_MS.spec,
    names::CLIENT_READ_TIMEOUT_MS.spec,
    names::CLIENT_LIST_TIMEOUT_MS.spec,
    names::CLIENT_WRITE_TRIES.spec,
    names::CLIENT_READ_TRIES.spec,
    names::CLIENT_BREAKER_FAILURES.spec,
    names::CLIENT_BREAKER_OPEN_MS.spec,
    names::CLIENT_BREAKER_SUCCESSES.spec,
];

/// Where the two services are reached, when they run in other processes.
pub const REMOTE_SETTINGS: &[Spec] = &[
    names::COMMAND_SERVICE_HOST.spec,
    names::COMMAND_SERVICE_PORT.spec,
    names::QUERY_SERVICE_HOST.spec,
    names::QUERY_SERVICE_PORT.spec,
];

/// All settings of the gateway as a process of its own.
#[must_use]
pub fn of_process() -> Vec<Spec> {
    let listener = [
        names::CLIENT_HTTP_ADDR.spec,
        names::TLS_CERT_FILE.spec,
        names::TLS_KEY_FILE.spec,
    ];
    [
        &listener,
        SETTINGS,
        REMOTE_SETTINGS,
        tls::CALLS,
        names::TOKENS,
        &[names::SERVICE_SECRET_FILE.spec],
        names::COMMON,
    ]
    .concat()
}

#[derive(Clone, Debug)]
pub struct Config {
    pub http: SocketAddr,
    pub connections: ConnectionLimits,
    /// With it HTTP is served over TLS.
    pub tls: Option<ListenerTls>,
    /// Whether introspection and suggestions are enabled.
    pub development: bool,
    /// Whether `/graphiql` and `/schema.graphql` are served.
    pub explorer: bool,
    /// Where the files of GraphiQL are; without it in the user's cache folder, if at all.
    pub graphiql: Option<String>,
    /// Host names that requests may have, in addition to `localhost` and IP addresses.
    pub allowed_hosts: Vec<String>,
    /// Origins whose pages may call the gateway; in development all of this machine may, too.
    pub allowed_origins: Vec<String>,
    /// Where the only operations that are executed are read from; without it all are.
    pub operations: Option<String>,
    pub max_depth: u32,
    pub max_complexity: u32,
    pub max_response_bytes: u32,
    /// The units of all requests that are executed at the same time.
    pub max_concurrent_units: u32,
    /// The limits of `WebSockets`, event streams and subscriptions.
    pub sockets: SocketLimits,
    pub policy: Policy,
    /// How the tokens of clients are verified; without it everyone may do everything.
    pub tokens: Option<TokenConfig>,
    /// The units that each client may spend a minute; without it there is no limit.
    pub rate: Option<NonZeroU32>,
    pub trusted_proxies: Vec<IpNet>,
    /// What calls of the services are signed with.
    pub secret: Option<ServiceSecret>,
    /// How long a stop of the process takes.
    pub stop: StopTimes,
}

/// Clients that are known are limited by default.
fn default_rate(tokens: Option<&TokenConfig>) -> Option<NonZeroU32> {
    tokens.and(NonZeroU32::new(1_000))
}

impl Config {
    /// Reads the settings. `app_env` depends on all listeners of the process, so the caller determines it.
    ///
    /// # Errors
    /// A setting does not parse.
    pub fn read(reader: &mut Reader, app_env: Read<AppEnv>) -> Read<Self> {
        let http = reader.get(&names::CLIENT_HTTP_ADDR);
        let connections = ConnectionLimits::read(reader, 1);
        let tls = ListenerTls::read_http(reader);
        let explorer = reader.get(&names::GRAPHIQL);
        let graphiql = reader.find(&names::GRAPHIQL_DIR);
        let allowed_hosts = reader.find(&names::ALLOWED_HOSTS);
        let allowed_origins = reader.find(&names::CORS_ALLOWED_ORIGINS);
        let operations = reader.find(&names::GRAPHQL_OPERATIONS);
        let max_depth = reader.get(&names::GRAPHQL_MAX_DEPTH);
        let max_complexity = reader.get(&names::GRAPHQL_MAX_COMPLEXITY);
        let max_response_bytes = reader.get(&names::GRAPHQL_MAX_RESPONSE_BYTES);
        let max_concurrent_units = reader.get(&names::GRAPHQL_MAX_CONCURRENT_UNITS);
        let sockets = socket_limits(reader);
        let policy = Policy::read(reader);
        let tokens = TokenConfig::read(reader);
        let rate = reader.find(&names::RATE_LIMIT_PER_MINUTE);
        let trusted_proxies = reader.find(&names::TRUSTED_PROXIES);
        let secret = ServiceSecret::of_settings(reader);
        let stop = StopTimes::read(reader);
        let development = app_env? == AppEnv::Development;
        let tokens = tokens?;
        Ok(Self {
            http: http?,
            connections: connections?,
            tls: tls?,
            development,
            explorer: explorer? || development,
            graphiql: graphiql?,
            allowed_hosts: allowed_hosts?.unwrap_or_default(),
            allowed_origins: allowed_origins?.unwrap_or_default(),
            operations: operations?,
            max_depth: max_depth?,
            max_complexity: max_complexity?,
            max_response_bytes: max_response_bytes?,
            max_concurrent_units: max_concurrent_units?,
            sockets: sockets?,
            policy: policy?,
            rate: rate?.map_or_else(|| default_rate(tokens.as_ref()), NonZeroU32::new),
            trusted_proxies: trusted_proxies?.unwrap_or_default(),
            tokens,
            secret: secret?,
            stop: stop?,
        })
    }
}

fn socket_limits(reader: &mut Reader) -> Read<SocketLimits> {
    let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    let sockets = reader.get(&names::GRAPHQL_MAX_SOCKETS);
    let subscriptions = reader.get(&names::GRAPHQL_MAX_SUBSCRIPTIONS);
    let operations = reader.get(&names::GRAPHQL_MAX_OPERATIONS_PER_SOCKET);
    Ok(SocketLimits {
        sockets: count(sockets?),
        subscriptions: count(subscriptions?),
        operations: count(operations?),
    })
}

/// Host and port of the two services, and how they are called.
#[derive(Clone, Debug)]
pub struct RemoteServices {
    pub command: (String, u16),
    pub query: (String, u16),
    /// With it they are called over TLS.
    pub tls: Option<ClientTls>,
}

impl RemoteServices {
    /// Reads [`REMOTE_SETTINGS`], and how to call over TLS.
    ///
    /// # Errors
    /// A setting does not parse.
    pub fn read(reader: &mut Reader) -> Read<Self> {
        let command_host = reader.get(&names::COMMAND_SERVICE_HOST);
        let command_port = reader.get(&names::COMMAND_SERVICE_PORT);
        let query_host = reader.get(&names::QUERY_SERVICE_HOST);
        let query_port = reader.get(&names::QUERY_SERVICE_PORT);
        let tls = ClientTls::read(reader);
        Ok(Self {
            command: (command_host?, command_port?),
            query: (query_host?, query_port?),
            tls: tls?,
        })
    }
}
