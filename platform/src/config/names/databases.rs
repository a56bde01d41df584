//! Settings of the databases.

use std::time::Duration;

use super::accepts::A_DURATION;
use crate::config::database_url::DatabaseUrl;
use crate::config::setting::Setting;
use crate::config::values::{folder, millis, positive};

const A_DATABASE: &str = "sqlite://PATH without ?, # and % in it, or postgres://USER:PASSWORD@HOST/DATABASE, the latter with known parameters (sslmode=require)";

pub const EVENT_STORE_URL: Setting<DatabaseUrl> = Setting::new(
    "EVENT_STORE_URL",
    DatabaseUrl::parse,
    A_DATABASE,
    "The event store's database",
);
pub const COMMAND_DATABASE_URL: Setting<DatabaseUrl> = Setting::new(
    "COMMAND_DATABASE_URL",
    DatabaseUrl::parse,
    A_DATABASE,
    "The command-service's database: idempotent requests and event handlers",
);
pub const QUERY_DATABASE_URL: Setting<DatabaseUrl> = Setting::new(
    "QUERY_DATABASE_URL",
    DatabaseUrl::parse,
    A_DATABASE,
    "The query-service's database: the tables of the projections",
);
/// An alias, for a process with a single service.
pub const DATABASE_URL: Setting<DatabaseUrl> = Setting::new(
    "DATABASE_URL",
    DatabaseUrl::parse,
    A_DATABASE,
    "The service's own database: an alias in processes with a single service",
);
pub const POOL_SIZE: Setting<u32> = Setting::new(
    "POOL_SIZE",
    |text| positive(text).filter(|size| *size <= 1_000),
    "1 to 1000",
    "Connections in each database pool",
)
.or("8");
pub const DATA_DIR: Setting<String> = Setting::new(
    "DATA_DIR",
    folder,
    "a folder without ?, # and % in its path",
    "The folder of the databases when all services run in one process",
)
.or("./data");
pub const MIGRATE: Setting<bool> = Setting::new(
    "MIGRATE",
    |text| match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    },
    "on or off",
    "Whether the databases are migrated at start",
)
.or("on");
pub const START_TIMEOUT_MS: Setting<Duration> = Setting::new(
    "START_TIMEOUT_MS",
    millis,
    A_DURATION,
    "How long a start waits for a PostgreSQL server, and for the migrations of other processes",
)
.or("60000");
