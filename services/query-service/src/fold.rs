//! Folding: this process folds events into the tables while it holds the projections' leases, and rebuilds them.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::projection::{Runner, RunnerConfig};
use event_sourcing::{EventStore, LeaseStore, StoreError};
use futures::future::BoxFuture;
use platform::health::StartStep;
use platform::{StartError, Tasks};
use read_model_sql::{
    Database, Engine, RebuildControl, RebuildTask, SqlLeaseStore, SqlProjectionStore,
    TableProjection,
};

use crate::projection_status::ProjectionHandle;

const START: &str = "start a projection";
/// How long it takes until another process takes over the projections of a crashed one.
const LEASE: Duration = Duration::from_secs(12);

/// Dependencies that all projections of the process share.
pub(crate) struct ProjectionStarter {
    log: Arc<dyn EventStore>,
    database: Database,
    owner: String,
    making: StartStep,
}

impl ProjectionStarter {
    /// Folds this log into this database. `making` is the start step that creates tables.
    pub(crate) fn new(log: Arc<dyn EventStore>, database: Database, making: StartStep) -> Self {
        Self {
            log,
            database,
            owner: format!("query-service-{:016x}", rand::random::<u64>()),
            making,
        }
    }

    /// Starts a projection, and returns a handle that shows its progress.
    pub(crate) async fn start<P: TableProjection>(
        &self,
        tasks: &Tasks,
    ) -> Result<ProjectionHandle, StartError> {
        let rows = make_table::<P>(self.making, &self.database).await?;
        rows.require_head(&*self.log).await.map_err(failed)?;
        let leases: Arc<dyn LeaseStore> = Arc::new(SqlLeaseStore::new(self.database.clone()));
        let config = RunnerConfig {
            lease: LEASE,
            ..RunnerConfig::new(self.owner.clone())
        };
        let runner = Runner::<P>::new(
            Arc::clone(&self.log),
            Arc::new(rows),
            Arc::clone(&leases),
            config.clone(),
        );
        let control = RebuildControl::of::<P>(&self.database);
        let (log, shared) = (Arc::clone(&self.log), Arc::clone(&leases));
        let rebuild = RebuildTask::<P>::new(control.clone(), log, shared, &config);
        if self.database.engine() == Engine::Sqlite {
            // A data folder belongs to one process, so the holder of the lease is dead: there is no need to wait for
            // expiry.
            let names = [runner.lease(), rebuild.lease()];
            let seizing = leases.seize_leases(&names, &self.owner, LEASE);
            seizing.await.map_err(failed)?;
        }
        let version = self.database.version_of::<P>();
        let checkpoint = self.database.checkpoints().follow(version);
        let followed = ProjectionHandle::new(version, runner.state(), checkpoint, control);
        tasks.spawn(P::NAME, runner.run(tasks.stopping()));
        let name = format!("rebuild of {}", P::NAME);
        tasks.spawn(name, rebuild.run(tasks.stopping()));
        Ok(followed)
    }
}

/// Opens the table of a projection, and creates it if it does not exist.
pub(crate) fn make_table<P: TableProjection>(
    making: StartStep,
    database: &Database,
) -> BoxFuture<'_, Result<SqlProjectionStore<P>, StartError>> {
    making.take(StoreError::is_retryable, || {
        Box::pin(SqlProjectionStore::<P>::open(database.clone()))
    })
}

fn failed(error: StoreError) -> StartError {
    StartError::failed(START, error)
}
