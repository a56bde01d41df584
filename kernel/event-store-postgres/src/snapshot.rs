//! Snapshots: the latest folded state of a stream for each schema version.

use event_sourcing::maintenance::{SnapshotKey, SnapshotSelection};
use event_sourcing::{Snapshot, StreamId, Version};
use sql_database::NamedPool;
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::batch::JsonText;
use crate::read::{bigint, time_of, version_of};

pub(crate) async fn load(
    pool: &NamedPool,
    stream: &StreamId,
    schema_version: u32,
) -> Result<Option<Snapshot>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT version, state::text, created_at FROM snapshots
         WHERE aggregate_type = $1 AND aggregate_id = $2 AND schema_version = $3",
    )
    .bind(stream.aggregate_type())
    .bind(stream.aggregate_id())
    .bind(stored_schema(schema_version))
    .fetch_optional(&mut *pool.acquire().await?)
    .await?;
    row.map(|row| {
        Ok(Snapshot {
            stream: stream.clone(),
            version: version_of(row.try_get(0)?),
            schema_version,
            state: row.try_get(1)?,
            // The state does not depend on it, so a damaged time must not prevent the load.
            created_at: time_of(&row, 2).unwrap_or_default(),
        })
    })
    .transpose()
}

pub(crate) async fn save(pool: &NamedPool, snapshot: &Snapshot) -> Result<(), sqlx::Error> {
    sqlx::query(
        // The condition makes concurrent saves safe: an older snapshot never replaces a newer one.
        "INSERT INTO snapshots
             (aggregate_type, aggregate_id, schema_version, version, state, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (aggregate_type, aggregate_id, schema_version) DO UPDATE
         SET version = excluded.version, state = excluded.state, created_at = excluded.created_at
         WHERE snapshots.version < excluded.version",
    )
    .bind(snapshot.stream.aggregate_type())
    .bind(snapshot.stream.aggregate_id())
    .bind(stored_schema(snapshot.schema_version))
    .bind(stored_version(snapshot.version))
    .bind(JsonText(&snapshot.state))
    .bind(snapshot.created_at)
    .execute(&mut *pool.acquire().await?)
    .await?;
    Ok(())
}

pub(crate) async fn remove(
    pool: &NamedPool,
    stream: &StreamId,
    schema_version: u32,
    version: Version,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        // Only the version that the caller found unusable: a newer one may have been saved since.
        "DELETE FROM snapshots
         WHERE aggregate_type = $1 AND aggregate_id = $2 AND schema_version = $3 AND version = $4",
    )
    .bind(stream.aggregate_type())
    .bind(stream.aggregate_id())
    .bind(stored_schema(schema_version))
    .bind(stored_version(version))
    .execute(&mut *pool.acquire().await?)
    .await?;
    Ok(())
}

fn stored_version(version: Version) -> i32 {
    i32::try_from(version.0).unwrap_or(i32::MAX)
}

fn stored_schema(schema_version: u32) -> i32 {
    i32::try_from(schema_version).unwrap_or(i32::MAX)
}

/// The selected snapshots in the order of the unique index. An absent bound is the empty key, which is before all.
pub(crate) async fn list(
    pool: &NamedPool,
    selection: &SnapshotSelection,
    after: Option<&SnapshotKey>,
    limit: usize,
) -> Result<Vec<Snapshot>, sqlx::Error> {
    let (after_type, after_id, after_schema) = after.map_or(("", "", 0), |key| {
        let stream = &key.stream;
        (
            stream.aggregate_type(),
            stream.aggregate_id(),
            key.schema_version,
        )
    });
    let rows = sqlx::query(
        "SELECT aggregate_type, aggregate_id, schema_version, version, state::text, created_at FROM snapshots
         WHERE ($1::text IS NULL OR aggregate_type = $1) AND ($2::text IS NULL OR aggregate_id = $2)
           AND ($3::integer IS NULL OR schema_version = $3)
           AND (aggregate_type, aggregate_id, schema_version) > ($4, $5, $6)
         ORDER BY aggregate_type, aggregate_id, schema_version LIMIT $7",
    )
    .bind(&selection.stream_type)
    .bind(&selection.stream_id)
    .bind(selection.schema_version.map(stored_schema))
    .bind(after_type)
    .bind(after_id)
    .bind(stored_schema(after_schema))
    .bind(bigint(limit as u64))
    .fetch_all(&mut *pool.acquire().await?)
    .await?;
    rows.iter().map(snapshot).collect()
}

fn snapshot(row: &PgRow) -> Result<Snapshot, sqlx::Error> {
    let schema_version: i32 = row.try_get(2)?;
    Ok(Snapshot {
        stream: StreamId::stored(row.try_get(0)?, row.try_get::<&str, _>(1)?),
        schema_version: schema_version.unsigned_abs(),
        version: version_of(row.try_get(3)?),
        state: row.try_get(4)?,
        created_at: time_of(row, 5).unwrap_or_default(),
    })
}

pub(crate) async fn remove_all(
    pool: &NamedPool,
    selection: &SnapshotSelection,
) -> Result<u64, sqlx::Error> {
    let removed = sqlx::query(
        "DELETE FROM snapshots
         WHERE ($1::text IS NULL OR aggregate_type = $1) AND ($2::text IS NULL OR aggregate_id = $2)
           AND ($3::integer IS NULL OR schema_version = $3)",
    )
    .bind(&selection.stream_type)
    .bind(&selection.stream_id)
    .bind(selection.schema_version.map(stored_schema))
    .execute(&mut *pool.acquire().await?)
    .await?;
    Ok(removed.rows_affected())
}
