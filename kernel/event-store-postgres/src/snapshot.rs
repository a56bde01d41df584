//! Snapshots: the latest folded state of a stream for each schema version.

use event_sourcing::{Snapshot, StreamId, Version};
use sql_database::NamedPool;
use sqlx::Row;

use crate::batch::JsonText;
use crate::read::time_of;
use crate::read::version_of;

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
