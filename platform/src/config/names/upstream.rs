//! Where the gateway finds the other services and commands find the gateway, and how long calls may take.

use std::time::Duration;

use super::accepts::{A_COUNT, A_TIME};
use crate::config::setting::Setting;
use crate::config::values::{host, millis, port, positive};

const A_HOST: &str = "a host name or an address, without scheme and port";
const A_PORT: &str = "a port from 1 to 65535";

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
