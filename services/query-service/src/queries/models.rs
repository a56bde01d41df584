//! One list of read models.
//!
//! A read model is read through its [`TableQueries`], and a table is made here alone, which also lists it. Whatever has to be done
//! for each of them goes by that list: its table is made and migrated, its events are folded, its cache follows them, it is
//! probed, measured and shown to operators. So a read model that can be read is never left out of one of these.

use std::fmt::Debug;
use std::sync::Arc;

use event_sourcing::EventStore;
use futures::future::BoxFuture;
use platform::health::StartStep;
use platform::{StartError, Tasks};
use read_model_sql::{Database, TableProjection};

use super::{Cached, TableQueries};
use crate::fold::{Folding, make_table};
use crate::projection_status::Followed;

/// What has to be done for each read model, whatever its rows are.
pub(crate) trait ReadModel: Debug + Send + Sync {
    fn name(&self) -> &'static str;

    /// Makes its table, if there is none.
    fn make_table(&self, making: StartStep) -> BoxFuture<'_, Result<(), StartError>>;

    /// Folds events into its table from now on, and returns what is seen of that.
    fn fold<'f>(
        &'f self,
        folding: &'f Folding,
        tasks: &'f Tasks,
    ) -> BoxFuture<'f, Result<Followed, StartError>>;

    /// Keeps its cache true; drop it to stop.
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
        folding: &'f Folding,
        tasks: &'f Tasks,
    ) -> BoxFuture<'f, Result<Followed, StartError>> {
        Box::pin(folding.start::<P>(tasks))
    }

    fn follow(&self, log: Arc<dyn EventStore>) -> BoxFuture<'_, ()> {
        Box::pin(self.follow_log(log))
    }
}

/// The list, while it is made.
#[derive(Debug)]
pub(super) struct ReadModels {
    database: Database,
    log: Arc<dyn EventStore>,
    models: Vec<Arc<dyn ReadModel>>,
}

impl ReadModels {
    /// None yet. `log` says how far there is anything to read.
    pub(super) fn new(database: Database, log: Arc<dyn EventStore>) -> Self {
        Self {
            database,
            log,
            models: Vec::new(),
        }
    }

    /// The table of `P`, with a cache of about so much, which is now one of the read models.
    pub(super) fn table<P: TableProjection>(&mut self, cached: Cached) -> Arc<TableQueries<P>> {
        let (database, log) = (self.database.clone(), Arc::clone(&self.log));
        let table = Arc::new(TableQueries::new(database, log, cached));
        self.models.push(Arc::clone(&table) as Arc<dyn ReadModel>);
        table
    }

    /// All of them, in the order in which they were added.
    pub(super) fn into_list(self) -> Arc<[Arc<dyn ReadModel>]> {
        self.models.into()
    }
}
