//! Reads pages, receipts and the status of commands, each with one statement and so from one snapshot.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use event_sourcing::store::MAX_PAGE_EVENTS;
use event_sourcing::{
    CommandId, CommandStatus, Entry, Envelope, Filter, LogPage, Metadata, Position, Receipt,
    SteadyClock, StoredContent, StoredPlace, StreamId, StreamPage, Unreadable, Version,
};
use sql_database::NamedPool;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgExecutor, Row};
use uuid::Uuid;

/// Maximum number of events that one filtered page scans: a few milliseconds of work.
const SCAN_EVENTS: u64 = 10_000;

/// Also returns the server's time, which corrects the process's clock.
const HEAD: &str = "SELECT coalesce(max(id), 0), clock_timestamp() FROM events";

const STREAM: &str = "
    SELECT id, aggregate_type, aggregate_id, event_version, event_id, command_id, event_type,
           schema_version, event_data::text, event_metadata, created_at
    FROM events
    WHERE aggregate_type = $1 AND aggregate_id = $2 AND event_version > $3
    ORDER BY event_version
    LIMIT $4";

/// Returns the head also if there is no event. The rows are sorted by the caller: with an outer `ORDER BY` the server
/// would sort the page again with all its columns, although it reads it in order.
const LOG: &str = "
    SELECT e.id, e.aggregate_type, e.aggregate_id, e.event_version, e.event_id, e.command_id,
           e.event_type, e.schema_version, e.event_data::text, e.event_metadata, e.created_at,
           h.position
    FROM (SELECT coalesce(max(id), 0) AS position FROM events) h
    LEFT JOIN LATERAL (
        SELECT * FROM events WHERE id > $1 ORDER BY id LIMIT $2
    ) e ON true";

/// No index serves the filter, so that the planner can only use the one on positions: a page scans a bounded part of
/// the log, whatever the filter.
const FILTERED_LOG: &str = "
    SELECT e.id, e.aggregate_type, e.aggregate_id, e.event_version, e.event_id, e.command_id,
           e.event_type, e.schema_version, e.event_data::text, e.event_metadata, e.created_at,
           h.position
    FROM (SELECT coalesce(max(id), 0) AS position FROM events) h
    LEFT JOIN LATERAL (
        SELECT * FROM events
        WHERE id > $1 AND id <= $3
          AND (event_type = ANY ($4)
               OR aggregate_type = ANY ($5)
                  AND (aggregate_type, event_type) NOT IN (
                      SELECT * FROM unnest($6::text[], $7::text[])
                  ))
        ORDER BY id LIMIT $2
    ) e ON true";

const RECEIPTS: &str = "
    SELECT r.first_position, r.last_position, r.recorded_at, r.operation, r.stream_types,
           r.stream_ids, r.stream_versions
    FROM unnest($1::uuid[]) WITH ORDINALITY q (command, n)
    CROSS JOIN LATERAL event_receipt(q.command) r
    ORDER BY q.n";

const COMMAND_STATUS: &str = "
    SELECT r.first_position, r.last_position, r.recorded_at, r.operation, r.stream_types,
           r.stream_ids, r.stream_versions, h.position,
           ARRAY (
               SELECT coalesce(t.event_version, 0)
               FROM unnest($2::text[], $3::text[]) WITH ORDINALITY q (type, id, n)
               LEFT JOIN LATERAL (
                   SELECT e.event_version FROM events e
                   WHERE e.aggregate_type = q.type AND e.aggregate_id = q.id
                   ORDER BY e.event_version DESC LIMIT 1
               ) t ON true
               ORDER BY q.n
           )
    FROM (SELECT coalesce(max(id), 0) AS position FROM events) h
    LEFT JOIN LATERAL event_receipt($1) r ON true";

/// Synchronizes the clock with the server's.
pub(crate) async fn time(
    executor: impl PgExecutor<'_>,
    clock: &SteadyClock,
) -> Result<(), sqlx::Error> {
    let asked_at = clock.uptime();
    let time = sqlx::query_scalar("SELECT clock_timestamp()");
    clock.synchronize(time.fetch_one(executor).await?, asked_at);
    Ok(())
}

