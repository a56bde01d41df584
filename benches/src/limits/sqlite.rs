//! Inserts into a table with the columns and indexes of `events`, on SQLite with WAL and `synchronous = FULL`.

use std::time::Duration;

use anyhow::Result;
use event_sourcing::{Aggregate, Clock, DomainEvent, SystemClock};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, QueryBuilder, SqliteConnection};

use crate::account::{Account, Deposited, metadata};
use crate::ids::Ids;
use crate::measure::{Client, Statistics, closed_loop};

const TABLE: &str = "
CREATE TABLE IF NOT EXISTS limit_events (
    id INTEGER PRIMARY KEY,
    aggregate_type TEXT NOT NULL,
    aggregate_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    event_data TEXT NOT NULL,
    event_metadata TEXT NOT NULL,
    event_version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    event_id BLOB NOT NULL,
    command_id BLOB,
    schema_version INTEGER NOT NULL,
    UNIQUE (aggregate_type, aggregate_id, event_version)
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS limit_command_ids ON limit_events (command_id) WHERE command_id IS NOT NULL;
";

const INSERT: &str = "
INSERT INTO limit_events (aggregate_type, aggregate_id, event_type, event_data, event_metadata, event_version,
    created_at, event_id, command_id, schema_version) ";

/// A log in its own file.
#[derive(Debug)]
pub struct SqliteLog {
    url: String,
}

impl SqliteLog {
    /// Creates the table and fills it with `preload` rows.
    pub async fn create(url: &str, preload: u64) -> Result<Self> {
        let mut connection = connect(url).await?;
        sqlx::raw_sql(TABLE).execute(&mut connection).await?;
        connection.close().await?;
        let log = Self {
            url: url.to_owned(),
        };
        let mut filler = log.writer(500).await?;
        let mut rows = 0;
        while rows < preload {
            rows += filler.operate().await?;
        }
        Ok(log)
    }

    /// Measures rows per second with `batch` rows in each transaction, on one connection: SQLite has one writer at a
    /// time.
    pub async fn batched(&self, batch: usize, duration: Duration) -> Result<Statistics> {
        closed_loop(vec![self.writer(batch).await?], duration).await
    }

    async fn writer(&self, batch: usize) -> Result<Writer> {
        Ok(Writer {
            connection: connect(&self.url).await?,
            ids: Ids::new(),
            batch,
        })
    }
}

async fn connect(url: &str) -> Result<SqliteConnection> {
    let options = url
        .parse::<SqliteConnectOptions>()?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    Ok(options.connect().await?)
}

struct Writer {
    connection: SqliteConnection,
    ids: Ids,
    batch: usize,
}

impl Client for Writer {
    async fn operate(&mut self) -> Result<u64> {
        let mut rows = Vec::with_capacity(self.batch);
        for _ in 0..self.batch {
            rows.push((self.ids.aggregate_id(), self.ids.command_id()));
        }
        let metadata = serde_json::to_string(&metadata())?;
        let mut statement = QueryBuilder::new(INSERT);
        statement.push_values(rows, |mut row, (account, command)| {
            let event = Deposited::new(&account).encode();
            row.push_bind(Account::TYPE)
                .push_bind(account)
                .push_bind(event.event_type)
                .push_bind(event.data)
                .push_bind(metadata.clone())
                .push_bind(1_i32)
                .push_bind(SystemClock.now().timestamp_micros())
                .push_bind(command.event_id(0))
                .push_bind(command.0)
                .push_bind(1_i32);
        });
        statement.build().execute(&mut self.connection).await?;
        Ok(self.batch as u64)
    }
}
