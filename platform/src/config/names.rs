//! Every setting of every process: its name, its default, what it accepts, what it is for.

use std::net::SocketAddr;
use std::time::Duration;

use super::database_url::DatabaseUrl;
use super::exposure::AppEnv;
use super::setting::{Setting, Spec};
use super::unsupported;
use super::values::{
    address, boolean, folder, host, hosts, log_mark, millis, number, port, positive,
};
use crate::telemetry::{LogFilter, LogFormat};

mod providers;

pub use providers::*;

const AN_ADDRESS: &str = "an address and a port, such as 127.0.0.1:4000";
const A_DATABASE: &str = "sqlite://PATH without ?, # and % in it, or postgres://USER:PASSWORD@HOST/DATABASE, the latter with parameters that are known (sslmode=require)";
const A_BOOLEAN: &str = "true or false";
const A_TIME: &str = "1 to 86400000 (milliseconds)";
const A_COUNT: &str = "a whole number from 1";
const A_HOST: &str = "a host name or an address, without scheme and port";
const A_PORT: &str = "a port from 1 to 65535";

/// Where the events are.
pub const EVENT_STORE_URL: Setting<DatabaseUrl> = Setting::new(
    "EVENT_STORE_URL",
    DatabaseUrl::parse,
    A_DATABASE,
    "The event store's database",
);
/// Where the command-service keeps what is not history.
pub const COMMAND_DATABASE_URL: Setting<DatabaseUrl> = Setting::new(
    "COMMAND_DATABASE_URL",
    DatabaseUrl::parse,
    A_DATABASE,
    "The command-service's database: answers of idempotent requests",
);
/// Where the rows of the read side are.
pub const QUERY_DATABASE_URL: Setting<DatabaseUrl> = Setting::new(
    "QUERY_DATABASE_URL",
    DatabaseUrl::parse,
    A_DATABASE,
    "The query-service's database: what the projections fill",
);
/// A single service's own database.
pub const DATABASE_URL: Setting<DatabaseUrl> = Setting::new(
    "DATABASE_URL",
    DatabaseUrl::parse,
    A_DATABASE,
    "Another name for a single service's own database",
);
/// Connections of each pool.
pub const POOL_SIZE: Setting<u32> = Setting::new(
    "POOL_SIZE",
    |text| positive(text).filter(|size| *size <= 1_000),
    "1 to 1000",
    "Connections in each database pool",
)
.or("8");
/// Where the files of one process are.
pub const DATA_DIR: Setting<String> = Setting::new(
    "DATA_DIR",
    folder,
    "a folder without ?, # and % in its path",
    "Where the databases are when all runs in one process",
)
.or("./data");

/// The gateway's listener.
pub const CLIENT_HTTP_ADDR: Setting<SocketAddr> = Setting::new(
    "CLIENT_HTTP_ADDR",
    address,
    AN_ADDRESS,
    "Where the gateway serves HTTP",
)
.or("127.0.0.1:4000");
/// The write side's listener.
pub const COMMAND_GRPC_ADDR: Setting<SocketAddr> = Setting::new(
    "COMMAND_GRPC_ADDR",
    address,
    AN_ADDRESS,
    "Where the command-service serves gRPC",
)
.or("127.0.0.1:50051");
/// The write side's health and metrics.
pub const COMMAND_METRICS_ADDR: Setting<SocketAddr> = Setting::new(
    "COMMAND_METRICS_ADDR",
    address,
    AN_ADDRESS,
    "Where the command-service serves /health and /metrics",
)
.or("127.0.0.1:9569");
/// The read side's listener.
pub const QUERY_GRPC_ADDR: Setting<SocketAddr> = Setting::new(
    "QUERY_GRPC_ADDR",
    address,
    AN_ADDRESS,
    "Where the query-service serves gRPC",
)
.or("127.0.0.1:50052");
/// The read side's health and metrics.
pub const QUERY_METRICS_ADDR: Setting<SocketAddr> = Setting::new(
    "QUERY_METRICS_ADDR",
    address,
    AN_ADDRESS,
    "Where the query-service serves /health and /metrics",
)
.or("127.0.0.1:9570");
/// Where commands find the gateway.
pub const CLIENT_SERVICE_HOST: Setting<String> = Setting::new(
    "CLIENT_SERVICE_HOST",
    host,
    A_HOST,
    "Where commands find the gateway",
)
.or("127.0.0.1");
/// Where commands find the gateway.
pub const CLIENT_SERVICE_PORT: Setting<u16> = Setting::new(
    "CLIENT_SERVICE_PORT",
    port,
    A_PORT,
    "Where commands find the gateway",
)
.or("4000");
/// Where the gateway finds the write side.
pub const COMMAND_SERVICE_HOST: Setting<String> = Setting::new(
    "COMMAND_SERVICE_HOST",
    host,
    A_HOST,
    "Where the gateway finds the command-service",
)
.or("127.0.0.1");
/// Where the gateway finds the write side.
pub const COMMAND_SERVICE_PORT: Setting<u16> = Setting::new(
    "COMMAND_SERVICE_PORT",
    port,
    A_PORT,
    "Where the gateway finds the command-service",
)
.or("50051");
/// Where the gateway finds the read side.
pub const QUERY_SERVICE_HOST: Setting<String> = Setting::new(
    "QUERY_SERVICE_HOST",
    host,
    A_HOST,
    "Where the gateway finds the query-service",
)
.or("127.0.0.1");
/// Where the gateway finds the read side.
pub const QUERY_SERVICE_PORT: Setting<u16> = Setting::new(
    "QUERY_SERVICE_PORT",
    port,
    A_PORT,
    "Where the gateway finds the query-service",
)
.or("50052");

