//! Queries of orders.

use async_graphql::{Context, ID, Object};
use contract::query::{
    Order as Row, OrderConnectionRequest, OrderListRequest, OrderListResponse, OrderPeriod,
    UserOrderListRequest,
};
use futures::future::{BoxFuture, FutureExt};
use graphql_http::{ApiError, ConnectionOf, DateTime, ForAdmins, ForCustomers, SizedBy, or_null};
use tonic::{Code, Status};

use super::super::argument_errors::ArgumentErrors;
use super::super::arguments;
use super::super::own::require_own;
use super::super::read::{read_error, single};
use super::super::relay::{Connection, KeyColumns, ListScope, SliceArguments, connection};
use super::period::{in_order, period};
use super::sort::OrderSort;
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
    status: Option<OrderStatus>,
    period: Option<OrderPeriod>,
    sort: Option<OrderSort>,
}

async fn by_id(context: &Context<'_>, id: ID) -> Result<Order, ApiError> {
    let scope = RequestContext::of(context)?;
    let id = arguments::id("id", &id)?;
    let answer = scope.services.order(scope, id.clone()).await;
    Order::from_row(single(answer, ("order", "id", &id))?)
}

impl Pagination {
    /// `errors` are those of the arguments before `limit`.
    async fn list(
        &self,
        scope: &RequestContext,
        (limit, offset): (Option<i32>, Option<i32>),
        mut errors: ArgumentErrors,
    ) -> Result<Vec<Order>, ApiError> {
        let limit = errors.check(arguments::limit(limit));
        let offset = errors.check(arguments::offset(offset));
        errors.check(in_order(self.period));
        let page = (limit.unwrap_or_default(), offset.unwrap_or_default());
        let (limit, offset) = errors.none(page)?;
        let rows = self.read(scope, limit, offset).await;
        Order::from_rows(scope, rows.map_err(read_error)?)
    }

    /// Reads a page. One message has room for a limited number of rows: a page that was cut is continued, and one that could
    /// not be sent is read in two halves.
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
                Ok(list) => {
                    let mut rows = list.orders;
                    let count = i32::try_from(rows.len()).unwrap_or(limit);
                    if list.truncated && 0 < count && count < limit {
                        let next = offset.saturating_add(count);
                        rows.extend(self.read(scope, limit - count, next).await?);
                    }
                    Ok(rows)
                }
                Err(status) => Err(status),
            }
        }
        .boxed()
    }

    async fn read_once(
        &self,
        scope: &RequestContext,
        limit: i32,
        offset: i32,
    ) -> Result<OrderListResponse, Status> {
        let status = self.status.map(OrderStatus::number);
        let limit = Some(limit);
        let (sort, period) = (self.sort.map(OrderSort::message), self.period);
        match self.user_id.clone() {
            None => {
                let window = OrderListRequest {
                    status,
                    limit,
                    offset,
                    sort,
                    period,
                };
                scope.services.orders(scope, window).await
            }
            Some(user_id) => {
                let window = UserOrderListRequest {
                    user_id,
                    status,
                    limit,
                    offset,
                    sort,
                    period,
                };
                scope.services.user_orders(scope, window).await
            }
        }
    }
}

/// The list that the cursors of a connection belong to.
fn scope_of(request: &OrderConnectionRequest, columns: KeyColumns) -> Result<ListScope, ApiError> {
    let period = request.period.unwrap_or_default();
    let sort = request.sort.unwrap_or_default();
    let arguments = (
        &request.user_id,
        request.status,
        (period.created_from_micros, period.created_before_micros),
        (sort.field, sort.direction),
    );
    ListScope::try_new("orders", arguments, columns)
}

#[Object]
impl OrderQueries {
    /// The order with this id. Null with the error `NOT_FOUND` if there is none.
    #[graphql(directive = ForCustomers::apply())]
    async fn order(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the order.")] id: ID,
    ) -> Option<Order> {
        or_null(context, by_id(context, id).await)
    }

