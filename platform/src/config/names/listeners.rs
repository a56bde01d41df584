//! Settings of listeners.

use std::net::SocketAddr;
use std::time::Duration;

use super::accepts::{A_BOOLEAN, A_COUNT, A_DURATION};
use crate::config::app_env::AppEnv;
use crate::config::setting::Setting;
use crate::config::values::{address, boolean, millis, millis_or_zero, positive};

const AN_ADDRESS: &str = "an address and a port, such as 127.0.0.1:4000";

pub const CLIENT_HTTP_ADDR: Setting<SocketAddr> = Setting::new(
    "CLIENT_HTTP_ADDR",
    address,
    AN_ADDRESS,
    "The address of the gateway's HTTP listener",
)
.or("127.0.0.1:4000");
pub const COMMAND_GRPC_ADDR: Setting<SocketAddr> = Setting::new(
    "COMMAND_GRPC_ADDR",
    address,
    AN_ADDRESS,
    "The address of the command-service's gRPC listener",
)
.or("127.0.0.1:50051");
pub const COMMAND_METRICS_ADDR: Setting<SocketAddr> = Setting::new(
    "COMMAND_METRICS_ADDR",
    address,
    AN_ADDRESS,
    "The address of the command-service's /health and /metrics",
)
.or("127.0.0.1:9569");
pub const QUERY_GRPC_ADDR: Setting<SocketAddr> = Setting::new(
    "QUERY_GRPC_ADDR",
    address,
    AN_ADDRESS,
    "The address of the query-service's gRPC listener",
)
.or("127.0.0.1:50052");
pub const QUERY_METRICS_ADDR: Setting<SocketAddr> = Setting::new(
    "QUERY_METRICS_ADDR",
    address,
    AN_ADDRESS,
    "The address of the query-service's /health and /metrics",
)
.or("127.0.0.1:9570");
pub const INSECURE: Setting<bool> = Setting::new(
    "INSECURE",
    boolean,
    A_BOOLEAN,
    "Bind addresses that other machines can reach although authentication is off",
)
.or("false")
.switch();
pub const APP_ENV: Setting<AppEnv> = Setting::new(
    "APP_ENV",
    AppEnv::parse,
    "development or production; by default development if all listeners are loopback",
    "Whether introspection, suggestions and GraphiQL are available",
);
pub const MAX_CONNECTIONS_PER_PEER: Setting<u32> = Setting::new(
    "MAX_CONNECTIONS_PER_PEER",
    positive,
    A_COUNT,
    "Maximum connections of a listener from one address; a proxy counts as one address",
);
pub const SHUTDOWN_DELAY_MS: Setting<Duration> = Setting::new(
    "SHUTDOWN_DELAY_MS",
    millis_or_zero,
    "0 to 86400000 (milliseconds)",
    "How long a stopping process still accepts requests while it reports that it is not ready",
)
.or("0");
pub const SHUTDOWN_TIMEOUT_MS: Setting<Duration> = Setting::new(
    "SHUTDOWN_TIMEOUT_MS",
    millis,
    A_DURATION,
    "How long open requests may take when the process stops",
)
.or("10000");