/// What is logged.
pub const LOG_LEVEL: Setting<LogFilter> = Setting::new(
    "LOG_LEVEL",
    LogFilter::parse,
    "error, warn, info, debug, trace, or a list such as info,command_service=debug",
    "What is logged",
)
.or("info");
/// How it is logged.
pub const LOG_FORMAT: Setting<LogFormat> = Setting::new(
    "LOG_FORMAT",
    LogFormat::parse,
    "json or text",
    "How it is logged",
)
.or("text");
/// Whether to bind wider than loopback without authentication.
pub const INSECURE: Setting<bool> = Setting::new(
    "INSECURE",
    boolean,
    A_BOOLEAN,
    "Bind addresses that others can reach although authentication is off",
)
.or("false")
.switch();
/// How much is shown.
pub const APP_ENV: Setting<AppEnv> = Setting::new(
    "APP_ENV",
    AppEnv::parse,
    "development or production; without it development if all listeners are loopback",
    "Whether introspection, suggestions and GraphiQL are there",
);
/// The names under which the gateway is reached.
pub const ALLOWED_HOSTS: Setting<Vec<String>> = Setting::new(
    "ALLOWED_HOSTS",
    hosts,
    "host names, separated by commas",
    "Names that requests to the gateway may have as their Host, beside localhost and addresses",
);
/// Whether production shows `/graphiql` and `/schema.graphql`.
pub const GRAPHIQL: Setting<bool> = Setting::new(
    "GRAPHIQL",
    boolean,
    A_BOOLEAN,
    "Serve /graphiql and /schema.graphql in production too",
)
.or("false")
.switch();
/// How many connections one client may have.
pub const MAX_CONNECTIONS_PER_PEER: Setting<u32> = Setting::new(
    "MAX_CONNECTIONS_PER_PEER",
    positive,
    A_COUNT,
    "Connections that a listener takes from one address; a proxy is one",
);
/// How long a clean stop may take.
pub const SHUTDOWN_TIMEOUT_MS: Setting<Duration> = Setting::new(
    "SHUTDOWN_TIMEOUT_MS",
    millis,
    A_TIME,
    "How long requests may take to end when the process is stopped",
)
.or("10000");
/// Whether migrations run at start.
pub const MIGRATE: Setting<bool> = Setting::new(
    "MIGRATE",
    |text| match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    },
    "on or off",
    "Whether the databases are brought up to date at start",
)
.or("on");
/// How long a start waits for databases.
pub const START_TIMEOUT_MS: Setting<Duration> = Setting::new(
    "START_TIMEOUT_MS",
    millis,
    A_TIME,
    "How long a start waits for a PostgreSQL server, and for migrations of other processes",
)
.or("60000");

