//! The limit of a write, on either engine.

use std::time::Duration;

use anyhow::Result;

use super::{PostgresLog, SqliteLog};
use crate::database::Server;
use crate::measure::Statistics;

/// With more clients, the limit on PostgreSQL is one connection that writes batches.
const MAX_CONNECTIONS: usize = 64;

/// The limit of a write.
#[derive(Debug)]
pub enum Writes {
    Postgres(PostgresLog),
    Sqlite(SqliteLog),
}

impl Writes {
    /// Creates its table in a database of the server and fills it with `preload` rows.
    pub async fn create(server: &Server, url: &str, preload: u64) -> Result<Self> {
        if server.is_postgres() {
            Ok(Self::Postgres(PostgresLog::create(url, preload).await?))
        } else {
            Ok(Self::Sqlite(SqliteLog::create(url, preload).await?))
        }
    }

    /// The name of the limit for this number of clients.
    pub fn name(&self, clients: usize) -> &'static str {
        match self {
            Self::Postgres(_) if clients > MAX_CONNECTIONS => "batched INSERT of 500",
            Self::Postgres(_) => "one-row INSERT",
            Self::Sqlite(_) => "one-row transaction",
        }
    }

    pub async fn measure(&self, clients: usize, duration: Duration) -> Result<Statistics> {
        match self {
            Self::Postgres(log) if clients > MAX_CONNECTIONS => log.batched(500, duration).await,
            Self::Postgres(log) => log.one_row(clients, duration).await,
            Self::Sqlite(log) => log.batched(1, duration).await,
        }
    }
}
