//! Subscriptions to categories.

use std::sync::Arc;

use async_graphql::{Context, ID, Subscription};
use contract::query::ChangeKind;
use graphql_http::{ApiError, OpenToAnyone};

use super::super::changes::{self, Items};
use super::types::Category;
use crate::upstream::ChangedRow;

/// Subscriptions to categories.
#[derive(Debug, Default)]
pub struct CategorySubscriptions;

fn category(row: ChangedRow) -> Option<Result<Category, ApiError>> {
    match row {
        ChangedRow::Category(row) => Some(Category::from_row(Arc::unwrap_or_clone(row))),
        ChangedRow::Product(_) | ChangedRow::Order(_) | ChangedRow::Deleted(_) => None,
    }
}

#[expect(clippy::unused_async, reason = "the macro awaits the functions")]
#[Subscription]
impl CategorySubscriptions {
    /// Each category that is created.
    #[graphql(directive = OpenToAnyone::apply())]
    async fn category_created(
        &self,
        context: &Context<'_>,
        #[graphql(
            desc = "A position of the log: the first message is that of the first change after it. Without it the subscription starts now. `BAD_REQUEST` if it is above the head of the log."
        )]
        after: Option<String>,
    ) -> Result<Items<Category>, ApiError> {
        let all = (ChangeKind::CategoryCreated, None);
        changes::items(context, all, after, category)
    }

    /// Each category whose name or description changes. Products that are added or removed are no such change.
    #[graphql(directive = OpenToAnyone::apply())]
    async fn category_updated(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only this category. Without it all.")] id: Option<ID>,
        #[graphql(
            desc = "A position of the log: the first message is that of the first change after it. Without it the subscription starts now. `BAD_REQUEST` if it is above the head of the log."
        )]
        after: Option<String>,
    ) -> Result<Items<Category>, ApiError> {
        let some = (ChangeKind::CategoryUpdated, changes::only(id.as_ref())?);
        changes::items(context, some, after, category)
    }

    /// The id of each category that is deleted.
    #[graphql(directive = OpenToAnyone::apply())]
    async fn category_deleted(
        &self,
        context: &Context<'_>,
        #[graphql(
            desc = "A position of the log: the first message is that of the first change after it. Without it the subscription starts now. `BAD_REQUEST` if it is above the head of the log."
        )]
        after: Option<String>,
    ) -> Result<Items<ID>, ApiError> {
        let all = (ChangeKind::CategoryDeleted, None);
        changes::items(context, all, after, changes::deleted)
    }
}
