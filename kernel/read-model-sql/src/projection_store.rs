//! Rows and checkpoint of one generation, written together.

use std::fmt;
use std::marker::PhantomData;

use async_trait::async_trait;
use event_sourcing::projection::{PageWrite, Parked, Progress, ProjectionStore};
use event_sourcing::{Position, StoreError, Token};
use sqlx::AssertSqlSafe;
use tokio::sync::watch;

use crate::database::{Database, Transaction};
use crate::engine::Engine;
use crate::feed::{CHANNEL, payload, position, stored};
use crate::generation::{Generation, table_name};
use crate::statement::Statement;
use crate::table::{TableProjection, TableRow, TableSql};

/// Keeps a generation of `P` in its table.
pub struct SqlProjectionStore<P> {
    database: Database,
    generation: i64,
    sql: TableSql,
    projection: PhantomData<fn() -> P>,
}

impl<P: TableProjection> SqlProjectionStore<P> {
    /// The generation of this binary's schema version, made if there is none.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read or changed.
    pub async fn open(database: Database) -> Result<Self, StoreError> {
        let generation = Generation::ensure::<P>(&database).await?;
        let table = table_name::<P>(generation.number);
        Ok(Self {
            sql: TableSql::new::<P>(database.engine(), &table),
            generation: generation.number,
            database: database.in_background(),
            projection: PhantomData,
        })
    }

    /// Moves the checkpoint if it stands where the page began and the page's token is the present one. On PostgreSQL
    /// the same statement notifies; the notification leaves with the commit.
    fn checkpoint(&self, page: &PageWrite<P::Key, P::Row>) -> Statement {
        let mut sql = "UPDATE read_model_generations \
            SET position = $5, parked_position = $6, parked_reason = $7 \
            WHERE projection = $1 AND generation = $2 AND position = $3 AND token = $4 \
            RETURNING position"
            .to_owned();
        if self.database.engine() == Engine::Postgres {
            sql.push_str(", pg_notify(");
            sql.push_str(CHANNEL);
            sql.push_str(", $8)::text");
        }
        let parked = page.parked.as_ref();
        let statement = Statement::new("move a checkpoint", AssertSqlSafe(sql))
            .bind(P::NAME)
            .bind(self.generation)
            .bind(stored(page.from))
            .bind(token_value(page.token))
            .bind(stored(page.through))
            .bind(parked.map(|parked| stored(parked.position)))
            .bind(parked.map(|parked| parked.reason.clone()));
        match self.database.engine() {
            Engine::Sqlite => statement,
            Engine::Postgres => statement.bind(payload(P::NAME, self.generation, page.through)),
        }
    }

    async fn write_page(&self, page: &PageWrite<P::Key, P::Row>) -> Result<bool, StoreError> {
        let mut transaction = self.database.begin().await?;
        // The checkpoint comes first: its row is the lock that keeps a late runner's rows out.
        let moved: Vec<(i64,)> = transaction.fetch_all(self.checkpoint(page)).await?;
        if moved.is_empty() {
            transaction.rollback().await?;
            return Ok(false);
        }
        self.write_rows(&mut transaction, &page.changes).await?;
        transaction.commit("write a projected page").await?;
        Ok(true)
    }

    async fn write_rows(
        &self,
        transaction: &mut Transaction,
        changes: &[(P::Key, Option<P::Row>)],
    ) -> Result<(), StoreError> {
        let rows: Vec<&P::Row> = changes.iter().filter_map(|(_, row)| row.as_ref()).collect();
        if !rows.is_empty() {
            transaction.execute(self.sql.upsert(&rows)?).await?;
        }
        let gone: Vec<&str> = changes
            .iter()
            .filter(|(_, row)| row.is_none())
            .map(|(key, _)| key.as_str())
            .collect();
        if !gone.is_empty() {
            transaction.execute(self.sql.delete(&gone)).await?;
        }
        Ok(())
    }
}

impl<P> fmt::Debug for SqlProjectionStore<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlProjectionStore")
            .field("database", &self.database)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

struct ProgressRow {
    position: i64,
    parked_position: Option<i64>,
    parked_reason: Option<String>,
}

crate::from_row!(ProgressRow {
    position,
    parked_position,
    parked_reason
});

#[async_trait]
impl<P: TableProjection> ProjectionStore<P> for SqlProjectionStore<P> {
    fn demand(&self) -> Option<watch::Receiver<Position>> {
        Some(self.database.feed().demanded(P::NAME))
    }

    async fn begin(&self, token: Token) -> Result<Option<Progress>, StoreError> {
        let operation = "begin a projection";
        let mut transaction = self.database.begin().await?;
        transaction.make_durable().await?;
        let row: Option<ProgressRow> = transaction
            .fetch_optional(
                Statement::new(
                    operation,
                    "UPDATE read_model_generations SET token = $3 \
                     WHERE projection = $1 AND generation = $2 AND token <= $3 \
                     RETURNING position, parked_position, parked_reason",
                )
                .bind(P::NAME)
                .bind(self.generation)
                .bind(token_value(token)),
            )
            .await?;
        let Some(row) = row else {
            transaction.rollback().await?;
            return Ok(None);
        };
        let skips: Vec<(i64,)> = transaction
            .fetch_all(
                Statement::new(
                    operation,
                    "SELECT position FROM read_model_skips WHERE projection = $1 ORDER BY position",
                )
                .bind(P::NAME),
            )
            .await?;
        transaction.commit(operation).await?;
        Ok(Some(Progress {
            position: position(row.position),
            parked: row.parked_position.map(|at| Parked {
                position: position(at),
                reason: row.parked_reason.unwrap_or_default(),
            }),
            skips: skips.into_iter().map(|(at,)| position(at)).collect(),
        }))
    }

    async fn load(&self, keys: &[P::Key]) -> Result<Vec<(P::Key, P::Row)>, StoreError> {
        let rows: Vec<P::Row> = self.database.fetch_all(self.sql.load(keys)).await?;
        Ok(rows
            .into_iter()
            .map(|row| (row.key().to_owned(), row))
            .collect())
    }

    async fn write(&self, page: PageWrite<P::Key, P::Row>) -> Result<bool, StoreError> {
        let is_written = if page.changes.is_empty() {
            // Most pages of a projection that an event does not concern: one statement, one round trip.
            let moved: Vec<(i64,)> = self.database.write(self.checkpoint(&page)).await?;
            !moved.is_empty()
        } else {
            self.write_page(&page).await?
        };
        if is_written {
            self.database
                .feed()
                .hear(P::NAME, self.generation, page.through);
        }
        Ok(is_written)
    }
}

/// A token as it is stored. Tokens count changes of owners and stay far below `i64::MAX`.
fn token_value(token: Token) -> i64 {
    i64::try_from(token.0).unwrap_or(i64::MAX)
}