/// The deepest query.
pub const GRAPHQL_MAX_DEPTH: Setting<u32> = Setting::new(
    "GRAPHQL_MAX_DEPTH",
    positive,
    A_COUNT,
    "How deep a query may be",
)
.or("10");
/// The most complex query.
pub const GRAPHQL_MAX_COMPLEXITY: Setting<u32> = Setting::new(
    "GRAPHQL_MAX_COMPLEXITY",
    positive,
    A_COUNT,
    "How complex a query may be: an object is 1, a list multiplies by its limit or 20",
)
.or("1000");
/// A write's deadline over all its tries.
pub const CLIENT_WRITE_TIMEOUT_MS: Setting<Duration> = Setting::new(
    "CLIENT_WRITE_TIMEOUT_MS",
    millis,
    A_TIME,
    "A write's deadline over all its tries",
)
.or("5000");
/// A single read's deadline over all its tries.
pub const CLIENT_READ_TIMEOUT_MS: Setting<Duration> = Setting::new(
    "CLIENT_READ_TIMEOUT_MS",
    millis,
    A_TIME,
    "A single read's deadline over all its tries",
)
.or("3000");
/// A list's deadline over all its tries.
pub const CLIENT_LIST_TIMEOUT_MS: Setting<Duration> = Setting::new(
    "CLIENT_LIST_TIMEOUT_MS",
    millis,
    A_TIME,
    "A list's deadline over all its tries",
)
.or("10000");
/// How often a write is sent.
pub const CLIENT_WRITE_TRIES: Setting<u32> = Setting::new(
    "CLIENT_WRITE_TRIES",
    positive,
    A_COUNT,
    "How often a write is sent at most",
)
.or("4");
/// How often a read is sent.
pub const CLIENT_READ_TRIES: Setting<u32> = Setting::new(
    "CLIENT_READ_TRIES",
    positive,
    A_COUNT,
    "How often a read is sent at most",
)
.or("2");

/// How long a process that ended without a word keeps its sagas from the others.
pub const SAGA_LEASE_MS: Setting<Duration> = Setting::new(
    "SAGA_LEASE_MS",
    |text| {
        positive(text)
            .filter(|ms| (1_000..=600_000).contains(ms))
            .map(|ms| Duration::from_millis(ms.into()))
    },
    "1000 to 600000",
    "Milliseconds until the sagas of a process that died go on elsewhere",
)
.or("15000");
/// The longest pause between two tries of a saga's step.
pub const SAGA_RETRY_MAX_MS: Setting<Duration> = Setting::new(
    "SAGA_RETRY_MAX_MS",
    |text| {
        positive(text)
            .filter(|ms| *ms <= 3_600_000)
            .map(|ms| Duration::from_millis(ms.into()))
    },
    "1 to 3600000",
    "The most milliseconds between two tries of a saga's step, unless its provider asks for more",
)
.or("60000");
/// How many calls to providers a process makes at once.
pub const SAGA_CALLS: Setting<u32> = Setting::new(
    "SAGA_CALLS",
    |text| positive(text).filter(|calls| *calls <= 100_000),
    "1 to 100000",
    "Calls to providers at once",
)
.or("256");

/// An event store that an operator accepts although it was restored from an older copy, or is another one.
pub const ACCEPT_LOG: Setting<String> = Setting::new(
    "ACCEPT_LOG",
    log_mark,
    "LOG@HEAD, as a refused start names it",
    "Start once although the event store was restored from an older copy or replaced",
);

/// Those of the write side: providers and sagas.
pub const WRITE_SIDE: &[Spec] = &[
    SAGA_LEASE_MS.spec,
    SAGA_RETRY_MAX_MS.spec,
    SAGA_CALLS.spec,
    ACCEPT_LOG.spec,
    PAYMENTS_URL.spec,
    SHIPPING_URL.spec,
    NOTIFICATIONS_URL.spec,
    STRIPE_SECRET_KEY.spec,
    STRIPE_SECRET_KEY_FILE.spec,
    STRIPE_WEBHOOK_SECRET.spec,
    STRIPE_WEBHOOK_SECRET_FILE.spec,
    SHIPPING_TOKEN.spec,
    SHIPPING_TOKEN_FILE.spec,
    SMTP_PASSWORD.spec,
    SMTP_PASSWORD_FILE.spec,
];

