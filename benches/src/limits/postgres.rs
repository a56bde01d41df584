//! Inserts into a table with the columns and indexes of `events` on PostgreSQL.

use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, Utc};
use event_sourcing::{Aggregate, Clock, DomainEvent, SystemClock};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::account::{Account, Deposited, metadata};
use crate::ids::Ids;
use crate::measure::{Client, Statistics, closed_loop};

const TABLE: &str = r#"
CREATE TABLE limit_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    aggregate_type text COLLATE "C" NOT NULL,
    aggregate_id text COLLATE "C" NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    event_data jsonb NOT NULL,
    event_metadata jsonb NOT NULL,
    event_version integer NOT NULL,
    created_at timestamptz NOT NULL,
    event_id uuid NOT NULL,
    command_id uuid,
    schema_version integer NOT NULL,
    UNIQUE (aggregate_type, aggregate_id, event_version)
);
CREATE UNIQUE INDEX ON limit_events (command_id) WHERE command_id IS NOT NULL;
"#;

const INSERT_ONE: &str = "
INSERT INTO limit_events (aggregate_type, aggregate_id, event_type, event_data, event_metadata, event_version,
    created_at, event_id, command_id, schema_version)
VALUES ($1, $2, $3, $4::jsonb, $5::jsonb, $6, $7, $8, $9, $10)";

pub(super) const INSERT_MANY: &str = "
INSERT INTO limit_events (aggregate_type, aggregate_id, event_type, event_data, event_metadata, event_version,
    created_at, event_id, command_id, schema_version)
SELECT t, i, e, d::jsonb, m::jsonb, v, c, ei, ci, s
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::timestamptz[],
    $8::uuid[], $9::uuid[], $10::int[]) AS rows (t, i, e, d, m, v, c, ei, ci, s)";

/// A log in its own database.
#[derive(Debug)]
pub struct PostgresLog {
    url: String,
}

impl PostgresLog {
    /// Creates the table and fills it with `preload` rows.
    pub async fn create(url: &str, preload: u64) -> Result<Self> {
        let mut connection = PgConnection::connect(url).await?;
        sqlx::raw_sql(TABLE).execute(&mut connection).await?;
        connection.close().await?;
        let log = Self {
            url: url.to_owned(),
        };
        let mut filler = log.batches(1_000).await?;
        let mut rows = 0;
        while rows < preload {
            rows += filler.operate().await?;
        }
        Ok(log)
    }

    /// Measures rows per second with a transaction for each row and a connection for each client.
    pub async fn one_row(&self, clients: usize, duration: Duration) -> Result<Statistics> {
        let mut all = Vec::with_capacity(clients);
        for _ in 0..clients {
            all.push(OneRow {
                connection: PgConnection::connect(&self.url).await?,
                ids: Ids::new(),
            });
        }
        closed_loop(all, duration).await
    }

    /// Measures rows per second in batches from arrays, on one connection.
    pub async fn batched(&self, batch: usize, duration: Duration) -> Result<Statistics> {
        closed_loop(vec![self.batches(batch).await?], duration).await
    }

    async fn batches(&self, batch: usize) -> Result<Batches> {
        Ok(Batches {
            connection: PgConnection::connect(&self.url).await?,
            ids: Ids::new(),
            batch,
        })
    }
}

struct OneRow {
    connection: PgConnection,
    ids: Ids,
}

impl Client for OneRow {
    async fn operate(&mut self) -> Result<u64> {
        let account = self.ids.aggregate_id();
        let command = self.ids.command_id();
        let event = Deposited::new(&account).encode();
        sqlx::query(INSERT_ONE)
            .bind(Account::TYPE)
            .bind(&account)
            .bind(event.event_type)
            .bind(&event.data)
            .bind(serde_json::to_string(&metadata())?)
            .bind(1_i32)
            .bind(SystemClock.now())
            .bind(command.event_id(0))
            .bind(command.0)
            .bind(1_i32)
            .execute(&mut self.connection)
            .await?;
        Ok(1)
    }
}

struct Batches {
    connection: PgConnection,
    ids: Ids,
    batch: usize,
}

#[derive(Default)]
struct Columns {
    types: Vec<&'static str>,
    accounts: Vec<String>,
    names: Vec<&'static str>,
    data: Vec<String>,
    metadata: Vec<String>,
    versions: Vec<i32>,
    times: Vec<DateTime<Utc>>,
    event_ids: Vec<Uuid>,
    command_ids: Vec<Uuid>,
    schemas: Vec<i32>,
}

impl Batches {
    fn columns(&mut self) -> Result<Columns> {
        let mut columns = Columns::default();
        for _ in 0..self.batch {
            let account = self.ids.aggregate_id();
            let command = self.ids.command_id();
            let event = Deposited::new(&account).encode();
            columns.types.push(Account::TYPE);
            columns.accounts.push(account);
            columns.names.push(event.event_type);
            columns.data.push(event.data);
            columns.metadata.push(serde_json::to_string(&metadata())?);
            columns.versions.push(1);
            columns.times.push(SystemClock.now());
            columns.event_ids.push(command.event_id(0));
            columns.command_ids.push(command.0);
            columns.schemas.push(1);
        }
        Ok(columns)
    }
}

impl Client for Batches {
    async fn operate(&mut self) -> Result<u64> {
        let columns = self.columns()?;
        sqlx::query(INSERT_MANY)
            .bind(columns.types)
            .bind(columns.accounts)
            .bind(columns.names)
            .bind(columns.data)
            .bind(columns.metadata)
            .bind(columns.versions)
            .bind(columns.times)
            .bind(columns.event_ids)
            .bind(columns.command_ids)
            .bind(columns.schemas)
            .execute(&mut self.connection)
            .await?;
        Ok(self.batch as u64)
    }
}
