//! Writes the rows and the checkpoint of one schema version together.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use event_sourcing::projection::{PageWrite, ProjectionProgress, ProjectionStore};
use event_sourcing::{EventStore, FailureLog, Position, StoreError, Token, fields};
use parking_lot::Mutex;
use sql_database::Row;
use sql_database::mark::position;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::checkpoint::Floor;
use crate::column::Column;
use crate::columns;
use crate::database::Database;
use crate::generation::{Generation, finish, supersede, token_value};
use crate::rows::{GenerationRows, ProgressRow};
use crate::statement::Statement;
use crate::table::TableProjection;
use crate::version::ProjectionVersion;

/// The pause before changing the view is retried. It fails while a long transaction reads it.
const SETTLE_PAUSE: Duration = Duration::from_secs(30);

/// Stores the rows of one schema version of `P` in their table.
pub struct SqlProjectionStore<P> {
    database: Database,
    version: ProjectionVersion,
    columns: Vec<Column>,
    target: Mutex<Arc<GenerationRows>>,
    upkeep: Mutex<PendingFinish>,
    failures: FailureLog,
    projection: PhantomData<fn() -> P>,
}

/// Pending work for a generation that has caught up.
struct PendingFinish {
    due: Option<Instant>,
    /// Whether superseded generations may be dropped. They may not while this process builds the new one, because
    /// readers still use the old one until they see the new checkpoint.
    sweep: bool,
}

impl<P: TableProjection> SqlProjectionStore<P> {
    /// Opens the generation of this binary's schema version, and creates it if there is none.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read or changed, or the columns of the table do not match the fields of
    /// the rows.
    pub async fn open(database: Database) -> Result<Self, StoreError> {
        let generation = Generation::ensure::<P>(&database).await?;
        let version = database.version_of::<P>();
        let columns = columns::read::<P>(&database, &version.table(generation.number)).await?;
        let target = GenerationRows::new(&database, version, &columns, generation.number);
        Ok(Self {
            columns,
            target: Mutex::new(Arc::new(target)),
            upkeep: Mutex::new(PendingFinish {
                due: None,
                sweep: false,
            }),
            failures: FailureLog::new(),
            database: database.in_background(),
            version,
            projection: PhantomData,
        })
    }

    /// Makes readers in this process wait until the rows have reached the log's current head, or until the next
    /// generation if the rows are of another log. Otherwise a service that was stopped for long would answer from
    /// outdated rows.
    ///
    /// # Errors
    /// [`StoreError`] if the database or the log cannot be read.
    pub async fn require_head(&self, log: &dyn EventStore) -> Result<(), StoreError> {
        let operation = "read a checkpoint";
        let Some(row) = self.row(operation).await? else {
            return Ok(());
        };
        let identity = log.identify(&[position(row.position)]).await?;
        let mark = row.mark(operation)?;
        let floor = Floor {
            generation: row.generation,
            position: identity.head.position,
            is_foreign: mark.is_some_and(|mark| identity.verify(&mark).is_err()),
        };
        self.database.checkpoints().require(self.version, floor);
        Ok(())
    }

    /// Reads the progress of the current generation, if there is one.
    async fn row(&self, operation: &'static str) -> Result<Option<ProgressRow>, StoreError> {
        let statement = Statement::new(
            operation,
            "SELECT g.generation, g.position, g.log_id, g.event_id, g.caught_up, g.parked_position, \
             g.parked_reason FROM read_model_versions AS v JOIN read_model_generations AS g \
             ON g.projection = v.projection AND g.generation = v.generation \
             WHERE v.projection = $1 AND v.schema_version = $2",
        );
        let statement = statement
            .bind(self.version.name)
            .bind(i64::from(self.version.version));
        let row = self.database.fetch_optional(statement).await?;
        Ok(row.map(|Row(row)| row))
    }

    fn target(&self) -> Arc<GenerationRows> {
        Arc::clone(&self.target.lock())
    }

    fn set_target(&self, generation: i64, has_caught_up: bool) {
        let mut target = self.target.lock();
        if target.generation != generation {
            let (database, columns) = (&self.database, &self.columns);
            *target = Arc::new(GenerationRows::new(
                database,
                self.version,
                columns,
                generation,
            ));
        }
        *self.upkeep.lock() = PendingFinish {
            due: Some(Instant::now()),
            sweep: has_caught_up,
        };
    }

