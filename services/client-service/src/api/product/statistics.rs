//! Statistics of all products.

use async_graphql::SimpleObject;
use contract::query;
use graphql_http::ApiError;

/// Statistics of all products.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct ProductStatistics {
    /// The number of products.
    total_count: i32,
    /// Whether there is any product.
    has_products: bool,
    /// The average price, as a float; 0 without products.
    average_price: f64,
    /// The lowest price, as a float; 0 without products.
    min_price: f64,
    /// The highest price, as a float; 0 without products.
    max_price: f64,
    /// The sum of price × `stockQuantity`, as a float.
    total_value: f64,
    /// The number of products with a time of creation. All have one, so it equals `totalCount`; for clients of the earlier
    /// system.
    products_with_timestamps: i32,
}

impl ProductStatistics {
    /// From the read side.
    ///
    /// # Errors
    /// The total is not a number.
    pub fn from_row(row: &query::ProductStatisticsResponse) -> Result<Self, ApiError> {
        let total_value = match row.total_value.as_str() {
            "" => 0.0,
            text => text
                .parse()
                .map_err(|_| ApiError::internal("the total value is not a number"))?,
        };
        Ok(Self {
            total_count: row.total_count,
            has_products: row.has_products,
            average_price: row.average_price,
            min_price: row.min_price,
            max_price: row.max_price,
            total_value,
            products_with_timestamps: row.products_with_timestamps,
        })
    }
}