/// How long the oldest event may wait to be folded before the read side is said to lag.
pub const HEALTH_LAG_MS: Setting<Duration> = Setting::new(
    "HEALTH_LAG_MS",
    millis,
    A_TIME,
    "A projection lags when an event is this old and not in its rows; /health is 503 then",
)
.or("10000");
/// How many events may wait to be folded however long.
pub const HEALTH_LAG_EVENTS: Setting<u64> = Setting::new(
    "HEALTH_LAG_EVENTS",
    number,
    "a whole number from 0",
    "How many events may be missing from a projection's rows however old they are",
)
.or("0");

/// Those of the read side.
pub const READ_SIDE: &[Spec] = &[HEALTH_LAG_MS.spec, HEALTH_LAG_EVENTS.spec];

/// What every process reads.
pub const COMMON: &[Spec] = &[
    LOG_LEVEL.spec,
    LOG_FORMAT.spec,
    APP_ENV.spec,
    INSECURE.spec,
    MAX_CONNECTIONS_PER_PEER.spec,
    SHUTDOWN_TIMEOUT_MS.spec,
];

/// All of them.
pub const ALL: &[Spec] = &[
    EVENT_STORE_URL.spec,
    COMMAND_DATABASE_URL.spec,
    QUERY_DATABASE_URL.spec,
    DATABASE_URL.spec,
    POOL_SIZE.spec,
    DATA_DIR.spec,
    CLIENT_HTTP_ADDR.spec,
    COMMAND_GRPC_ADDR.spec,
    COMMAND_METRICS_ADDR.spec,
    QUERY_GRPC_ADDR.spec,
    QUERY_METRICS_ADDR.spec,
    CLIENT_SERVICE_HOST.spec,
    CLIENT_SERVICE_PORT.spec,
    COMMAND_SERVICE_HOST.spec,
    COMMAND_SERVICE_PORT.spec,
    QUERY_SERVICE_HOST.spec,
    QUERY_SERVICE_PORT.spec,
    LOG_LEVEL.spec,
    LOG_FORMAT.spec,
    INSECURE.spec,
    APP_ENV.spec,
    ALLOWED_HOSTS.spec,
    GRAPHIQL.spec,
    MAX_CONNECTIONS_PER_PEER.spec,
    SHUTDOWN_TIMEOUT_MS.spec,
    MIGRATE.spec,
    START_TIMEOUT_MS.spec,
    GRAPHQL_MAX_DEPTH.spec,
    GRAPHQL_MAX_COMPLEXITY.spec,
    CLIENT_WRITE_TIMEOUT_MS.spec,
    CLIENT_READ_TIMEOUT_MS.spec,
    CLIENT_LIST_TIMEOUT_MS.spec,
    CLIENT_WRITE_TRIES.spec,
    CLIENT_READ_TRIES.spec,
    unsupported::AUTH.spec,
    unsupported::RATE_LIMIT_PER_MINUTE.spec,
    PAYMENTS_URL.spec,
    SHIPPING_URL.spec,
    NOTIFICATIONS_URL.spec,
    STRIPE_SECRET_KEY.spec,
    STRIPE_SECRET_KEY_FILE.spec,
    STRIPE_WEBHOOK_SECRET.spec,
    STRIPE_WEBHOOK_SECRET_FILE.spec,
    SHIPPING_TOKEN.spec,
    SHIPPING_TOKEN_FILE.spec,
    SMTP_PASSWORD.spec,
    SMTP_PASSWORD_FILE.spec,
    SAGA_LEASE_MS.spec,
    SAGA_RETRY_MAX_MS.spec,
    SAGA_CALLS.spec,
    ACCEPT_LOG.spec,
    HEALTH_LAG_MS.spec,
    HEALTH_LAG_EVENTS.spec,
    unsupported::AUTH_JWT_SECRET_FILE.spec,
    unsupported::AUTH_JWT_KEY_FILE.spec,
    unsupported::AUTH_JWKS_URL.spec,
    unsupported::TLS_CERT_FILE.spec,
    unsupported::TLS_KEY_FILE.spec,
    unsupported::OTEL_EXPORTER_OTLP_ENDPOINT.spec,
];
