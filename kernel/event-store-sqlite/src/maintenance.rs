//! What operators do with the file: check it, copy the log, and list or remove snapshots.

use async_trait::async_trait;
use event_sourcing::maintenance::{
    ImportRejected, LogMaintenance, LogRecord, SnapshotKey, SnapshotSelection, StorageProblem,
};
use event_sourcing::{LogId, Position, Snapshot, StoreError, Version};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::error::{nothing_happened, outcome_unknown};
use crate::read::{self, parse_time, select_events};
use crate::snapshot;
use crate::store::SqliteEventStore;

/// The indexes that prevent a doubled version and a doubled command id.
const UNIQUE_INDEXES: [&str; 2] = ["events_stream", "events_command"];

#[async_trait]
impl LogMaintenance for SqliteEventStore {
    async fn storage_problems(&self) -> Result<Vec<StorageProblem>, StoreError> {
        let operation = "check the file";
        let mut session = self.reader(operation).await?;
        let done = problems(session.connection()).await;
        session
            .finish(done)
            .await
            .map_err(nothing_happened(operation))
    }

    async fn read_records(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<LogRecord>, StoreError> {
        let operation = "read the stored events";
        let mut session = self.reader(operation).await?;
        let done = records(session.connection(), after, limit).await;
        session
            .finish(done)
            .await
            .map_err(nothing_happened(operation))
    }

    async fn import_records(
        &self,
        log: LogId,
        after: Position,
        records: &[LogRecord],
    ) -> Result<Result<(), ImportRejected>, StoreError> {
        let operation = "import events";
        self.can_write(operation)?;
        let transaction = self.file.begin().await;
        let mut transaction = transaction.map_err(nothing_happened(operation))?;
        match import(transaction.connection(), log, after, records).await {
            Ok(Ok(())) => {
                let committed = transaction.commit().await;
                committed.map_err(outcome_unknown(operation))?;
                if let Some(last) = records.last() {
                    self.publish_head(last.position);
                }
                Ok(Ok(()))
            }
            Ok(rejected) => {
                let undone = transaction.rollback().await;
                undone.map_err(nothing_happened(operation))?;
                Ok(rejected)
            }
            Err(error) => {
                let error = transaction.abandon(error).await;
                Err(nothing_happened(operation)(error))
            }
        }
    }

    async fn list_snapshots(
        &self,
        selection: &SnapshotSelection,
        after: Option<&SnapshotKey>,
        limit: usize,
    ) -> Result<Vec<Snapshot>, StoreError> {
        let operation = "list the snapshots";
        let mut session = self.reader(operation).await?;
        let done = snapshot::list(session.connection(), selection, after, limit).await;
        session
            .finish(done)
            .await
            .map_err(nothing_happened(operation))
    }

    async fn remove_snapshots(&self, selection: &SnapshotSelection) -> Result<u64, StoreError> {
        let operation = "remove snapshots";
        let mut session = self.writer(operation).await?;
        let done = snapshot::remove_all(session.connection(), selection).await;
        session
            .finish(done)
            .await
            .map_err(outcome_unknown(operation))
    }
}

/// What cannot be read because of damage is a problem itself, and must not hide the others.
async fn problems(conn: &mut SqliteConnection) -> Result<Vec<StorageProblem>, sqlx::Error> {
    let of_file = |detail| StorageProblem {
        position: None,
        detail,
    };
    let mut problems = Vec::new();
    let lines = match integrity(conn, 100).await {
        Ok(lines) => lines,
        // After the lines about a damaged table the check may end with an error. The first line says where.
        Err(error) => {
            problems.push(of_file(damaged(error)?));
            integrity(conn, 1).await.unwrap_or_default()
        }
    };
    let lines = lines.into_iter().filter(|line| line != "ok");
    problems.extend(lines.map(|line| of_file(format!("the file is damaged: {line}"))));
    for index in UNIQUE_INDEXES {
        let present: Vec<i64> = sqlx::query_scalar(
            "SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ? AND sql LIKE 'CREATE UNIQUE INDEX%'",
        )
        .bind(index)
        .fetch_all(&mut *conn)
        .await?;
        if present.is_empty() {
            problems.push(of_file(format!("the unique index {index} is missing")));
        }
    }
    let outside = sqlx::query_scalar("SELECT id FROM events WHERE id < 1 ORDER BY id LIMIT 100")
        .fetch_all(conn)
        .await;
    let outside: Vec<i64> = match outside {
        Ok(outside) => outside,
        Err(error) => {
            problems.push(of_file(damaged(error)?));
            Vec::new()
        }
    };
    let outside = outside.into_iter();
    problems.extend(outside.map(|id| of_file(format!("an event has the position {id}"))));
    Ok(problems)
}

/// The first lines of the file's own check, which are `ok` if it is whole.
async fn integrity(conn: &mut SqliteConnection, limit: i64) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT integrity_check FROM pragma_integrity_check LIMIT ?")
        .bind(limit)
        .fetch_all(conn)
        .await
}

