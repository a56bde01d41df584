//! The mutations of the schema.

mod category;
mod order;
mod product;

use async_graphql::MergedObject;

/// What can be changed. The mutations of one request run in order, each with a command id of its own.
#[derive(Debug, Default, MergedObject)]
#[graphql(name = "Mutation")]
pub struct Mutation(
    category::CategoryMutations,
    product::ProductMutations,
    order::OrderMutations,
);
