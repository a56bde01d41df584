//! Where the databases are, and how they are opened.

use std::time::Duration;

use super::accepts::A_TIME;
use crate::config::database_url::DatabaseUrl;
use crate::config::setting::Setting;
use crate::config::values::{folder, millis, positive};

const A_DATABASE: &str = "sqlite://PATH without ?, # and % in it, or postgres://USER:PASSWORD@HOST/DATABASE, the latter with parameters that are known (sslmode=require)";

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
