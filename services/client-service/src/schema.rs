//! Assembles the schema.

use std::sync::Arc;

use async_graphql::{EmptySubscription, MergedObject, SchemaBuilder};
use graphql_http::{Engine, MAX_NESTING};

use crate::api::category::{CategoryMutations, CategoryQueries};
use crate::api::order::{OrderMutations, OrderQueries};
use crate::api::product::{ProductMutations, ProductQueries};
use crate::api::relay::NodeQueries;
use crate::api::saga::SagaQueries;
use crate::upstream::{RequestContext, Services};

/// All queries.
#[derive(Debug, Default, MergedObject)]
pub struct Query(
    CategoryQueries,
    ProductQueries,
    OrderQueries,
    SagaQueries,
    NodeQueries,
);

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
pub fn engine(schema: Schema, services: Services) -> Engine {
    Box::new(move |request, execution| {
        let context = RequestContext::new(services.clone(), Arc::clone(execution));
        let request = request.data(Arc::new(context));
        let schema = schema.clone();
        Box::pin(async move { schema.execute(request).await })
    })
}

#[cfg(test)]
mod tests {
    use super::build;

    #[test]
    fn every_scalar_of_the_schema_is_known() {
        let sdl = build(true).sdl();
        let scalars: Vec<&str> = sdl
            .lines()
            .filter_map(|line| line.strip_prefix("scalar "))
            .collect();
        assert_eq!(scalars, ["DateTime", "Decimal"]);
    }
}
