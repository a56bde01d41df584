//! What operators do with the database: check it, copy the log, and list or remove snapshots.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_sourcing::maintenance::{
    ImportRejected, LogMaintenance, LogRecord, SnapshotKey, SnapshotSelection, StorageProblem,
};
use event_sourcing::{LogId, Position, Snapshot, StoreError};
use sql_database::NamedPool;
use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

use crate::batch::JsonText;
use crate::error::{Phase, store_error};
use crate::read::{bigint, position_of, time_of, version_of};
use crate::snapshot;
use crate::store::{PostgresEventStore, failed};

/// A unique index that must exist, by its columns, and a query for the rows that it would have prevented.
const UNIQUE_INDEXES: [(&str, &str); 3] = [
    (
        "id",
        "SELECT id FROM events GROUP BY id HAVING count(*) > 1 ORDER BY id LIMIT 100",
    ),
    (
        "aggregate_type, aggregate_id, event_version",
        "SELECT max(id) FROM events GROUP BY aggregate_type, aggregate_id, event_version
         HAVING count(*) > 1 ORDER BY 1 LIMIT 100",
    ),
    (
        "command_id",
        "SELECT max(id) FROM events WHERE command_id IS NOT NULL GROUP BY command_id
         HAVING count(*) > 1 ORDER BY 1 LIMIT 100",
    ),
];

/// The columns of each valid unique index of the table.
const INDEXES: &str = "
    SELECT (SELECT string_agg(a.attname, ', ' ORDER BY k.n)
            FROM unnest(i.indkey) WITH ORDINALITY k (number, n)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number)
    FROM pg_index i
    WHERE i.indrelid = 'events'::regclass AND i.indisunique AND i.indisvalid";

const OUTSIDE: &str = "SELECT id FROM events WHERE id < 1 ORDER BY id LIMIT 100";

const RECORDS: &str = "
    SELECT id, aggregate_type, aggregate_id, event_version, event_type, schema_version, event_id,
           command_id, created_at, event_metadata::text, event_data::text
    FROM events WHERE id > $1 ORDER BY id LIMIT $2";

const INSERT: &str = "
    INSERT INTO events (id, aggregate_type, aggregate_id, event_version, event_type, schema_version,
                        event_id, command_id, created_at, event_metadata, event_data)
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::integer[], $5::text[], $6::integer[],
                         $7::uuid[], $8::uuid[], $9::timestamptz[], $10::jsonb[], $11::jsonb[])";

const NOTIFY: &str = "SELECT pg_notify(('event_log_' || current_schema())::name::text, $1)";

#[async_trait]
impl LogMaintenance for PostgresEventStore {
    async fn storage_problems(&self) -> Result<Vec<StorageProblem>, StoreError> {
        problems(&self.pool)
            .await
            .map_err(failed("check the database"))
    }

    async fn read_records(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<LogRecord>, StoreError> {
        records(&self.pool, after, limit)
            .await
            .map_err(failed("read the stored events"))
    }

    async fn import_records(
        &self,
        log: LogId,
        after: Position,
        records: &[LogRecord],
    ) -> Result<Result<(), ImportRejected>, StoreError> {
        import(&self.pool, log, after, records)
            .await
            .map_err(|error| store_error("import events", Phase::Repeatable, error))
    }

    async fn list_snapshots(
        &self,
        selection: &SnapshotSelection,
        after: Option<&SnapshotKey>,
        limit: usize,
    ) -> Result<Vec<Snapshot>, StoreError> {
        snapshot::list(&self.pool, selection, after, limit)
            .await
            .map_err(failed("list the snapshots"))
    }

    async fn remove_snapshots(&self, selection: &SnapshotSelection) -> Result<u64, StoreError> {
        snapshot::remove_all(&self.pool, selection)
            .await
            .map_err(failed("remove snapshots"))
    }
}

async fn problems(pool: &NamedPool) -> Result<Vec<StorageProblem>, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let mut problems = Vec::new();
    let present: Vec<String> = sqlx::query_scalar(INDEXES)
        .fetch_all(&mut *connection)
        .await?;
    for (columns, repeated) in UNIQUE_INDEXES {
        if present.iter().any(|index| index == columns) {
            continue;
        }
        problems.push(StorageProblem {
            position: None,
            detail: format!("the unique index on events ({columns}) is missing"),
        });
        let repeated: Vec<i64> = sqlx::query_scalar(repeated)
            .fetch_all(&mut *connection)
            .await?;
        problems.extend(repeated.into_iter().map(|id| StorageProblem {
            position: Some(position_of(id)),
            detail: format!("another event has the same values of {columns}"),
        }));
    }
    let outside: Vec<i64> = sqlx::query_scalar(OUTSIDE)
        .fetch_all(&mut *connection)
        .await?;
    problems.extend(outside.into_iter().map(|id| StorageProblem {
        position: None,
        detail: format!("an event has the position {id}"),
    }));
    Ok(problems)
}

