//! The queries of the schema.

mod arguments;
mod category;
mod order;
mod product;

use async_graphql::MergedObject;

/// What can be asked.
#[derive(Debug, Default, MergedObject)]
#[graphql(name = "Query")]
pub struct Query(
    category::CategoryQueries,
    product::ProductQueries,
    order::OrderQueries,
);