pub(crate) async fn head(
    executor: impl PgExecutor<'_>,
    clock: &SteadyClock,
) -> Result<Position, sqlx::Error> {
    let asked_at = clock.uptime();
    let (position, time) = sqlx::query_as(HEAD).fetch_one(executor).await?;
    clock.synchronize(time, asked_at);
    Ok(position_of(position))
}

/// Reads the head with a connection of the pool.
pub(crate) async fn head_of(
    pool: &NamedPool,
    clock: &SteadyClock,
) -> Result<Position, sqlx::Error> {
    head(&mut *pool.acquire().await?, clock).await
}

pub(crate) async fn stream(
    pool: &NamedPool,
    stream: &StreamId,
    after: Version,
    limit: usize,
) -> Result<StreamPage, sqlx::Error> {
    let limit = limit.clamp(1, MAX_PAGE_EVENTS);
    // One row more than requested shows whether the page is the last one.
    let rows = sqlx::query(STREAM)
        .bind(stream.aggregate_type())
        .bind(stream.aggregate_id())
        .bind(i32::try_from(after.0).unwrap_or(i32::MAX))
        .bind(bigint(limit as u64 + 1))
        .fetch_all(&mut *pool.acquire().await?)
        .await?;
    let mut page = StreamPage {
        events: Vec::with_capacity(rows.len()),
        unreadable: Vec::new(),
        is_end: rows.len() <= limit,
    };
    for row in rows.iter().take(limit) {
        match read(row)? {
            Ok(envelope) => page.events.push(envelope),
            Err(unreadable) => page.unreadable.push(unreadable),
        }
    }
    Ok(page)
}

pub(crate) async fn log(
    pool: &NamedPool,
    after: Position,
    filter: &Filter,
    limit: usize,
) -> Result<LogPage, sqlx::Error> {
    let limit = limit.clamp(1, MAX_PAGE_EVENTS);
    let is_filtered = !filter.is_all();
    let query = sqlx::query(if is_filtered { FILTERED_LOG } else { LOG })
        .bind(bigint(after.0))
        .bind(bigint(limit as u64));
    let reach = after.0.saturating_add(SCAN_EVENTS);
    let query = if is_filtered {
        let (ignored_in, ignored): (Vec<_>, Vec<_>) = filter.ignored().unzip();
        query
            .bind(bigint(reach))
            .bind(filter.event_types())
            .bind(filter.stream_types())
            .bind(ignored_in)
            .bind(ignored)
    } else {
        query
    };
    let rows = query.fetch_all(&mut *pool.acquire().await?).await?;
    let last = rows.last().ok_or(sqlx::Error::RowNotFound)?;
    let head = position_of(last.try_get(11)?);
    let mut entries: Vec<_> = if last.try_get::<Option<i64>, _>(0)?.is_none() {
        Vec::new()
    } else {
        rows.iter()
            .map(|row| read(row).map(Entry::from))
            .collect::<Result<_, _>>()?
    };
    // A page read in order is already sorted, so this costs one comparison for each event.
    entries.sort_unstable_by_key(Entry::position);
    // A full page was read only up to its last event. A shorter one covers the scanned range, but never more than the
    // head of the same snapshot: events above it may still be missing here.
    let read_up_to = match entries.last() {
        Some(last) if entries.len() == limit => last.position(),
        _ if is_filtered => head.min(Position(reach)),
        _ => head,
    };
    Ok(LogPage {
        entries,
        read_up_to,
        head,
    })
}

/// The receipts of the commands that took effect, in the order of `commands`; others are omitted.
pub(crate) async fn receipts(
    executor: impl PgExecutor<'_>,
    commands: &[Uuid],
) -> Result<Vec<Receipt>, sqlx::Error> {
    let rows = sqlx::query(RECEIPTS)
        .bind(commands)
        .fetch_all(executor)
        .await?;
    rows.iter().map(receipt).collect()
}

