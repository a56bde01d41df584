//! Assembles the schema.

use std::any::TypeId;
use std::sync::Arc;

use async_graphql::{MergedObject, MergedSubscription, Response, SchemaBuilder, ValidationMode};
use futures::StreamExt;
use graphql_http::{Engine, MAX_NESTING, ValidatedDocument};

use crate::api::category::{CategoryMutations, CategoryQueries, CategorySubscriptions};
use crate::api::order::{OrderMutations, OrderQueries, OrderSubscriptions};
use crate::api::product::{ProductMutations, ProductQueries, ProductSubscriptions};
use crate::api::relay::NodeQueries;
use crate::api::saga::SagaQueries;
use crate::upstream::{RequestContext, Services, Trigger};

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

/// All subscriptions. Each message has the position of its change in `extensions.position`; a subscription with that
/// position as `after` continues with the next change.
#[derive(Debug, Default, MergedSubscription)]
pub struct Subscription(
    CategorySubscriptions,
    ProductSubscriptions,
    OrderSubscriptions,
);

pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// Builds the schema. Suggestions in error messages reveal the schema, so they are enabled in development only.
#[must_use]
pub fn build(suggestions: bool) -> Schema {
    if suggestions {
        builder().finish()
    } else {
        builder().disable_suggestions().finish()
    }
}

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    let (query, mutation) = (Query::default(), Mutation::default());
    Schema::build(query, mutation, Subscription::default()).limit_recursive_depth(MAX_NESTING)
}

/// A longer document gets no suggestions: each name that is unknown is compared with all names of its type, letter by letter.
const MAX_SUGGESTION_BYTES: usize = 8 * 1024;

/// The engine that executes requests on the schema. Of a subscription, which has a [`Trigger`], it returns the first response,
/// or an empty one if there is none.
#[must_use]
pub fn engine(schema: Schema, services: Services) -> Engine {
    // Neither suggestions nor the validation can be disabled for one request.
    let without_suggestions = build(false);
    let without_validation = builder().validation_mode(ValidationMode::Fast).finish();
    Box::new(move |request, execution| {
        let context = RequestContext::new(services.clone(), Arc::clone(execution));
        let request = request.data(Arc::new(context));
        let is_long = request.query.len() > MAX_SUGGESTION_BYTES;
        let schema = if request
            .data
            .contains_key(&TypeId::of::<ValidatedDocument>())
        {
            &without_validation
        } else if is_long {
            &without_suggestions
        } else {
            &schema
        }
        .clone();
        let is_subscription = request.data.contains_key(&TypeId::of::<Trigger>());
        Box::pin(async move {
            if !is_subscription {
                return schema.execute(request).await;
            }
            let first = schema.execute_stream(request).next().await;
            first.unwrap_or_else(|| Response::new(()))
        })
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
