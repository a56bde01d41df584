//! Puts the schema together.

use async_graphql::{EmptySubscription, MergedObject, SchemaBuilder};

use crate::api::category::{CategoryMutations, CategoryQueries};
use crate::api::order::{OrderMutations, OrderQueries};
use crate::api::product::{ProductMutations, ProductQueries};
use crate::api::saga::SagaQueries;
use crate::graphql::{Engine, MAX_NESTING};

/// What can be asked.
#[derive(Debug, Default, MergedObject)]
pub struct Query(CategoryQueries, ProductQueries, OrderQueries, SagaQueries);

/// What can be changed. The mutations of one request run in order, each with a command id of its own.
#[derive(Debug, Default, MergedObject)]
pub struct Mutation(CategoryMutations, ProductMutations, OrderMutations);

pub type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// Builds it. Suggestions tell the schema to who guesses, so they are for development.
#[must_use]
pub fn build(suggestions: bool) -> Schema {
    let builder: SchemaBuilder<_, _, _> =
        Schema::build(Query::default(), Mutation::default(), EmptySubscription)
            .limit_recursive_depth(MAX_NESTING);
    if suggestions {
        builder.finish()
    } else {
        builder.disable_suggestions().finish()
    }
}

/// What executes requests on it.
#[must_use]
pub fn engine(schema: Schema) -> Engine {
    Box::new(move |request| {
        let schema = schema.clone();
        Box::pin(async move { schema.execute(request).await })
    })
}
