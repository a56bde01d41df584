//! How far the log was read, in the command database.

use event_sourcing::Position;

use crate::database::{CommandDatabase, DatabaseError, on_pool};

/// The row of the notices about orders.
const NAME: &str = "orders";

const LOAD: &str = "SELECT position FROM notice_progress WHERE name = $1";
const SAVE: &str = "\
    INSERT INTO notice_progress AS n (name, position) VALUES ($1, $2) \
    ON CONFLICT (name) DO UPDATE SET position = excluded.position \
    WHERE n.position < excluded.position";

/// Where the reading goes on; nothing before the first time.
pub(super) async fn load(database: &CommandDatabase) -> Result<Option<Position>, DatabaseError> {
    let found: Option<i64> = on_pool!(database, "read how far notices are", |pool| {
        sqlx::query_scalar(LOAD)
            .bind(NAME)
            .fetch_optional(pool)
            .await
    })?;
    Ok(found.map(|position| Position(u64::try_from(position).unwrap_or(0))))
}

/// It never moves back, so that a process that lost the lease does no harm.
pub(super) async fn save(
    database: &CommandDatabase,
    position: Position,
) -> Result<(), DatabaseError> {
    let position = i64::try_from(position.0).unwrap_or(i64::MAX);
    on_pool!(database, "note how far notices are", |pool| {
        sqlx::query(SAVE)
            .bind(NAME)
            .bind(position)
            .execute(pool)
            .await
            .map(|_| ())
    })
}