pub(crate) async fn command_status(
    pool: &NamedPool,
    command: CommandId,
    streams: &[StreamId],
) -> Result<CommandStatus, sqlx::Error> {
    let types: Vec<&str> = streams.iter().map(StreamId::aggregate_type).collect();
    let ids: Vec<&str> = streams.iter().map(StreamId::aggregate_id).collect();
    let row = sqlx::query(COMMAND_STATUS)
        .bind(command.0)
        .bind(types)
        .bind(ids)
        .fetch_one(&mut *pool.acquire().await?)
        .await?;
    let has_receipt = row.try_get::<Option<i64>, _>(0)?.is_some();
    let versions: Vec<i32> = row.try_get(8)?;
    Ok(CommandStatus {
        receipt: has_receipt.then(|| receipt(&row)).transpose()?,
        versions: versions.into_iter().map(version_of).collect(),
        head: position_of(row.try_get(7)?),
    })
}

fn receipt(row: &PgRow) -> Result<Receipt, sqlx::Error> {
    let types: Vec<String> = row.try_get(4)?;
    let ids: Vec<String> = row.try_get(5)?;
    let versions: Vec<i32> = row.try_get(6)?;
    let streams = types.into_iter().zip(ids);
    Ok(Receipt {
        first: position_of(row.try_get(0)?),
        last: position_of(row.try_get(1)?),
        // A damaged time makes the event unreadable, but must not fail a batch that repeats its command.
        recorded_at: time_of(row, 2).unwrap_or_default(),
        operation: row.try_get::<Option<String>, _>(3)?.map(Cow::Owned),
        versions: streams
            .zip(versions)
            .map(|((kind, id), version)| (StreamId::stored(kind, id), version_of(version)))
            .collect(),
        duplicate: true,
    })
}

/// The event of a row. Its position, stream and type can always be read; if anything else is damaged, only this event
/// is reported as unreadable.
fn read(row: &PgRow) -> Result<Result<Envelope, Unreadable>, sqlx::Error> {
    let place = StoredPlace {
        position: position_of(row.try_get(0)?),
        stream: StreamId::stored(row.try_get(1)?, row.try_get::<&str, _>(2)?),
        version: version_of(row.try_get(3)?),
        event_type: row.try_get(6)?,
    };
    Ok(place.with(content(row)))
}

fn content(row: &PgRow) -> Result<StoredContent, String> {
    let Json(metadata) = StoredContent::part("metadata", row.try_get::<Json<Metadata>, _>(9))?;
    let schema_version: i32 = StoredContent::part("schema version", row.try_get(7))?;
    Ok(StoredContent {
        event_id: StoredContent::part("event id", row.try_get(4))?,
        command_id: StoredContent::part("command id", row.try_get(5))?,
        schema_version: StoredContent::part("schema version", u32::try_from(schema_version))?,
        data: StoredContent::part("data", row.try_get(8))?,
        metadata,
        recorded_at: StoredContent::part("time", time_of(row, 10))?,
    })
}

/// Reads a time as PostgreSQL sends it, in microseconds since 2000: the driver would panic at `infinity` or a date out
/// of range.
pub(crate) fn time_of(row: &PgRow, column: usize) -> Result<DateTime<Utc>, sqlx::Error> {
    const EPOCH_OF_2000: i64 = 946_684_800_000_000;
    let micros: i64 = row.try_get_unchecked(column)?;
    let since_1970 = micros.checked_add(EPOCH_OF_2000);
    let time = since_1970.and_then(DateTime::from_timestamp_micros);
    time.ok_or_else(|| sqlx::Error::ColumnDecode {
        index: column.to_string(),
        source: "the time is out of range".into(),
    })
}

pub(crate) fn position_of(stored: i64) -> Position {
    Position(stored.unsigned_abs())
}

pub(crate) fn bigint(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Columns hold 1, 2, 3 …, or 0 for none.
pub(crate) fn version_of(stored: i32) -> Version {
    Version(u64::from(stored.unsigned_abs()))
}
