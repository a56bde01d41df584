//! Appending a batch: look up, validate, insert, commit; a fixed number of statements for a batch of usual size.
//!
//! All of it is one `BEGIN IMMEDIATE` transaction. SQLite then holds the write lock from the first look-up on, so what
//! is validated cannot change before it is written.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use event_sourcing::validate_batch::{
    BatchOutcome, Lookups, PositionedEvent, StoreState, StreamTip, validate_batch,
};
use event_sourcing::{
    CommandId, Commit, Position, Receipt, Rejected, StoreError, StreamId, Token, Version,
};
use sql_database::SqliteFile;
use sqlx::{Row, SqliteConnection};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::error::{nothing_happened, outcome_unknown};
use crate::read;

const OPERATION: &str = "append a batch";

/// Rows that one statement inserts. A batch is split greedily, so four prepared statements serve every batch size, and
/// a usual batch takes one or two.
const CHUNKS: [usize; 4] = [64, 16, 4, 1];

static INSERTS: LazyLock<[String; 4]> = LazyLock::new(|| CHUNKS.map(insert_of));

fn insert_of(rows: usize) -> String {
    let row = "(?,?,?,?,?,?,?,?,?,?,?)";
    format!(
        "INSERT INTO events (id, aggregate_type, aggregate_id, event_version, event_type, \
         schema_version, event_id, command_id, created_at, event_metadata, event_data) VALUES {}",
        vec![row; rows].join(",")
    )
}

/// Appends the batch and returns one result for each commit, and the head after them.
pub(crate) async fn append(
    file: &SqliteFile,
    batch: &[Commit],
) -> Result<(Vec<Result<Receipt, Rejected>>, Position), StoreError> {
    let mut transaction = file.begin().await.map_err(nothing_happened(OPERATION))?;
    let validated = match write(transaction.connection(), batch).await {
        Ok(validated) => validated,
        Err(error) => {
            let error = transaction.abandon(error).await;
            // `COMMIT` was never sent, so SQLite rolls back even if this process stops here.
            return Err(nothing_happened(OPERATION)(error));
        }
    };
    if validated.events.is_empty() {
        // Every commit was rejected or is a repeat. A rollback releases the write lock without a sync of the file.
        transaction
            .rollback()
            .await
            .map_err(nothing_happened(OPERATION))?;
    } else {
        // An error from here on is ambiguous: the pages may have reached the disk before the call failed. The appender
        // sends the same batch again, and the command ids make the repeat return the first receipts.
        transaction
            .commit()
            .await
            .map_err(outcome_unknown(OPERATION))?;
    }
    Ok((validated.results, validated.head))
}

async fn write<'a>(
    conn: &mut SqliteConnection,
    batch: &'a [Commit],
) -> Result<BatchOutcome<'a>, sqlx::Error> {
    let lookups = Lookups::of(batch);
    let known = StoreState {
        head: read::head(conn).await?,
        receipts: receipts(conn, &lookups).await?,
        tips: tips(conn, &lookups).await?,
        tokens: tokens(conn, &lookups).await?,
    };
    // The head is read under the write lock, so the positions assigned from it are contiguous and in commit order.
    let validated = validate_batch(batch, known);
    insert(conn, &validated.events).await?;
    Ok(validated)
}

async fn receipts(
    conn: &mut SqliteConnection,
    lookups: &Lookups<'_>,
) -> Result<HashMap<CommandId, Receipt>, sqlx::Error> {
    let asked: Vec<String> = lookups.commands.iter().map(CommandId::to_string).collect();
    let found: Vec<Hyphenated> = sqlx::query_scalar(
        "SELECT command_id FROM events WHERE command_id IN (SELECT value FROM json_each(?))",
    )
    .bind(read::json(&asked)?)
    .fetch_all(&mut *conn)
    .await?;
    let mut receipts = HashMap::with_capacity(found.len());
    for command in found {
        let command = CommandId(command.into_uuid());
        if let Some(receipt) = read::receipt(conn, command).await? {
            receipts.insert(command, receipt);
        }
    }
    Ok(receipts)
}

async fn tips(
    conn: &mut SqliteConnection,
    lookups: &Lookups<'_>,
) -> Result<HashMap<StreamId, StreamTip>, sqlx::Error> {
    let streams: Vec<&StreamId> = lookups.streams.iter().copied().collect();
    let rows = sqlx::query(
        "SELECT named.key, tip.event_version, tip.event_id FROM json_each(?) AS named
         CROSS JOIN events AS tip ON tip.id = (
             SELECT id FROM events
             WHERE aggregate_type = named.value ->> 0 AND aggregate_id = named.value ->> 1
             ORDER BY event_version DESC LIMIT 1)",
    )
    .bind(read::stream_names(&streams)?)
    .fetch_all(conn)
    .await?;
    let tip = |row: &sqlx::sqlite::SqliteRow| {
        let tip = StreamTip {
            version: Version(row.try_get(1)?),
            // A damaged id equals the id of no event, so only a commit that has to follow this event is rejected.
            event_id: row
                .try_get::<Hyphenated, _>(2)
                .map_or(Uuid::nil(), Hyphenated::into_uuid),
        };
        Ok((streams[row.try_get::<u32, _>(0)? as usize].clone(), tip))
    };
    rows.iter().map(tip).collect()
}

async fn tokens(
    conn: &mut SqliteConnection,
    lookups: &Lookups<'_>,
) -> Result<HashMap<Arc<str>, Token>, sqlx::Error> {
    if lookups.leases.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(String, u64)> = sqlx::query_as(
        "SELECT name, token FROM leases WHERE name IN (SELECT value FROM json_each(?))",
    )
    .bind(read::json(&lookups.leases)?)
    .fetch_all(conn)
    .await?;
    let token = |(name, token): (String, u64)| (Arc::from(name), Token(token));
    Ok(rows.into_iter().map(token).collect())
}

async fn insert(
    conn: &mut SqliteConnection,
    events: &[PositionedEvent<'_>],
) -> Result<(), sqlx::Error> {
    let mut remaining = events;
    for (size, sql) in CHUNKS.iter().zip(&*INSERTS) {
        while let Some((chunk, tail)) = remaining.split_at_checked(*size) {
            let mut insert = sqlx::query(sql.as_str());
            for event in chunk {
                insert = insert
                    .bind(read::stored(event.position.0))
                    .bind(event.stream.aggregate_type())
                    .bind(event.stream.aggregate_id())
                    .bind(read::stored(event.version.0))
                    .bind(event.new.event.event_type)
                    .bind(event.new.event.schema_version)
                    .bind(event.event_id.hyphenated())
                    .bind(event.command_id.map(|command| Uuid::hyphenated(command.0)))
                    .bind(read::time_text(event.recorded_at))
                    .bind(read::json(&event.new.metadata)?)
                    .bind(&event.new.event.data);
            }
            insert.execute(&mut *conn).await?;
            remaining = tail;
        }
    }
    Ok(())
}
