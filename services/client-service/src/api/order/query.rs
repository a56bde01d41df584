//! Queries of orders.

use async_graphql::{Context, ID, Object};
use contract::query::{Order as Row, OrderListRequest, UserOrderListRequest};
use futures::future::{BoxFuture, FutureExt};
use graphql_http::{ApiError, SizedBy, or_null};
use tonic::{Code, Status};

use super::super::arguments;
use super::super::read::{read_error, single};
use super::status::OrderStatus;
use super::types::Order;
use crate::upstream::RequestContext;

/// Queries of orders.
#[derive(Debug, Default)]
pub struct OrderQueries;

/// The orders to list.
#[derive(Debug)]
struct Pagination {
    /// `None`: the orders of all users.
    user_id: Option<String>,
    status: Option<i32>,
}

async fn by_id(context: &Context<'_>, id: ID) -> Result<Order, ApiError> {
    let scope = RequestContext::of(context)?;
    let id = arguments::id("id", &id)?;
    let answer = scope.services.order(scope, id.clone()).await;
    Order::from_row(single(answer, ("order", "id", &id))?)
}

impl Pagination {
    fn new(user_id: Option<String>, status: Option<OrderStatus>) -> Self {
        let status = status.map(OrderStatus::number);
        Self { user_id, status }
    }

    async fn list(
        &self,
        scope: &RequestContext,
        limit: Option<i32>,
        offset: Option<i32>,
    ) -> Result<Vec<Order>, ApiError> {
        let limit = arguments::limit(limit)?;
        let offset = arguments::at_least("offset", 0, offset.unwrap_or(0))?;
        let rows = self.read(scope, limit, offset).await;
        Order::from_rows(scope, rows.map_err(read_error)?)
    }

    /// Reads a page. If it exceeds the size of one message, it is read in two halves.
    fn read<'a>(
        &'a self,
        scope: &'a RequestContext,
        limit: i32,
        offset: i32,
    ) -> BoxFuture<'a, Result<Vec<Row>, Status>> {
        async move {
            match self.read_once(scope, limit, offset).await {
                Err(status) if status.code() == Code::OutOfRange && limit > 1 => {
                    let first = limit / 2;
                    let mut rows = self.read(scope, first, offset).await?;
                    let next = offset.saturating_add(first);
                    rows.extend(self.read(scope, limit - first, next).await?);
                    Ok(rows)
                }
                answer => answer,
            }
        }
        .boxed()
    }

    async fn read_once(
        &self,
        scope: &RequestContext,
        limit: i32,
        offset: i32,
    ) -> Result<Vec<Row>, Status> {
        let (status, limit) = (self.status, Some(limit));
        let list = match self.user_id.clone() {
            None => {
                let window = OrderListRequest {
                    status,
                    limit,
                    offset,
                };
                scope.services.orders(scope, window).await?
            }
            Some(user_id) => {
                let window = UserOrderListRequest {
                    user_id,
                    status,
                    limit,
                    offset,
                };
                scope.services.user_orders(scope, window).await?
            }
        };
        Ok(list.orders)
    }
}

#[Object]
impl OrderQueries {
    /// The order with this id.
    async fn order(&self, context: &Context<'_>, id: ID) -> Option<Order> {
        or_null(context, by_id(context, id).await)
    }

    /// All orders, the latest first: `limit` (1 to 500, 100 if absent) from `offset` on.
    #[graphql(directive = SizedBy::apply("limit", 100))]
    async fn orders(
        &self,
        context: &Context<'_>,
        status: Option<OrderStatus>,
        limit: Option<i32>,
        offset: Option<i32>,
    ) -> Result<Vec<Order>, ApiError> {
        let scope = RequestContext::of(context)?;
        Pagination::new(None, status)
            .list(scope, limit, offset)
            .await
    }

    /// A user's orders, the latest first: `limit` (1 to 500, 100 if absent) from `offset` on.
    #[graphql(directive = SizedBy::apply("limit", 100))]
    async fn user_orders(
        &self,
        context: &Context<'_>,
        user_id: ID,
        status: Option<OrderStatus>,
        limit: Option<i32>,
        offset: Option<i32>,
    ) -> Result<Vec<Order>, ApiError> {
        let scope = RequestContext::of(context)?;
        let user_id = arguments::user_id("userId", &user_id)?;
        let window = Pagination::new(Some(user_id), status);
        window.list(scope, limit, offset).await
    }
}
