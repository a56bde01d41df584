//! The reads of all read models.

use std::sync::Arc;

use event_sourcing::EventStore;
use read_model_sql::Database;

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
}

impl Reads {
    /// Reads from this database; `log` says how far there is anything to read.
    #[must_use]
    pub fn new(database: &Database, log: &Arc<dyn EventStore>) -> Self {
        let (database, log) = (|| database.clone(), || Arc::clone(log));
        Self {
            categories: Arc::new(CategoryReads::new(database(), log())),
            products: Arc::new(ProductReads::new(database(), log())),
            orders: Arc::new(OrderReads::new(database(), log())),
            sagas: Arc::new(SagaReads::new(database(), log())),
        }
    }
}