async fn records(
    pool: &NamedPool,
    after: Position,
    limit: usize,
) -> Result<Vec<LogRecord>, sqlx::Error> {
    let rows = sqlx::query(RECORDS)
        .bind(bigint(after.0))
        .bind(bigint(limit as u64))
        .fetch_all(&mut *pool.acquire().await?)
        .await?;
    rows.iter().map(named_record).collect()
}

/// The record of a row. An error names the position.
fn named_record(row: &PgRow) -> Result<LogRecord, sqlx::Error> {
    let position = position_of(row.try_get(0)?);
    record(row, position)
        .map_err(|error| sqlx::Error::Decode(format!("event {position}: {error}").into()))
}

fn record(row: &PgRow, position: Position) -> Result<LogRecord, sqlx::Error> {
    let schema_version: i32 = row.try_get(5)?;
    let schema_version = u32::try_from(schema_version);
    Ok(LogRecord {
        position,
        stream_type: row.try_get(1)?,
        stream_id: row.try_get(2)?,
        version: version_of(row.try_get(3)?),
        event_type: row.try_get(4)?,
        schema_version: schema_version.map_err(|error| sqlx::Error::Decode(error.into()))?,
        event_id: row.try_get(6)?,
        command_id: row.try_get(7)?,
        recorded_at: time_of(row, 8)?,
        metadata: row.try_get(9)?,
        data: row.try_get(10)?,
    })
}

async fn import(
    pool: &NamedPool,
    log: LogId,
    after: Position,
    records: &[LogRecord],
) -> Result<Result<(), ImportRejected>, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let mut transaction = connection.begin().await?;
    // The lock of the log: a process that appends waits, or this one waits for its commit.
    sqlx::query("SELECT only_row FROM event_log_lock FOR NO KEY UPDATE")
        .fetch_one(&mut *transaction)
        .await?;
    if let Some(rejected) = check(&mut transaction, log, after).await? {
        return Ok(Err(rejected));
    }
    insert(&mut transaction, records).await?;
    if let Some(last) = records.last() {
        // As an append does, so that readers of the log wake.
        sqlx::query(NOTIFY)
            .bind(last.position.to_string())
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(Ok(()))
}

/// Checks that the log is the same one and ends at `after`; an empty log becomes the log `log`.
async fn check(
    connection: &mut PgConnection,
    log: LogId,
    after: Position,
) -> Result<Option<ImportRejected>, sqlx::Error> {
    let head: i64 = sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM events")
        .fetch_one(&mut *connection)
        .await?;
    let actual = position_of(head);
    if actual != after {
        return Ok(Some(ImportRejected::Moved {
            expected: after,
            actual,
        }));
    }
    if after == Position::START {
        sqlx::query("UPDATE event_log_id SET id = $1")
            .bind(log.0)
            .execute(connection)
            .await?;
        return Ok(None);
    }
    let found: Uuid = sqlx::query_scalar("SELECT id FROM event_log_id")
        .fetch_one(connection)
        .await?;
    let found = LogId(found);
    Ok((found != log).then_some(ImportRejected::OtherLog {
        expected: log,
        found,
    }))
}

async fn insert(connection: &mut PgConnection, records: &[LogRecord]) -> Result<(), sqlx::Error> {
    fn column<'r, T>(records: &'r [LogRecord], value: impl Fn(&'r LogRecord) -> T) -> Vec<T> {
        records.iter().map(value).collect()
    }
    let integer = |value: u64| i32::try_from(value).unwrap_or(i32::MAX);
    sqlx::query(INSERT)
        .bind(column(records, |record| bigint(record.position.0)))
        .bind(column(records, |record| record.stream_type.as_str()))
        .bind(column(records, |record| record.stream_id.as_str()))
        .bind(column(records, |record| integer(record.version.0)))
        .bind(column(records, |record| record.event_type.as_str()))
        .bind(column(records, |record| {
            integer(record.schema_version.into())
        }))
        .bind(column(records, |record| record.event_id))
        .bind(column(records, |record| record.command_id))
        .bind(column::<DateTime<Utc>>(records, |record| {
            record.recorded_at
        }))
        .bind(column(records, |record| JsonText(record.metadata.as_str())))
        .bind(column(records, |record| JsonText(record.data.as_str())))
        .execute(connection)
        .await?;
    Ok(())
}
