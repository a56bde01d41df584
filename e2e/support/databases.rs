//! Reads the databases directly, to compare what the services report with what is stored.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::types::chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection};
use test_shop::{Store, until_within};

use super::expect::report;

/// The number of events in a page.
const PAGE: i64 = 5_000;

const EVENTS: &str = "SELECT id, aggregate_type, aggregate_id, CAST(event_version AS BIGINT), event_type, \
    CAST(event_data AS TEXT) FROM events WHERE id > $1 ORDER BY id LIMIT $2";
const HEAD: &str = "SELECT COALESCE(MAX(id), 0) FROM events";
const SAGAS: &str = "SELECT id, event_type FROM events WHERE id > $1 \
    AND event_type IN ('SagaStarted', 'SagaCompleted', 'SagaCompensated', 'SagaFailed') ORDER BY id";
/// The last event of each saga that has not ended.
const OPEN: &str = "SELECT e.aggregate_id, e.event_type, e.created_at, CAST(e.event_data AS text) FROM events e \
    WHERE e.aggregate_type IN ('order_saga', 'cancel_order_saga') \
    AND NOT EXISTS (SELECT 1 FROM events l WHERE l.aggregate_type = e.aggregate_type \
        AND l.aggregate_id = e.aggregate_id AND (l.event_version > e.event_version \
        OR l.event_type IN ('SagaCompleted', 'SagaCompensated', 'SagaFailed'))) \
    ORDER BY e.id";
const TIMES: &str =
    "SELECT event_type, created_at FROM events WHERE aggregate_id = $1 ORDER BY event_version";
/// PostgreSQL only: with SQLite the process dates events by its own clock, which a test may have set wrong.
const MISDATED: &str = "SELECT count(*) FROM events WHERE created_at NOT BETWEEN $1 AND clock_timestamp() + interval '5 s'";
const LEASES: &str = "SELECT name, owner, token FROM leases WHERE name LIKE 'saga/%'";
const BOOK: &str =
    "SELECT kind, order_id, amount_cents, state, deliveries FROM simulated_book ORDER BY key";

/// A stored event.
#[derive(Debug)]
pub struct StoredEvent {
    pub position: i64,
    pub category: String,
    pub stream: String,
    pub version: i64,
    pub event_type: String,
    pub data: Value,
}

/// A row of the simulated providers' ledger.
#[derive(Debug)]
pub struct Entry {
    pub kind: String,
    pub order_id: String,
    pub amount_cents: i64,
    /// `done`, `declined`, `compensated` or `closed`.
    pub state: String,
    /// How often the provider received the action.
    pub deliveries: i64,
}

/// A separate read-only connection.
#[derive(Debug)]
pub enum Database {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

macro_rules! rows {
    ($database:expr, $sql:expr $(, $value:expr)*) => {
        match $database {
            Database::Sqlite(connection) => {
                sqlx::query_as($sql)$(.bind($value))*.fetch_all(connection).await
            }
            Database::Postgres(connection) => {
                sqlx::query_as($sql)$(.bind($value))*.fetch_all(connection).await
            }
        }
    };
}

impl Database {
    /// The database with the events.
    pub async fn events(store: &Store) -> Result<Self> {
        match store {
            Store::Sqlite { folder } => Self::file(folder, "event_store.db").await,
            Store::Postgres { events, .. } => Self::server(events).await,
        }
    }

    /// The database with the providers' ledger.
    pub async fn command(store: &Store) -> Result<Self> {
        match store {
            Store::Sqlite { folder } => Self::file(folder, "command_service.db").await,
            Store::Postgres { command, .. } => Self::server(command).await,
        }
    }

    /// The database with the read models.
    pub async fn query(store: &Store) -> Result<Self> {
        match store {
            Store::Sqlite { folder } => Self::file(folder, "query_service.db").await,
            Store::Postgres { query, .. } => Self::server(query).await,
        }
    }

    async fn file(folder: &str, name: &str) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(format!("{folder}/{name}"))
            .read_only(true);
        let connection = options.connect().await;
        Ok(Self::Sqlite(
            connection.with_context(|| format!("open {name}"))?,
        ))
    }

    async fn server(url: &str) -> Result<Self> {
        let connection = PgConnection::connect(url).await;
        Ok(Self::Postgres(connection.context("connect to PostgreSQL")?))
    }

    /// A page of events after the position `after`; empty at the end.
    pub async fn page(&mut self, after: i64) -> Result<Vec<StoredEvent>> {
        let rows: Vec<(i64, String, String, i64, String, String)> =
            rows!(self, EVENTS, after, PAGE).context("read events")?;
        rows.into_iter()
            .map(|(position, category, stream, version, event_type, data)| {
                Ok(StoredEvent {
                    position,
                    category,
                    stream,
                    version,
                    event_type,
                    data: serde_json::from_str(&data)?,
                })
            })
            .collect()
    }

    /// The number of rows that a query returns.
    pub async fn count(&mut self, query: &str) -> Result<i64> {
        let query = query.trim().trim_end_matches(';');
        let sql = AssertSqlSafe(format!("SELECT count(*) FROM ({query}) AS asked"));
        let rows: Vec<(i64,)> = rows!(self, sql)?;
        Ok(rows.first().context("no row")?.0)
    }

