//! The list of read models.
//!
//! A read model is read through its [`TableQueries`]. They can only be created here, which also adds them to the
//! list, and everything that is done per read model iterates over it: tables are created and migrated, events are
//! folded, caches follow, and projections are probed, measured and shown to operators. So no read model can be
//! missing from one of these.

use std::fmt::Debug;
use std::sync::Arc;

use event_sourcing::EventStore;
use futures::future::BoxFuture;
use platform::health::StartStep;
use platform::{StartError, Tasks};
use read_model_sql::{Database, TableProjection};

use super::{CacheCapacity, TableQueries};
use crate::fold::{ProjectionStarter, make_table};
use crate::projection_status::ProjectionHandle;

/// The operations on each read model, independent of its row type.
pub(crate) trait ReadModel: Debug + Send + Sync {
    fn name(&self) -> &'static str;

    /// Creates its table if it does not exist.
    fn make_table(&self, making: StartStep) -> BoxFuture<'_, Result<(), StartError>>;

    /// Starts folding events into its table, and returns a handle that shows the progress.
    fn fold<'f>(
        &'f self,
        folding: &'f ProjectionStarter,
        tasks: &'f Tasks,
    ) -> BoxFuture<'f, Result<ProjectionHandle, StartError>>;

    /// Keeps its cache consistent until the future is dropped.
    fn follow(&self, log: Arc<dyn EventStore>) -> BoxFuture<'_, ()>;
}

impl<P: TableProjection> ReadModel for TableQueries<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn make_table(&self, making: StartStep) -> BoxFuture<'_, Result<(), StartError>> {
        Box::pin(async move {
            make_table::<P>(making, self.database()).await?;
            Ok(())
        })
    }

    fn fold<'f>(
        &'f self,
        folding: &'f ProjectionStarter,
        tasks: &'f Tasks,
    ) -> BoxFuture<'f, Result<ProjectionHandle, StartError>> {
        Box::pin(folding.start::<P>(tasks))
    }

    fn follow(&self, log: Arc<dyn EventStore>) -> BoxFuture<'_, ()> {
        Box::pin(self.follow_log(log))
    }
}

/// Builder of the list.
#[derive(Debug)]
pub(super) struct ReadModels {
    database: Database,
    log: Arc<dyn EventStore>,
    models: Vec<Arc<dyn ReadModel>>,
}

impl ReadModels {
    /// An empty list. `log` provides the head for the read barriers.
    pub(super) fn new(database: Database, log: Arc<dyn EventStore>) -> Self {
        Self {
            database,
            log,
            models: Vec::new(),
        }
    }

    /// Creates the queries of table `P`, with a cache of about this size, and adds them to the list.
    pub(super) fn table<P: TableProjection>(
        &mut self,
        cached: CacheCapacity,
    ) -> Arc<TableQueries<P>> {
        let (database, log) = (self.database.clone(), Arc::clone(&self.log));
        let table = Arc::new(TableQueries::new(database, log, cached));
        self.models.push(Arc::clone(&table) as Arc<dyn ReadModel>);
        table
    }

    /// The read models in the order in which they were added.
    pub(super) fn into_list(self) -> Arc<[Arc<dyn ReadModel>]> {
        self.models.into()
    }
}
