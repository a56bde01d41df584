//! How far the log was read, in the command database.

use command_database::{CommandDatabase, DatabaseError};
use event_sourcing::LogMark;
use sql_database::Statement;

use crate::event_log::{MarkRow, StoredMark, stored_event, stored_position};

/// The row of the notices about orders.
const NAME: &str = "orders";

const LOAD: &str = "SELECT log_id, position, event_id FROM notice_progress WHERE name = $1";
const SAVE: &str = "\
    INSERT INTO notice_progress AS n (name, position, log_id, event_id) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (name) DO UPDATE SET \
        position = excluded.position, log_id = excluded.log_id, event_id = excluded.event_id \
    WHERE n.position < excluded.position";
const MOVE: &str =
    "UPDATE notice_progress SET position = $2, log_id = $3, event_id = $4 WHERE name = $1";

/// Where the reading resumes; nothing before the first time.
pub(crate) async fn load(database: &CommandDatabase) -> Result<Option<StoredMark>, DatabaseError> {
    const OPERATION: &str = "read how far notices are";
    let load = Statement::new(OPERATION, LOAD).bind(NAME);
    let found: Option<MarkRow> = database.fetch_optional(load).await?;
    found
        .map(|row| StoredMark::read(OPERATION, row))
        .transpose()
}

/// It never moves back, so that a process that lost the lease does no harm.
pub(super) async fn save(database: &CommandDatabase, mark: &LogMark) -> Result<(), DatabaseError> {
    write(database, SAVE, mark).await
}

/// Moves it to any place, for an operator who accepted another log.
pub(crate) async fn move_to(
    database: &CommandDatabase,
    mark: &LogMark,
) -> Result<(), DatabaseError> {
    write(database, MOVE, mark).await
}

async fn write(
    database: &CommandDatabase,
    statement: &'static str,
    mark: &LogMark,
) -> Result<(), DatabaseError> {
    let write = Statement::new("note how far notices are", statement)
        .bind(NAME)
        .bind(stored_position(mark.position))
        .bind(mark.log.to_string())
        .bind(stored_event(mark));
    database.execute(write).await?;
    Ok(())
}