/// Describes an error that reports damage; returns any other.
fn damaged(error: sqlx::Error) -> Result<String, sqlx::Error> {
    // SQLITE_CORRUPT and SQLITE_NOTADB; the other bits of a code say more about where.
    const DAMAGED: [i32; 2] = [11, 26];
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    let code = code.and_then(|code| code.parse::<i32>().ok());
    if code.is_some_and(|code| DAMAGED.contains(&(code & 0xff))) {
        return Ok(format!("the file is damaged: {error}"));
    }
    Err(error)
}

async fn records(
    conn: &mut SqliteConnection,
    after: Position,
    limit: usize,
) -> Result<Vec<LogRecord>, sqlx::Error> {
    let rows = sqlx::query(select_events!("WHERE id > ? ORDER BY id LIMIT ?"))
        .bind(read::stored(after.0))
        .bind(read::stored(limit as u64))
        .fetch_all(conn)
        .await?;
    rows.iter().map(named_record).collect()
}

/// The record of a row. An error names the position.
fn named_record(row: &SqliteRow) -> Result<LogRecord, sqlx::Error> {
    let position = row.try_get(0)?;
    record(row, Position(position))
        .map_err(|error| sqlx::Error::Decode(format!("event {position}: {error}").into()))
}

fn record(row: &SqliteRow, position: Position) -> Result<LogRecord, sqlx::Error> {
    let event_id: Hyphenated = row.try_get(6)?;
    let command_id: Option<Hyphenated> = row.try_get(7)?;
    Ok(LogRecord {
        position,
        stream_type: row.try_get(1)?,
        stream_id: row.try_get(2)?,
        version: Version(row.try_get(3)?),
        event_type: row.try_get(4)?,
        schema_version: row.try_get(5)?,
        event_id: event_id.into_uuid(),
        command_id: command_id.map(Hyphenated::into_uuid),
        recorded_at: parse_time(row.try_get(8)?)?,
        metadata: row.try_get(9)?,
        data: row.try_get(10)?,
    })
}

async fn import(
    conn: &mut SqliteConnection,
    log: LogId,
    after: Position,
    records: &[LogRecord],
) -> Result<Result<(), ImportRejected>, sqlx::Error> {
    let actual = read::head(&mut *conn).await?;
    if actual != after {
        return Ok(Err(ImportRejected::Moved {
            expected: after,
            actual,
        }));
    }
    if after == Position::START {
        sqlx::query("UPDATE event_log_id SET id = ?")
            .bind(log.0.hyphenated())
            .execute(&mut *conn)
            .await?;
    } else {
        let found: Vec<Hyphenated> = sqlx::query_scalar("SELECT id FROM event_log_id")
            .fetch_all(&mut *conn)
            .await?;
        let found = found.first().ok_or(sqlx::Error::RowNotFound)?;
        let found = LogId(found.into_uuid());
        if found != log {
            return Ok(Err(ImportRejected::OtherLog {
                expected: log,
                found,
            }));
        }
    }
    for record in records {
        insert(conn, record).await?;
    }
    Ok(Ok(()))
}

async fn insert(conn: &mut SqliteConnection, record: &LogRecord) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO events (id, aggregate_type, aggregate_id, event_version, event_type, schema_version, event_id, \
         command_id, created_at, event_metadata, event_data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(read::stored(record.position.0))
    .bind(&record.stream_type)
    .bind(&record.stream_id)
    .bind(read::stored(record.version.0))
    .bind(&record.event_type)
    .bind(record.schema_version)
    .bind(record.event_id.hyphenated())
    .bind(record.command_id.map(Uuid::hyphenated))
    .bind(read::time_text(record.recorded_at))
    .bind(&record.metadata)
    .bind(&record.data)
    .execute(conn)
    .await?;
    Ok(())
}
