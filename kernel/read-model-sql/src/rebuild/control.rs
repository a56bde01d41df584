//! The operators' requests.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::StoreError;
use tokio::sync::Notify;

use super::record::{RebuildState, RebuildStatus, find, find_in, position_of, set_state};
use crate::database::{Database, Transaction};
use crate::generation::{Ddl, bound_lock_waits, drop_table, make_table, present};
use crate::statement::Statement;
use crate::table::{TableProjection, ddl};
use crate::version::ProjectionVersion;

const START: &str = "start a rebuild";
/// Longer than a reader uses a checkpoint without confirming it.
const READERS_GRACE_PERIOD: Duration = Duration::from_secs(1);

/// Requests about the rebuild of one projection. Clones share the wake-up of the task in this process.
#[derive(Clone, Debug)]
pub struct RebuildControl {
    pub(super) database: Database,
    pub(super) version: ProjectionVersion,
    pub(super) ddl: Ddl,
    pub(super) wake: Arc<Notify>,
}

/// Who requests a rebuild, and how.
#[derive(Clone, Debug)]
pub struct RebuildRequest {
    /// The operator.
    pub who: String,
    /// The operator's reason.
    pub reason: String,
    /// Whether the rows are swapped as soon as they were compared, whatever the differences are.
    pub is_automatic: bool,
}

