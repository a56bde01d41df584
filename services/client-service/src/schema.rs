//! Assembles the schema.

use async_graphql::{EmptySubscription, MergedObject, SchemaBuilder};

use crate::api::category::{CategoryMutations, CategoryQueries};
use crate::api::order::{OrderMutations, OrderQueries};
use crate::api::product::{ProductMutations, ProductQueries};
use crate::api::saga::SagaQueries;
use crate::graphql::{Engine, MAX_NESTING};

/// All queries.
#[derive(Debug, Default, MergedObject)]
pub struct Query(CategoryQueries, ProductQueries, OrderQueries, SagaQueries);

/// All mutations. The mutations of one request run in order, each with a command id of its own.
#[derive(Debug, Default, MergedObject)]
pub struct Mutation(CategoryMutations, ProductMutations, OrderMutations);

pub type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// Builds the schema. Suggestions in error messages reveal the schema, so they are enabled in development only.
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

/// The engine that executes requests on the schema.
#[must_use]
pub fn engine(schema: Schema) -> Engine {
    Box::new(move |request| {
        let schema = schema.clone();
        Box::pin(async move { schema.execute(request).await })
    })
}