    /// The orders of all users, the latest first unless `sortBy` is given. New orders move the items; see `ordersConnection`.
    #[graphql(directive = SizedBy::apply("limit", 100), directive = ForAdmins::apply())]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a list")]
    async fn orders(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only orders with this status.")] status: Option<OrderStatus>,
        #[graphql(
            desc = "The maximum number of items: 1 to 500, else `VALIDATION_ERROR`. Default 100."
        )]
        limit: Option<i32>,
        #[graphql(desc = "The number of items to skip, from 0. Default 0.")] offset: Option<i32>,
        #[graphql(
            desc = "Only orders created at this time or later. `VALIDATION_ERROR` if it is after `createdBefore`."
        )]
        created_after: Option<DateTime>,
        #[graphql(desc = "Only orders created before this time.")] created_before: Option<DateTime>,
        #[graphql(desc = "The order of the list. Default: by the time of creation, descending.")]
        sort_by: Option<OrderSort>,
    ) -> Result<Vec<Order>, ApiError> {
        let scope = RequestContext::of(context)?;
        let window = Pagination {
            user_id: None,
            status,
            period: period(created_after, created_before),
            sort: sort_by,
        };
        let errors = ArgumentErrors::default();
        window.list(scope, (limit, offset), errors).await
    }

    /// A user's orders, the latest first unless `sortBy` is given. New orders move the items; see `ordersConnection`.
    #[graphql(directive = SizedBy::apply("limit", 100), directive = ForCustomers::apply())]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a list")]
    async fn user_orders(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the user: 1 to 255 characters.")] user_id: ID,
        #[graphql(desc = "Only orders with this status.")] status: Option<OrderStatus>,
        #[graphql(
            desc = "The maximum number of items: 1 to 500, else `VALIDATION_ERROR`. Default 100."
        )]
        limit: Option<i32>,
        #[graphql(desc = "The number of items to skip, from 0. Default 0.")] offset: Option<i32>,
        #[graphql(
            desc = "Only orders created at this time or later. `VALIDATION_ERROR` if it is after `createdBefore`."
        )]
        created_after: Option<DateTime>,
        #[graphql(desc = "Only orders created before this time.")] created_before: Option<DateTime>,
        #[graphql(desc = "The order of the list. Default: by the time of creation, descending.")]
        sort_by: Option<OrderSort>,
    ) -> Result<Vec<Order>, ApiError> {
        let scope = RequestContext::of(context)?;
        require_own(scope, "userId", Some(&user_id))?;
        let mut errors = ArgumentErrors::default();
        errors.check(arguments::user_id("userId", &user_id));
        let window = Pagination {
            user_id: Some(user_id.0),
            status,
            period: period(created_after, created_before),
            sort: sort_by,
        };
        window.list(scope, (limit, offset), errors).await
    }

    /// A part of the list of orders, of one user or of all, the latest first unless `sortBy` is given. Its cursors are stable
    /// while orders are created.
    #[graphql(directive = ConnectionOf::apply(100), directive = ForCustomers::apply())]
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn orders_connection(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Only orders of this user.")] user_id: Option<ID>,
        #[graphql(
            desc = "The maximum number of items, from the start of the list or after `after`: 1 to 100. Exactly one of `first` and `last` is required."
        )]
        first: Option<i32>,
        #[graphql(
            desc = "Only items after the one with this cursor. `VALIDATION_ERROR` if another list, filter or order returned it."
        )]
        after: Option<String>,
        #[graphql(
            desc = "The maximum number of items, from the end of the list or before `before`: 1 to 100."
        )]
        last: Option<i32>,
        #[graphql(
            desc = "Only items before the one with this cursor. `VALIDATION_ERROR` if another list, filter or order returned it."
        )]
        before: Option<String>,
        #[graphql(desc = "Only orders with this status.")] status: Option<OrderStatus>,
        #[graphql(
            desc = "Only orders created at this time or later. `VALIDATION_ERROR` if it is after `createdBefore`."
        )]
        created_after: Option<DateTime>,
        #[graphql(desc = "Only orders created before this time.")] created_before: Option<DateTime>,
        #[graphql(desc = "The order of the list. Default: by the time of creation, descending.")]
        sort_by: Option<OrderSort>,
    ) -> Result<Connection<Order>, ApiError> {
        let scope = RequestContext::of(context)?;
        require_own(scope, "userId", user_id.as_deref().map(String::as_str))?;
        let mut errors = ArgumentErrors::default();
        let checked = user_id.as_ref().map(|id| arguments::user_id("userId", id));
        errors.check(checked.transpose());
        let order = sort_by.unwrap_or(OrderSort::DEFAULT);
        let sort = order.message();
        let mut request = OrderConnectionRequest {
            user_id: user_id.map(|id| id.0),
            status: status.map(OrderStatus::number),
            period: period(created_after, created_before),
            sort: Some(sort),
            slice: None,
        };
        let listed = scope_of(&request, order.columns())?;
        let slice = SliceArguments {
            first,
            after,
            last,
            before,
        };
        let count = context.look_ahead().field("totalCount").exists();
        request.slice = Some(slice.of(&listed, count, &mut errors));
        errors.check(in_order(request.period));
        let request = errors.none(request)?;
        let answer = scope.services.orders_connection(scope, request).await;
        let answer = answer.map_err(read_error)?;
        scope.count_rows(&answer.edges)?;
        let edges = answer.edges.into_iter().map(|edge| {
            let order = Order::from_row(edge.order.unwrap_or_default());
            (edge.key, order)
        });
        connection(&listed, answer.page, edges)
    }
}
