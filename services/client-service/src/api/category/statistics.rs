//! Statistics of all categories.

use async_graphql::SimpleObject;
use contract::query;

/// Statistics of all categories.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct CategoryStatistics {
    /// The number of categories.
    total_count: i32,
    /// Whether there is any category.
    has_categories: bool,
    /// The number of categories with a time of creation. All have one, so it equals `totalCount`; for clients of the
    /// earlier system.
    categories_with_timestamps: i32,
}

impl From<query::CategoryStatisticsResponse> for CategoryStatistics {
    fn from(row: query::CategoryStatisticsResponse) -> Self {
        Self {
            total_count: row.total_count,
            has_categories: row.has_categories,
            categories_with_timestamps: row.categories_with_timestamps,
        }
    }
}
