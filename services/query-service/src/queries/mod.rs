//! The queries of the read model, independent of gRPC.

mod categories;
mod conditions;
mod handlers;
mod models;
mod orders;
mod products;
mod query;
mod result;
mod sagas;
mod table;

pub use categories::CategoryQueries;
pub use handlers::QueryHandlers;
pub use orders::{OrderQueries, OrderSearch};
pub use products::{ProductQueries, ProductSearch, ProductStatistics, SortBy, SortDirection};
pub use read_model_sql::{ReachedPosition, ReadBarrier, ReadError, ReadOptions};
pub use result::{MAX_ROWS, Pagination, ReadResult, Row};
pub use sagas::{SagaQueries, SagaSearch};
pub use table::{CacheCapacity, List, TableQueries};
