//! The queries of all read models.

use std::sync::Arc;

use event_sourcing::EventStore;
use read_model_sql::Database;

use super::models::{ReadModel, ReadModels};
use super::{CategoryQueries, OrderQueries, ProductQueries, SagaQueries};

/// The query handlers, one per read model.
#[derive(Clone, Debug)]
pub struct QueryHandlers {
    pub categories: Arc<CategoryQueries>,
    pub products: Arc<ProductQueries>,
    pub orders: Arc<OrderQueries>,
    pub sagas: Arc<SagaQueries>,
    models: Arc<[Arc<dyn ReadModel>]>,
}

impl QueryHandlers {
    /// Reads from this database; `log` provides the head for the read barrier.
    #[must_use]
    pub fn new(database: Database, log: Arc<dyn EventStore>) -> Self {
        let mut models = ReadModels::new(database, log);
        Self {
            categories: Arc::new(CategoryQueries::new(&mut models)),
            products: Arc::new(ProductQueries::new(&mut models)),
            orders: Arc::new(OrderQueries::new(&mut models)),
            sagas: Arc::new(SagaQueries::new(&mut models)),
            models: models.into_list(),
        }
    }

    /// All read models.
    pub(crate) fn models(&self) -> &[Arc<dyn ReadModel>] {
        &self.models
    }
}
