//! The limit of a write, on either engine.

use std::time::Duration;

use anyhow::Result;

use super::{PostgresLog, SqliteLog};
use crate::database::Server;
use crate::measure::Figures;

/// Above so many clients PostgreSQL's limit is what one connection writes in batches.
const MAX_CONNECTIONS: usize = 64;

/// The hand-written program beside a write.
#[derive(Debug)]
pub enum Writes {
    Postgres(PostgresLog),
    Sqlite(SqliteLog),
}

impl Writes {
    /// Makes its table in a database of the server and fills it with `preload` rows.
    pub async fn create(server: &Server, url: &str, preload: u64) -> Result<Self> {
        if server.is_postgres() {
            Ok(Self::Postgres(PostgresLog::create(url, preload).await?))
        } else {
            Ok(Self::Sqlite(SqliteLog::create(url, preload).await?))
        }
    }

    /// What a figure with this many clients is held against.
    pub fn name(&self, clients: usize) -> &'static str {
        match self {
            Self::Postgres(_) if clients > MAX_CONNECTIONS => "batched INSERT of 500",
            Self::Postgres(_) => "one-row INSERT",
            Self::Sqlite(_) => "one-row transaction",
        }
    }

    pub async fn measure(&self, clients: usize, duration: Duration) -> Result<Figures> {
        match self {
            Self::Postgres(log) if clients > MAX_CONNECTIONS => log.batched(500, duration).await,
            Self::Postgres(log) => log.one_row(clients, duration).await,
            Self::Sqlite(log) => log.batched(1, duration).await,
        }
    }
}
