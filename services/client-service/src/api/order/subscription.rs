//! Subscriptions to orders.

use std::sync::Arc;

use async_graphql::{Context, ID, Subscription};
use contract::query::ChangeKind;
use graphql_http::{ApiError, ForCustomers};

use super::super::arguments;
use super::super::changes::{self, Items};
use super::types::Order;
use crate::upstream::ChangedRow;

/// Subscriptions to orders.
#[derive(Debug, Default)]
pub struct OrderSubscriptions;

fn order(row: ChangedRow) -> Option<Result<Order, ApiError>> {
    match row {
        ChangedRow::Order(row) => Some(Order::from_row(Arc::unwrap_or_clone(row))),
        ChangedRow::Category(_) | ChangedRow::Product(_) | ChangedRow::Deleted(_) => None,
    }
}

#[expect(clippy::unused_async, reason = "the macro awaits the functions")]
#[Subscription]
impl OrderSubscriptions {
    /// The order with this id, at each of its events and at each event of its sagas.
    #[graphql(directive = ForCustomers::apply())]
    async fn order_updated(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the order.")] order_id: ID,
        #[graphql(
            desc = "A position of the log: the first message is that of the first change after it. Without it the subscription starts now. `BAD_REQUEST` if it is above the head of the log."
        )]
        after: Option<String>,
    ) -> Result<Items<Order>, ApiError> {
        let id = arguments::id("orderId", &order_id)?;
        let one = (ChangeKind::OrderUpdated, Some(vec![id]));
        changes::items(context, one, after, order)
    }
}