    /// Changes the view and drops superseded generations, once after each start. Rows are written and read without the
    /// view, so a failure is logged and retried later.
    async fn settle(&self, generation: i64, token: Token) {
        let sweep = {
            let upkeep = self.upkeep.lock();
            if upkeep.due.is_none_or(|due| due > Instant::now()) {
                return;
            }
            upkeep.sweep
        };
        let settled = finish::<P>(&self.database, generation, token, sweep).await;
        let mut upkeep = self.upkeep.lock();
        upkeep.due = None;
        if let Err(error) = settled {
            upkeep.due = Some(Instant::now() + SETTLE_PAUSE);
            if let Some(suppressed) = self.failures.failed(Instant::now()) {
                tracing::warn!(
                    { fields::PROJECTION } = self.version.name,
                    { fields::ERROR } = &error as &dyn std::error::Error,
                    { fields::SUPPRESSED } = suppressed,
                    "the view could not be changed; retrying"
                );
            }
        }
    }
}

impl<P> fmt::Debug for SqlProjectionStore<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlProjectionStore")
            .field("database", &self.database)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<P: TableProjection> ProjectionStore<P> for SqlProjectionStore<P> {
    fn requested_position(&self) -> Option<watch::Receiver<Position>> {
        Some(self.database.checkpoints().requested_position(self.version))
    }

    fn schema_version(&self) -> u32 {
        self.version.version
    }

    fn set_paused(&self, is_paused: bool) {
        let feed = self.database.checkpoints();
        feed.set_paused(self.version, is_paused);
    }

    async fn begin(&self, token: Token) -> Result<Option<ProjectionProgress>, StoreError> {
        let operation = "start a projection";
        let mut transaction = self.database.begin().await?;
        transaction.make_durable().await?;
        let row: Option<Row<ProgressRow>> = transaction
            .fetch_optional(
                Statement::new(
                    operation,
                    // A token that is not older fences the previous runner: its pages carry the old token and are
                    // rejected.
                    "UPDATE read_model_generations SET token = $3 \
                     WHERE projection = $1 AND token <= $3 AND generation = \
                       (SELECT generation FROM read_model_versions WHERE projection = $1 AND schema_version = $2) \
                     RETURNING generation, position, log_id, event_id, caught_up, parked_position, parked_reason",
                )
                .bind(self.version.name)
                .bind(i64::from(self.version.version))
                .bind(token_value(token)),
            )
            .await?;
        let Some(Row(row)) = row else {
            transaction.rollback().await?;
            return Ok(None);
        };
        transaction.commit(operation).await?;
        self.set_target(row.generation, row.caught_up == 1);
        row.progress(operation).map(Some)
    }

    async fn progress(&self) -> Result<ProjectionProgress, StoreError> {
        let operation = "read a projection's progress";
        let row = self.row(operation).await?;
        // A generation that was dropped has no progress.
        row.map_or_else(
            || Ok(ProjectionProgress::default()),
            |row| row.progress(operation),
        )
    }

    async fn restart(&self, token: Token) -> Result<Option<ProjectionProgress>, StoreError> {
        let present = self.target().generation;
        if supersede::<P>(&self.database, present, token)
            .await?
            .is_none()
        {
            return Ok(None);
        }
        // Readers in this process stop reading the superseded rows immediately, not after the next poll.
        self.database.checkpoints().refresh(&self.database).await?;
        self.begin(token).await
    }

    async fn load(&self, keys: &[String]) -> Result<Vec<(String, P::Row)>, StoreError> {
        self.target().load::<P>(keys).await
    }

    async fn write(&self, page: PageWrite<P::Row>) -> Result<bool, StoreError> {
        let target = self.target();
        let is_written = target.write::<P>(token_value(page.token), &page).await?;
        if is_written {
            // Published only after the commit: a reader that waits for the position must find the rows.
            let feed = self.database.checkpoints();
            feed.observe(
                self.version,
                target.generation,
                page.read_up_to,
                page.caught_up,
            );
            if page.caught_up {
                self.settle(target.generation, page.token).await;
            }
        }
        Ok(is_written)
    }
}
