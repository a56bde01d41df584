//! Folding: how this process brings events into the tables, whenever no other process does.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::projection::runner::{Runner, RunnerConfig};
use event_sourcing::{EventStore, LeaseStore, StoreError};
use futures::future::BoxFuture;
use platform::health::StartStep;
use platform::{StartError, Tasks};
use read_model_sql::{Database, Engine, SqlLeaseStore, SqlProjectionStore, TableProjection};

use crate::projection_status::Followed;

const START: &str = "start a projection";
/// How long another process waits for the projections of one that died.
const LEASE: Duration = Duration::from_secs(12);

/// What all projections of the process share.
pub(crate) struct Folding {
    log: Arc<dyn EventStore>,
    database: Database,
    owner: String,
    making: StartStep,
}

impl Folding {
    /// Folds this log into this database. `making` is how tables are made at a start.
    pub(crate) fn new(log: Arc<dyn EventStore>, database: Database, making: StartStep) -> Self {
        Self {
            log,
            database,
            owner: format!("query-service-{:016x}", rand::random::<u64>()),
            making,
        }
    }

    /// Starts a projection, and returns what is seen of it.
    pub(crate) async fn start<P: TableProjection>(
        &self,
        tasks: &Tasks,
    ) -> Result<Followed, StartError> {
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
            config,
        );
        if self.database.engine() == Engine::Sqlite {
            // A data folder belongs to one process, so who held the lease is dead: readers need not wait for its end.
            let names = [runner.lease()];
            let seizing = leases.seize_leases(&names, &self.owner, LEASE);
            seizing.await.map_err(failed)?;
        }
        let version = self.database.version_of::<P>();
        let checkpoint = self.database.checkpoints().follow(version);
        let followed = Followed::new(version, runner.state(), checkpoint);
        tasks.spawn(P::NAME, runner.run(tasks.stopping()));
        Ok(followed)
    }
}

/// The table of a projection, which is made if there is none.
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