/// Why a request was rejected.
#[derive(Debug, thiserror::Error)]
pub enum RebuildRejection {
    /// There is no rebuild.
    #[error("there is no rebuild of {0}")]
    Missing(&'static str),
    /// The rebuild is not in a state in which the request makes sense.
    #[error("the rebuild of {projection} is {}, so it cannot be {request}", .state.name())]
    WrongState {
        /// The projection.
        projection: &'static str,
        /// The state.
        state: RebuildState,
        /// The request, as a participle.
        request: &'static str,
    },
    /// The generation of a previous rebuild must be dropped first.
    #[error(
        "generation {generation} of {projection} is kept since the last rebuild; drop it first"
    )]
    Kept {
        /// The projection.
        projection: &'static str,
        /// The generation.
        generation: i64,
    },
    /// The live rows are being built, which is a rebuild already.
    #[error("{0} is being built, so there is nothing to compare with")]
    Building(&'static str),
    /// The database failed.
    #[error("the query database failed")]
    Store(#[from] StoreError),
}

impl RebuildControl {
    /// The control of projection `P`.
    #[must_use]
    pub fn of<P: TableProjection>(database: &Database) -> Self {
        Self {
            database: database.in_background(),
            version: database.version_of::<P>(),
            ddl: ddl::<P>,
            wake: Arc::default(),
        }
    }

    /// The projection.
    #[must_use]
    pub fn version(&self) -> ProjectionVersion {
        self.version
    }

    /// The last rebuild, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read.
    pub async fn status(&self) -> Result<Option<RebuildStatus>, StoreError> {
        let Some(mut status) = find(&self.database, self.version).await? else {
            return Ok(None);
        };
        if let Some(other) = status.other_generation() {
            status.position = position_of(&self.database, self.version, other).await?;
        }
        Ok(Some(status))
    }

    /// Starts a rebuild, or continues one that failed. One that is running or ready stays as it is, except that it may
    /// become automatic.
    ///
    /// # Errors
    /// [`RebuildRejection`] if a generation is kept from the last rebuild, or the live rows are being built.
    pub async fn start(&self, request: &RebuildRequest) -> Result<(), RebuildRejection> {
        let mut transaction = self.database.lock_schema().await?;
        let known = find_in(&mut transaction, self.version).await?;
        match known.filter(|known| !known.state.has_ended()) {
            None => self.make(&mut transaction, request).await?,
            Some(known) => {
                if let (Some(_), Some(generation)) = (known.previous, known.other_generation()) {
                    return Err(self.kept(generation));
                }
                let state = match known.state {
                    RebuildState::Failed => RebuildState::Building,
                    RebuildState::Ready if request.is_automatic => RebuildState::Swapping,
                    state => state,
                };
                set_state(&mut transaction, self.version, state, None).await?;
                if request.is_automatic {
                    self.make_automatic(&mut transaction).await?;
                }
            }
        }
        self.end(transaction, START).await
    }

    async fn make(
        &self,
        transaction: &mut Transaction,
        request: &RebuildRequest,
    ) -> Result<(), RebuildRejection> {
        if !is_live_built(transaction, self.version).await? {
            return Err(RebuildRejection::Building(self.version.name));
        }
        let generation = self.make_generation(transaction, 0).await?;
        let sql = "INSERT INTO read_model_rebuilds (projection, schema_version, generation, state, is_automatic, who, \
                   reason, requested_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
                   ON CONFLICT (projection, schema_version) DO UPDATE SET generation = excluded.generation, \
                   previous = NULL, state = excluded.state, is_automatic = excluded.is_automatic, who = excluded.who, \
                   reason = excluded.reason, requested_at = excluded.requested_at, report = NULL, failure = NULL";
        let statement = Statement::new(START, sql)
            .bind(self.version.name)
            .bind(i64::from(self.version.version))
            .bind(generation)
            .bind(RebuildState::Building.name())
            .bind(i64::from(request.is_automatic))
            .bind(request.who.as_str())
            .bind(request.reason.as_str())
            .bind(self.database.now_micros());
        transaction.execute(statement).await?;
        Ok(())
    }

    /// Creates an empty generation that only the holder of the rebuild's lease writes.
    pub(super) async fn make_generation(
        &self,
        transaction: &mut Transaction,
        token: i64,
    ) -> Result<i64, StoreError> {
        let schema_version = -i64::from(self.version.version);
        make_table(transaction, self.version, self.ddl, (schema_version, token)).await
    }

    async fn make_automatic(&self, transaction: &mut Transaction) -> Result<(), StoreError> {
        let sql = "UPDATE read_model_rebuilds SET is_automatic = 1 WHERE projection = $1 AND schema_version = $2";
        let statement = Statement::new(START, sql)
            .bind(self.version.name)
            .bind(i64::from(self.version.version));
        transaction.execute(statement).await.map(|_| ())
    }

    /// Makes the rebuilt generation the live one. The task does it.
    ///
    /// # Errors
    /// [`RebuildRejection`] unless the rows were compared or reverted. A repeated request has no effect.
    pub async fn swap(&self) -> Result<(), RebuildRejection> {
        use RebuildState::{Ready, Reverted, Swapped, Swapping};
        self.request("swapped", [Swapping, Swapped], &[Ready, Reverted])
            .await
    }

    /// Makes the previous generation the live one again. The task does it.
    ///
    /// # Errors
    /// [`RebuildRejection`] unless the rows were swapped. A repeated request has no effect.
    pub async fn revert(&self) -> Result<(), RebuildRejection> {
        use RebuildState::{Reverted, Reverting, Swapped};
        self.request("reverted", [Reverting, Reverted], &[Swapped])
            .await
    }

    async fn request(
        &self,
        request: &'static str,
        [next, done]: [RebuildState; 2],
        from: &[RebuildState],
    ) -> Result<(), RebuildRejection> {
        let mut transaction = self.database.lock_schema().await?;
        let state = self.known(&mut transaction).await?.state;
        // `Reverted` is an end of a revert and a start of a swap, so the starts are compared first.
        let next = match state {
            state if from.contains(&state) => next,
            state if state == next || state == done => state,
            state => return Err(self.wrong_state(state, request)),
        };
        set_state(&mut transaction, self.version, next, None).await?;
        self.end(transaction, "request a swap").await
    }

    /// Drops the generation that is kept after a swap or a revert.
    ///
    /// # Errors
    /// [`RebuildRejection`] if none is kept.
    pub async fn drop_kept(&self) -> Result<(), RebuildRejection> {
        use RebuildState::{Dropped, Reverted, Swapped};
        // A reader that has not seen the swap yet may still use the table.
        tokio::time::sleep(READERS_GRACE_PERIOD).await;
        self.remove("dropped", Dropped, &[Swapped, Reverted]).await
    }

    /// Ends a rebuild that was not swapped, and drops its generation.
    ///
    /// # Errors
    /// [`RebuildRejection`] if it was swapped.
    pub async fn abort(&self) -> Result<(), RebuildRejection> {
        use RebuildState::{Aborted, Building, Comparing, Failed, Ready, Swapping};
        let from = [Building, Comparing, Failed, Ready, Swapping];
        self.remove("aborted", Aborted, &from).await
    }

    async fn remove(
        &self,
        request: &'static str,
        ended: RebuildState,
        from: &[RebuildState],
    ) -> Result<(), RebuildRejection> {
        let mut transaction = self.database.lock_schema().await?;
        bound_lock_waits(&mut transaction).await?;
        let known = self.known(&mut transaction).await?;
        if known.state == ended {
            return Ok(transaction.rollback().await?);
        }
        let is_swap_of_kept = known.state == RebuildState::Swapping && known.previous.is_some();
        if !from.contains(&known.state) || is_swap_of_kept {
            return Err(self.wrong_state(known.state, request));
        }
        if let Some(other) = known.other_generation() {
            // A runner that still folds into it is fenced: its next page finds no checkpoint.
            drop_table(&mut transaction, self.version, other).await?;
        }
        set_state(&mut transaction, self.version, ended, None).await?;
        self.end(transaction, "drop the generation of a rebuild")
            .await
    }

    async fn known(
        &self,
        transaction: &mut Transaction,
    ) -> Result<RebuildStatus, RebuildRejection> {
        let known = find_in(transaction, self.version).await?;
        known.ok_or(RebuildRejection::Missing(self.version.name))
    }

    async fn end(
        &self,
        transaction: Transaction,
        operation: &'static str,
    ) -> Result<(), RebuildRejection> {
        transaction.commit(operation).await?;
        self.wake.notify_one();
        Ok(())
    }

    fn kept(&self, generation: i64) -> RebuildRejection {
        let projection = self.version.name;
        RebuildRejection::Kept {
            projection,
            generation,
        }
    }

    fn wrong_state(&self, state: RebuildState, request: &'static str) -> RebuildRejection {
        let projection = self.version.name;
        RebuildRejection::WrongState {
            projection,
            state,
            request,
        }
    }
}

/// Whether the live rows of this version have caught up once.
async fn is_live_built(
    transaction: &mut Transaction,
    version: ProjectionVersion,
) -> Result<bool, StoreError> {
    let Some(live) = present(transaction, version).await? else {
        return Ok(false);
    };
    let sql =
        "SELECT caught_up FROM read_model_generations WHERE projection = $1 AND generation = $2";
    let statement = Statement::new(START, sql).bind(version.name).bind(live);
    let found: Option<(i64,)> = transaction.fetch_optional(statement).await?;
    Ok(found.is_some_and(|(caught_up,)| caught_up == 1))
}
