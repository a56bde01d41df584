//! The reads of all read models.

use std::sync::Arc;

use event_sourcing::EventStore;
use read_model_sql::Database;

use super::models::{ReadModel, ReadModels};
use super::{CategoryReads, OrderReads, ProductReads, SagaReads};

/// All that can be asked.
#[derive(Clone, Debug)]
pub struct Reads {
    /// About categories.
    pub categories: Arc<CategoryReads>,
    /// About products.
    pub products: Arc<ProductReads>,
    /// About orders.
    pub orders: Arc<OrderReads>,
    /// About sagas.
    pub sagas: Arc<SagaReads>,
    models: Arc<[Arc<dyn ReadModel>]>,
}

impl Reads {
    /// Reads from this database; `log` says how far there is anything to read.
    #[must_use]
    pub fn new(database: Database, log: Arc<dyn EventStore>) -> Self {
        let mut models = ReadModels::new(database, log);
        Self {
            categories: Arc::new(CategoryReads::new(&mut models)),
            products: Arc::new(ProductReads::new(&mut models)),
            orders: Arc::new(OrderReads::new(&mut models)),
            sagas: Arc::new(SagaReads::new(&mut models)),
            models: models.into_list(),
        }
    }

    /// The read models that are read, all of them.
    pub(crate) fn models(&self) -> &[Arc<dyn ReadModel>] {
        &self.models
    }
}
