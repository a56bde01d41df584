//! Settings of the gateway's calls to the other services, and of the command line's calls to the gateway.

use std::time::Duration;

use super::accepts::{A_COUNT, A_DURATION};
use crate::config::setting::Setting;
use crate::config::values::{host, millis, port, positive};

const A_HOST: &str = "a host name or an address, without scheme and port";
const A_PORT: &str = "a port from 1 to 65535";

pub const CLIENT_SERVICE_HOST: Setting<String> = Setting::new(
    "CLIENT_SERVICE_HOST",
    host,
    A_HOST,
    "Host of the gateway, for commands that call it",
)
.or("127.0.0.1");
pub const CLIENT_SERVICE_PORT: Setting<u16> = Setting::new(
    "CLIENT_SERVICE_PORT",
    port,
    A_PORT,
    "Port of the gateway, for commands that call it",
)
.or("4000");
pub const COMMAND_SERVICE_HOST: Setting<String> = Setting::new(
    "COMMAND_SERVICE_HOST",
    host,
    A_HOST,
    "Host of the command-service",
)
.or("127.0.0.1");
pub const COMMAND_SERVICE_PORT: Setting<u16> = Setting::new(
    "COMMAND_SERVICE_PORT",
    port,
    A_PORT,
    "Port of the command-service",
)
.or("50051");
pub const QUERY_SERVICE_HOST: Setting<String> = Setting::new(
    "QUERY_SERVICE_HOST",
    host,
    A_HOST,
    "Host of the query-service",
)
.or("127.0.0.1");
pub const QUERY_SERVICE_PORT: Setting<u16> = Setting::new(
    "QUERY_SERVICE_PORT",
    port,
    A_PORT,
    "Port of the query-service",
)
.or("50052");
pub const CLIENT_WRITE_TIMEOUT_MS: Setting<Duration> = Setting::new(
    "CLIENT_WRITE_TIMEOUT_MS",
    millis,
    A_DURATION,
    "Deadline of a write, including retries",
)
.or("5000");
pub const CLIENT_READ_TIMEOUT_MS: Setting<Duration> = Setting::new(
    "CLIENT_READ_TIMEOUT_MS",
    millis,
    A_DURATION,
    "Deadline of a single read, including retries",
)
.or("3000");
pub const CLIENT_LIST_TIMEOUT_MS: Setting<Duration> = Setting::new(
    "CLIENT_LIST_TIMEOUT_MS",
    millis,
    A_DURATION,
    "Deadline of a list, including retries",
)
.or("10000");
pub const CLIENT_WRITE_TRIES: Setting<u32> = Setting::new(
    "CLIENT_WRITE_TRIES",
    positive,
    A_COUNT,
    "Maximum number of attempts of a write",
)
.or("4");
pub const CLIENT_READ_TRIES: Setting<u32> = Setting::new(
    "CLIENT_READ_TRIES",
    positive,
    A_COUNT,
    "Maximum number of attempts of a read",
)
.or("2");
pub const CLIENT_BREAKER_FAILURES: Setting<u32> = Setting::new(
    "CLIENT_BREAKER_FAILURES",
    positive,
    A_COUNT,
    "Lost connections and missed deadlines in a row after which calls of a service are suspended",
)
.or("5");
pub const CLIENT_BREAKER_OPEN_MS: Setting<Duration> = Setting::new(
    "CLIENT_BREAKER_OPEN_MS",
    millis,
    A_DURATION,
    "How long calls are suspended, unless the service reports that it serves",
)
.or("30000");
pub const CLIENT_BREAKER_SUCCESSES: Setting<u32> = Setting::new(
    "CLIENT_BREAKER_SUCCESSES",
    positive,
    A_COUNT,
    "Answers in a row after which all calls are sent again; so many calls at a time try it",
)
.or("2");
