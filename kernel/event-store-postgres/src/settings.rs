//! Settings, and checks of the server.

use std::time::Duration;

use event_sourcing::{SteadyClock, fields};
use sqlx::{PgConnection, Row};

/// How a process uses the store.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The process's clock. The store synchronizes it with the server's whenever it reads the head, or acquires or
    /// renews leases.
    pub clock: SteadyClock,
    /// Maximum connections for readers. Two more are open: one appends, one listens.
    pub pool_size: u32,
    /// Whether opening the store runs missing migrations. If not, a missing migration is an error.
    pub migrate: bool,
    /// How often waiting readers poll. Notifications wake them immediately; this bounds the delay when the listening
    /// connection has died silently. All waiting readers of a process share one poll.
    pub poll_interval: Duration,
    /// Maximum wait for a connection.
    pub connect_timeout: Duration,
    /// Maximum run time of a statement.
    pub statement_timeout: Duration,
    /// Maximum time that an append waits for those of other processes.
    pub lock_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            clock: SteadyClock::start(),
            pool_size: 10,
            migrate: true,
            poll_interval: Duration::from_secs(2),
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(10),
        }
    }
}

/// The `search_path` selects the log's schema, and none of its schemas exists.
#[derive(Debug, thiserror::Error)]
#[error(
    "no schema of the search_path exists, so there is none for the tables: create it with CREATE SCHEMA"
)]
struct NoSchema;

/// Rejects a server that has no schema for the log, and warns about one that may lose acknowledged commits.
pub(crate) async fn check_settings(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let row = sqlx::query(
        "SELECT current_setting('fsync'), current_setting('full_page_writes'),
                (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit'),
                current_schema() IS NULL",
    )
    .fetch_one(connection)
    .await?;
    if row.try_get(3)? {
        return Err(sqlx::Error::Configuration(Box::new(NoSchema)));
    }
    for (index, name) in [(0, "fsync"), (1, "full_page_writes")] {
        if row.try_get::<&str, _>(index)? == "off" {
            tracing::warn!(
                { fields::DATABASE_SETTING } = name,
                "PostgreSQL runs with this setting off: a power failure can lose or damage acknowledged commits"
            );
        }
    }
    if row.try_get::<&str, _>(2)? == "off" {
        tracing::warn!(
            { fields::DATABASE_SETTING } = "synchronous_commit",
            "PostgreSQL runs with this setting off; the event store switches it on for its sessions"
        );
    }
    Ok(())
}
