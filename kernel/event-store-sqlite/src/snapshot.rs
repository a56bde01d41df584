//! Snapshots: the latest folded state of a stream for each schema version.

use event_sourcing::maintenance::{SnapshotKey, SnapshotSelection};
use event_sourcing::{Snapshot, StreamId, Version};
use sqlx::SqliteConnection;

use crate::read;

pub(crate) async fn load(
    conn: &mut SqliteConnection,
    stream: &StreamId,
    schema_version: u32,
) -> Result<Option<Snapshot>, sqlx::Error> {
    let rows: Vec<(u64, String, String)> = sqlx::query_as(
        "SELECT version, created_at, state FROM snapshots
         WHERE aggregate_type = ? AND aggregate_id = ? AND schema_version = ?",
    )
    .bind(stream.aggregate_type())
    .bind(stream.aggregate_id())
    .bind(schema_version)
    .fetch_all(conn)
    .await?;
    let Some((version, created_at, state)) = rows.into_iter().next() else {
        return Ok(None);
    };
    Ok(Some(Snapshot {
        stream: stream.clone(),
        version: Version(version),
        schema_version,
        state,
        // The state does not depend on it, so a damaged time must not prevent the load.
        created_at: read::parse_time(&created_at).unwrap_or_default(),
    }))
}

pub(crate) async fn save(
    conn: &mut SqliteConnection,
    snapshot: &Snapshot,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        // The condition makes concurrent saves safe: an older snapshot never replaces a newer one.
        "INSERT INTO snapshots (aggregate_type, aggregate_id, schema_version, version, created_at, state)
         VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE
         SET version = excluded.version, created_at = excluded.created_at, state = excluded.state
         WHERE excluded.version > snapshots.version",
    )
    .bind(snapshot.stream.aggregate_type())
    .bind(snapshot.stream.aggregate_id())
    .bind(snapshot.schema_version)
    .bind(read::stored(snapshot.version.0))
    .bind(read::time_text(snapshot.created_at))
    .bind(&snapshot.state)
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn remove(
    conn: &mut SqliteConnection,
    stream: &StreamId,
    schema_version: u32,
    version: Version,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        // Only the version that the caller found unusable: a newer one may have been saved since.
        "DELETE FROM snapshots
         WHERE aggregate_type = ? AND aggregate_id = ? AND schema_version = ? AND version = ?",
    )
    .bind(stream.aggregate_type())
    .bind(stream.aggregate_id())
    .bind(schema_version)
    .bind(read::stored(version.0))
    .execute(conn)
    .await?;
    Ok(())
}

/// The selected snapshots in the order of the primary key. An absent bound is the empty key, which is before all.
pub(crate) async fn list(
    conn: &mut SqliteConnection,
    selection: &SnapshotSelection,
    after: Option<&SnapshotKey>,
    limit: usize,
) -> Result<Vec<Snapshot>, sqlx::Error> {
    type SnapshotRow = (String, String, u32, u64, String, String);
    let (after_type, after_id, after_schema) = after.map_or(("", "", 0), |key| {
        let stream = &key.stream;
        (
            stream.aggregate_type(),
            stream.aggregate_id(),
            key.schema_version,
        )
    });
    let rows: Vec<SnapshotRow> = sqlx::query_as(
        "SELECT aggregate_type, aggregate_id, schema_version, version, created_at, state FROM snapshots
         WHERE (?1 IS NULL OR aggregate_type = ?1) AND (?2 IS NULL OR aggregate_id = ?2)
           AND (?3 IS NULL OR schema_version = ?3)
           AND (aggregate_type, aggregate_id, schema_version) > (?4, ?5, ?6)
         ORDER BY aggregate_type, aggregate_id, schema_version LIMIT ?7",
    )
    .bind(&selection.stream_type)
    .bind(&selection.stream_id)
    .bind(selection.schema_version)
    .bind(after_type)
    .bind(after_id)
    .bind(after_schema)
    .bind(read::stored(limit as u64))
    .fetch_all(conn)
    .await?;
    let snapshot = |(kind, id, schema_version, version, created_at, state): SnapshotRow| Snapshot {
        stream: StreamId::stored(kind, id),
        version: Version(version),
        schema_version,
        state,
        created_at: read::parse_time(&created_at).unwrap_or_default(),
    };
    Ok(rows.into_iter().map(snapshot).collect())
}

pub(crate) async fn remove_all(
    conn: &mut SqliteConnection,
    selection: &SnapshotSelection,
) -> Result<u64, sqlx::Error> {
    let removed = sqlx::query(
        "DELETE FROM snapshots
         WHERE (?1 IS NULL OR aggregate_type = ?1) AND (?2 IS NULL OR aggregate_id = ?2)
           AND (?3 IS NULL OR schema_version = ?3)",
    )
    .bind(&selection.stream_type)
    .bind(&selection.stream_id)
    .bind(selection.schema_version)
    .execute(conn)
    .await?;
    Ok(removed.rows_affected())
}
