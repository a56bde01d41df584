//! Inputs of the mutations of products.

use async_graphql::{ID, InputObject, MaybeUndefined};
use graphql_http::Decimal;

/// A new product.
#[derive(Debug, InputObject)]
pub struct CreateProductInput {
    /// 1 to 200 characters.
    pub name: String,
    /// At most 1,000 characters.
    pub description: Option<String>,
    /// 0.01 to 999999.99.
    pub price: Decimal,
    /// Its category, if any.
    pub category_id: Option<ID>,
    /// The initial quantity on hand.
    #[graphql(default_with = "MaybeUndefined::Value(0)")]
    pub stock_quantity: MaybeUndefined<i32>,
}

/// A change of a product.
#[derive(Debug, InputObject)]
pub struct UpdateProductInput {
    /// The product.
    pub id: ID,
    /// 1 to 200 characters.
    pub name: MaybeUndefined<String>,
    /// At most 1,000 characters. Null removes it.
    pub description: MaybeUndefined<String>,
    /// 0.01 to 999999.99.
    pub price: MaybeUndefined<Decimal>,
    /// Its category. Null removes it from its category.
    pub category_id: MaybeUndefined<ID>,
    /// Reject the change unless the product is at this version.
    pub expected_version: MaybeUndefined<i32>,
}
