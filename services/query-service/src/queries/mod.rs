//! The queries of the read model, independent of gRPC.

mod categories;
mod conditions;
mod connection;
mod handlers;
mod models;
mod orders;
mod owner;
mod products;
mod query;
mod result;
mod row_key;
mod sagas;
mod sort;
mod table;

pub use categories::{CategoryQueries, CategorySearch, CategorySortField};
pub use connection::{Connection, MAX_SLICE_ROWS, PageSlice, SliceSize};
pub use handlers::QueryHandlers;
pub use orders::{OrderFilter, OrderQueries, OrderSearch, OrderSortField};
pub use products::{
    ProductListOrder, ProductQueries, ProductSearch, ProductSortField, ProductStatistics,
};
pub use read_model_sql::{ReachedPosition, ReadBarrier, ReadError, ReadOptions};
pub use result::{MAX_ROWS, Pagination, ReadResult, Row};
pub use row_key::RowKey;
pub use sagas::{SagaQueries, SagaSearch};
pub use sort::{Sort, SortColumns, SortDirection, SortField};
pub use table::{CacheCapacity, List, TableQueries};
