//! Subscriptions to orders.

use std::sync::Arc;

use async_graphql::{Context, ID, Subscription};
use contract::query::ChangeKind;
use graphql_http::ApiError;

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
    /// The order with this id, at each of its events and each event of its sagas, after the position `after` or from now
    /// on.
    async fn order_updated(
        &self,
        context: &Context<'_>,
        order_id: ID,
        after: Option<String>,
    ) -> Result<Items<Order>, ApiError> {
        let id = arguments::id("orderId", &order_id)?;
        let one = (ChangeKind::OrderUpdated, Some(vec![id]));
        changes::items(context, one, after, order)
    }
}
