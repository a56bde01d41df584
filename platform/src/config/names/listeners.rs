//! Where services listen, who may reach them, and how they end.

use std::net::SocketAddr;
use std::time::Duration;

use super::accepts::{A_BOOLEAN, A_COUNT, A_TIME};
use crate::config::app_env::AppEnv;
use crate::config::setting::Setting;
use crate::config::values::{address, boolean, millis, positive};

const AN_ADDRESS: &str = "an address and a port, such as 127.0.0.1:4000";

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
