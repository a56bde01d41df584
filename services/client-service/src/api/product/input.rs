//! Inputs of the mutations of products.

use async_graphql::{ID, InputObject, MaybeUndefined};
use graphql_http::Decimal;

/// The input of `createProduct`.
#[derive(Debug, InputObject)]
pub struct CreateProductInput {
    /// The name: 1 to 200 characters after white space at both ends is removed.
    pub name: String,
    /// A text of at most 1,000 characters.
    pub description: Option<String>,
    /// The price of one piece: 0.01 to 999999.99, at most two decimals.
    pub price: Decimal,
    /// The id of its category, which must exist, else `VALIDATION_ERROR`. Without it the product is in none.
    pub category_id: Option<ID>,
    /// The initial number of pieces on hand: 0 to 1,000,000,000. Null is a `VALIDATION_ERROR`.
    #[graphql(default_with = "MaybeUndefined::Value(0)")]
    pub stock_quantity: MaybeUndefined<i32>,
}

/// The input of `updateProduct`. Fields that are omitted stay as they are.
#[derive(Debug, InputObject)]
pub struct UpdateProductInput {
    /// The id of the product.
    pub id: ID,
    /// The new name: 1 to 200 characters. Null is a `VALIDATION_ERROR`.
    pub name: MaybeUndefined<String>,
    /// A text of at most 1,000 characters. Null removes it.
    pub description: MaybeUndefined<String>,
    /// The new price: 0.01 to 999999.99, at most two decimals. Null is a `VALIDATION_ERROR`.
    pub price: MaybeUndefined<Decimal>,
    /// The id of its new category, which must exist, else `VALIDATION_ERROR`. Null removes it from its category.
    pub category_id: MaybeUndefined<ID>,
    /// The change is rejected with `CONFLICT` unless the product is at this version. Null is a `VALIDATION_ERROR`.
    pub expected_version: MaybeUndefined<i32>,
}
