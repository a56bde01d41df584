//! The table of one generation: loads rows, and writes a page of them together with the checkpoint.

use event_sourcing::projection::{PageWrite, Parked, ProjectionProgress};
use event_sourcing::{LogMark, StoreError};
use serde::Deserialize;
use sql_database::Row;
use sql_database::mark::{self, position, stored_event, stored_position};
use sqlx::AssertSqlSafe;

use crate::checkpoint_watcher::{CHANNEL, payload};
use crate::column::Column;
use crate::database::{Database, Transaction};
use crate::engine::Engine;
use crate::statement::Statement;
use crate::table::{TableProjection, TableSql};
use crate::version::ProjectionVersion;

/// The table of one generation.
pub(crate) struct GenerationRows {
    database: Database,
    version: ProjectionVersion,
    pub(crate) generation: i64,
    sql: TableSql,
}

impl GenerationRows {
    pub(crate) fn new(
        database: &Database,
        version: ProjectionVersion,
        columns: &[Column],
        generation: i64,
    ) -> Self {
        Self {
            database: database.in_background(),
            version,
            generation,
            sql: TableSql::new(database.engine(), columns, &version.table(generation)),
        }
    }

    /// The rows of these keys that exist.
    pub(crate) async fn load<P: TableProjection>(
        &self,
        keys: &[String],
    ) -> Result<Vec<(String, P::Row)>, StoreError> {
        let rows: Vec<Row<P::Row>> = self.database.fetch_all(self.sql.load(keys)).await?;
        let rows = rows.into_iter().map(|Row(row)| row);
        Ok(rows.map(|row| (P::key(&row).to_owned(), row)).collect())
    }

    /// Writes rows and checkpoint, if the stored token is `token` and the checkpoint is where the page started. Otherwise
    /// writes nothing and returns false.
    pub(crate) async fn write<P: TableProjection>(
        &self,
        token: i64,
        page: &PageWrite<P::Row>,
    ) -> Result<bool, StoreError> {
        let checkpoint = self.checkpoint(token, page);
        if page.changes.is_empty() {
            // Most pages have no event for the projection: then one statement and one round trip suffice.
            let moved: Vec<(i64,)> = self.database.write(checkpoint).await?;
            return Ok(!moved.is_empty());
        }
        let mut transaction = self.database.begin().await?;
        // The checkpoint is moved first: its row is the lock, and a runner that has lost its lease changes no row. A
        // crash before the commit rolls back the rows and the checkpoint together.
        let moved: Vec<(i64,)> = transaction.fetch_all(checkpoint).await?;
        if moved.is_empty() {
            transaction.rollback().await?;
            return Ok(false);
        }
        self.write_rows::<P>(&mut transaction, &page.changes)
            .await?;
        transaction.commit("write a projected page").await?;
        Ok(true)
    }

    /// Moves the checkpoint if it is where the page started and the page's token is the current one. On PostgreSQL the
    /// same statement notifies; the notification is sent at the commit.
    fn checkpoint<R>(&self, token: i64, page: &PageWrite<R>) -> Statement {
        let mut sql = "UPDATE read_model_generations \
            SET position = $5, parked_position = $6, parked_reason = $7, log_id = $8, event_id = $9, caught_up = $10 \
            WHERE projection = $1 AND generation = $2 AND position = $3 AND token = $4 \
            RETURNING position"
            .to_owned();
        if self.database.engine() == Engine::Postgres {
            sql.push_str(", pg_notify(");
            sql.push_str(CHANNEL);
            sql.push_str(", $11)::text");
        }
        let parked = page.parked.as_ref();
        let statement = Statement::new("move a checkpoint", AssertSqlSafe(sql))
            .bind(self.version.name)
            .bind(self.generation)
            .bind(stored_position(page.from))
            .bind(token)
            .bind(stored_position(page.read_up_to))
            .bind(parked.map(|parked| stored_position(parked.position)))
            .bind(parked.map(|parked| parked.reason.clone()))
            .bind(page.mark.log.to_string())
            .bind(stored_event(&page.mark))
            .bind(i64::from(page.caught_up));
        match self.database.engine() {
            Engine::Sqlite => statement,
            Engine::Postgres => {
                statement.bind(payload(self.version.name, self.generation, page.read_up_to))
            }
        }
    }

    async fn write_rows<P: TableProjection>(
        &self,
        transaction: &mut Transaction,
        changes: &[(String, Option<P::Row>)],
    ) -> Result<(), StoreError> {
        let rows: Vec<&P::Row> = changes.iter().filter_map(|(_, row)| row.as_ref()).collect();
        if !rows.is_empty() {
            transaction.execute(self.sql.upsert(&rows)?).await?;
        }
        let removed: Vec<&str> = changes
            .iter()
            .filter(|(_, row)| row.is_none())
            .map(|(key, _)| key.as_str())
            .collect();
        if !removed.is_empty() {
            transaction.execute(self.sql.delete(&removed)).await?;
        }
        Ok(())
    }
}

/// The progress of a generation, as it is stored.
#[derive(Deserialize)]
pub(crate) struct ProgressRow {
    pub(crate) generation: i64,
    pub(crate) position: i64,
    log_id: Option<String>,
    event_id: Option<String>,
    pub(crate) caught_up: i64,
    parked_position: Option<i64>,
    parked_reason: Option<String>,
}

impl ProgressRow {
    /// The log and event at the checkpoint. `None` at the start, where all logs are equal.
    pub(crate) fn mark(&self, operation: &'static str) -> Result<Option<LogMark>, StoreError> {
        let log = self.log_id.clone().filter(|_| self.position > 0);
        mark::read(operation, (log, self.position, self.event_id.clone()))
    }

    pub(crate) fn progress(
        self,
        operation: &'static str,
    ) -> Result<ProjectionProgress, StoreError> {
        Ok(ProjectionProgress {
            position: position(self.position),
            mark: self.mark(operation)?,
            caught_up: self.caught_up == 1,
            parked: self.parked_position.map(|at| Parked {
                position: position(at),
                reason: self.parked_reason.unwrap_or_default(),
            }),
        })
    }
}
