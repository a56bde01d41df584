//! How far the log was read, in the command database.

use event_sourcing::Position;
use sql_database::Statement;

use crate::database::{CommandDatabase, DatabaseError};

/// The row of the notices about orders.
const NAME: &str = "orders";

const LOAD: &str = "SELECT position FROM notice_progress WHERE name = $1";
const SAVE: &str = "\
    INSERT INTO notice_progress AS n (name, position) VALUES ($1, $2) \
    ON CONFLICT (name) DO UPDATE SET position = excluded.position \
    WHERE n.position < excluded.position";

/// Where the reading resumes; nothing before the first time.
pub(super) async fn load(database: &CommandDatabase) -> Result<Option<Position>, DatabaseError> {
    let load = Statement::new("read how far notices are", LOAD).bind(NAME);
    let found: Option<(i64,)> = database.fetch_optional(load).await?;
    Ok(found.map(|(position,)| Position(u64::try_from(position).unwrap_or(0))))
}

/// It never moves back, so that a process that lost the lease does no harm.
pub(super) async fn save(
    database: &CommandDatabase,
    position: Position,
) -> Result<(), DatabaseError> {
    let position = i64::try_from(position.0).unwrap_or(i64::MAX);
    let save = Statement::new("note how far notices are", SAVE)
        .bind(NAME)
        .bind(position);
    database.execute(save).await?;
    Ok(())
}
