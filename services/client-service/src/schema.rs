//! Puts the schema together.

use async_graphql::{EmptySubscription, SchemaBuilder};

use crate::limits::MAX_NESTING;
use crate::mutations::Mutation;
use crate::queries::Query;

/// The schema.
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
