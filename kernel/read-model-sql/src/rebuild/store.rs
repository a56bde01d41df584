//! The generation of a rebuild as the store that its pages are written to.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use event_sourcing::projection::{PageWrite, ProjectionProgress, ProjectionStore};
use event_sourcing::{StoreError, Token};
use parking_lot::Mutex;
use sql_database::Row;

use super::control::RebuildControl;
use super::record::{RebuildState, RebuildStatus, find_in, set_state};
use crate::column::Column;
use crate::columns;
use crate::error::failed;
use crate::generation::{bound_lock_waits, drop_table, holds, token_value};
use crate::rows::{GenerationRows, ProgressRow};
use crate::statement::Statement;
use crate::table::TableProjection;

/// Stores the rows of the generation that is not live.
pub struct RebuildRows<P> {
    control: RebuildControl,
    target: Mutex<Option<Arc<GenerationRows>>>,
    projection: PhantomData<fn() -> P>,
}

/// A kept generation was folded from another log.
#[derive(Debug, thiserror::Error)]
#[error("generation {0} was folded from another log; drop it")]
struct ForeignGeneration(i64);

/// A write before the first `begin`.
#[derive(Debug, thiserror::Error)]
#[error("no generation is being rebuilt")]
struct NotStarted;

/// The token of a rebuild's lease as it is stored: below those of live runners, and lower for newer ones.
pub(super) fn rebuild_token(token: Token) -> i64 {
    -token_value(token)
}

impl<P: TableProjection> RebuildRows<P> {
    /// The rows of the projection that `control` is of.
    #[must_use]
    pub fn new(control: RebuildControl) -> Self {
        Self {
            control,
            target: Mutex::new(None),
            projection: PhantomData,
        }
    }

    pub(super) async fn columns(&self, generation: i64) -> Result<Vec<Column>, StoreError> {
        let table = self.control.version.table(generation);
        columns::read::<P>(&self.control.database, &table).await
    }

    async fn set_target(&self, generation: i64) -> Result<(), StoreError> {
        let is_set = |target: &Arc<GenerationRows>| target.generation == generation;
        if self.target.lock().as_ref().is_some_and(is_set) {
            return Ok(());
        }
        let columns = self.columns(generation).await?;
        let (database, version) = (&self.control.database, self.control.version);
        let target = GenerationRows::new(database, version, &columns, generation);
        *self.target.lock() = Some(Arc::new(target));
        Ok(())
    }

    fn target(&self) -> Result<Arc<GenerationRows>, StoreError> {
        let target = self.target.lock().clone();
        target.ok_or_else(|| failed("write a rebuilt page", NotStarted))
    }

    fn claim(&self, generation: i64, token: Token) -> Statement {
        // A newer token is lower. A generation that became live has another schema version, and is not found.
        let sql = "UPDATE read_model_generations SET token = $4 \
                   WHERE projection = $1 AND generation = $2 AND schema_version = $3 AND token >= $4 \
                   RETURNING generation, position, log_id, event_id, caught_up, parked_position, parked_reason";
        Statement::new("continue a rebuild", sql)
            .bind(self.control.version.name)
            .bind(generation)
            .bind(-i64::from(self.control.version.version))
            .bind(rebuild_token(token))
    }
}

impl<P> fmt::Debug for RebuildRows<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RebuildRows")
            .field("control", &self.control)
            .finish_non_exhaustive()
    }
}

fn running(found: Option<RebuildStatus>) -> Option<(RebuildStatus, i64)> {
    let found = found.filter(|found| found.state.is_running())?;
    let generation = found.other_generation()?;
    Some((found, generation))
}

#[async_trait]
impl<P: TableProjection> ProjectionStore<P> for RebuildRows<P> {
    fn schema_version(&self) -> u32 {
        self.control.version.version
    }

    async fn begin(&self, token: Token) -> Result<Option<ProjectionProgress>, StoreError> {
        let operation = "continue a rebuild";
        let mut transaction = self.control.database.begin().await?;
        transaction.make_durable().await?;
        let found = find_in(&mut transaction, self.control.version).await?;
        let Some((_, generation)) = running(found) else {
            transaction.rollback().await?;
            return Ok(None);
        };
        let claim = self.claim(generation, token);
        let row: Option<Row<ProgressRow>> = transaction.fetch_optional(claim).await?;
        let Some(Row(row)) = row else {
            transaction.rollback().await?;
            return Ok(None);
        };
        transaction.commit(operation).await?;
        self.set_target(generation).await?;
        row.progress(operation).map(Some)
    }

    /// Replaces the generation, unless it was live before: an operator wants to return to exactly those rows.
    async fn restart(&self, token: Token) -> Result<Option<ProjectionProgress>, StoreError> {
        let operation = "restart a rebuild";
        let version = self.control.version;
        let mut transaction = self.control.database.lock_schema().await?;
        bound_lock_waits(&mut transaction).await?;
        let found = find_in(&mut transaction, version).await?;
        let Some((known, generation)) = running(found) else {
            transaction.rollback().await?;
            return Ok(None);
        };
        let token_stored = rebuild_token(token);
        if !holds(&mut transaction, version, generation, token_stored).await? {
            transaction.rollback().await?;
            return Ok(None);
        }
        if known.previous.is_some() {
            transaction.rollback().await?;
            return Err(failed(operation, ForeignGeneration(generation)));
        }
        let control = &self.control;
        let next = control
            .make_generation(&mut transaction, token_stored)
            .await?;
        drop_table(&mut transaction, version, generation).await?;
        let sql = "UPDATE read_model_rebuilds SET generation = $3, report = NULL \
                   WHERE projection = $1 AND schema_version = $2";
        let statement = Statement::new(operation, sql)
            .bind(version.name)
            .bind(i64::from(version.version))
            .bind(next);
        transaction.execute(statement).await?;
        set_state(&mut transaction, version, RebuildState::Building, None).await?;
        transaction.commit(operation).await?;
        self.begin(token).await
    }

    async fn progress(&self) -> Result<ProjectionProgress, StoreError> {
        let operation = "read the progress of a rebuild";
        let sql = "SELECT generation, position, log_id, event_id, caught_up, parked_position, parked_reason \
                   FROM read_model_generations WHERE projection = $1 AND generation = $2";
        let statement = Statement::new(operation, sql)
            .bind(self.control.version.name)
            .bind(self.target()?.generation);
        let row: Option<Row<ProgressRow>> = self.control.database.fetch_optional(statement).await?;
        row.map_or_else(
            || Ok(ProjectionProgress::default()),
            |Row(row)| row.progress(operation),
        )
    }

    async fn load(&self, keys: &[String]) -> Result<Vec<(String, P::Row)>, StoreError> {
        self.target()?.load::<P>(keys).await
    }

    async fn write(&self, page: PageWrite<P::Row>) -> Result<bool, StoreError> {
        let target = self.target()?;
        target.write::<P>(rebuild_token(page.token), &page).await
    }
}