    /// Runs statements on the database with the read models and rolls them back, on a connection that can write.
    pub async fn rehearse(store: &Store, script: &str) -> Result<()> {
        let script = AssertSqlSafe(format!("BEGIN; {script}; ROLLBACK"));
        match store {
            Store::Sqlite { folder } => {
                let file = format!("{folder}/query_service.db");
                let options = SqliteConnectOptions::new().filename(file);
                let mut connection = options.connect().await?;
                sqlx::raw_sql(script).execute(&mut connection).await?;
                connection.close().await?;
            }
            Store::Postgres { query, .. } => {
                let mut connection = PgConnection::connect(query).await?;
                sqlx::raw_sql(script).execute(&mut connection).await?;
                connection.close().await?;
            }
        }
        Ok(())
    }

    /// The position of the last event.
    pub async fn head(&mut self) -> Result<i64> {
        let rows: Vec<(i64,)> = rows!(self, HEAD).context("read the head")?;
        let (head,) = rows.first().context("no row")?;
        Ok(*head)
    }

    /// The event types of the streams with this id, and when they were stored.
    pub async fn times_of(&mut self, stream: &str) -> Result<Vec<(String, DateTime<Utc>)>> {
        rows!(self, TIMES, stream).context("read times")
    }

    /// The number of events dated before `since` or after now, by the server's clock.
    pub async fn misdated(&mut self, since: DateTime<Utc>) -> Result<i64> {
        let Self::Postgres(connection) = self else {
            bail!("not on a server");
        };
        let count = sqlx::query_scalar(MISDATED).bind(since);
        count.fetch_one(connection).await.context("read times")
    }

    pub async fn time(&mut self) -> Result<DateTime<Utc>> {
        let Self::Postgres(connection) = self else {
            bail!("not on a server");
        };
        let time = sqlx::query_scalar("SELECT clock_timestamp()");
        time.fetch_one(connection).await.context("read the time")
    }

    /// The owner of each partition of the sagas, and its fencing token, which counts the changes of owner.
    pub async fn leases(&mut self) -> Result<Vec<(String, String, i64)>> {
        rows!(self, LEASES).context("read leases")
    }

    /// All actions of the simulated providers.
    pub async fn ledger(&mut self) -> Result<Vec<Entry>> {
        let rows: Vec<(String, String, i64, String, i64)> =
            rows!(self, BOOK).context("read the providers' ledger")?;
        let entry = |(kind, order_id, amount_cents, state, deliveries)| Entry {
            kind,
            order_id,
            amount_cents,
            state,
            deliveries,
        };
        Ok(rows.into_iter().map(entry).collect())
    }

    pub async fn close(self) -> Result<()> {
        match self {
            Self::Sqlite(connection) => connection.close().await?,
            Self::Postgres(connection) => connection.close().await?,
        }
        Ok(())
    }
}

/// Counts started and ended sagas as the log grows.
#[derive(Debug)]
pub struct SagaCount {
    database: Database,
    through: i64,
    pub started: usize,
    pub ended: usize,
}

impl SagaCount {
    /// Counts the starts and ends after the position `after`.
    pub async fn after(store: &Store, after: i64) -> Result<Self> {
        Ok(Self {
            database: Database::events(store).await?,
            through: after,
            started: 0,
            ended: 0,
        })
    }

    /// Counts the events since the last call.
    pub async fn look(&mut self) -> Result<()> {
        let rows: Vec<(i64, String)> =
            rows!(&mut self.database, SAGAS, self.through).context("read sagas")?;
        for (position, event_type) in rows {
            self.through = position;
            match event_type.as_str() {
                "SagaStarted" => self.started += 1,
                _ => self.ended += 1,
            }
        }
        Ok(())
    }

    /// Waits until every saga of the log has ended.
    pub async fn all_ended(store: &Store, timeout: Duration) -> Result<()> {
        let mut count = Self::after(store, 0).await?;
        let all = until_within(timeout, "the end of every saga", async || {
            count.look().await?;
            let Self { started, ended, .. } = count;
            ensure!(started == ended, "{ended} of {started} have ended");
            Ok(())
        })
        .await;
        if all.is_err() {
            let open: Vec<(String, String, DateTime<Utc>, String)> =
                rows!(&mut count.database, OPEN).context("read open sagas")?;
            for (saga, event_type, at, data) in open {
                report(&format!("open since {at}: {saga} {event_type} {data}"));
            }
        }
        all?;
        count.database.close().await
    }

    /// Waits until `many` sagas have ended after the position `after`.
    pub async fn wait_for_ends(
        store: &Store,
        many: usize,
        after: i64,
        timeout: Duration,
    ) -> Result<()> {
        let mut count = Self::after(store, after).await?;
        until_within(timeout, "the ends of sagas", async || {
            count.look().await?;
            ensure!(count.ended >= many, "{} of {many}", count.ended);
            Ok(())
        })
        .await?;
        count.database.close().await
    }
}
