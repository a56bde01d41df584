//! `query.OrderQuery`.

use std::sync::Arc;

use contract::query::order_query_server::OrderQuery;
use contract::query::{
    OrderIdsRequest, OrderListRequest, OrderListResponse, OrderQueryRequest, OrderQueryResponse,
    UserOrderListRequest,
};
use domain::value::UserId;
use tonic::{Request, Response, Status};

use super::convert::Room;
use super::request::{at, not_found, reply, status};
use super::{input, order_input, order_messages};
use crate::projections::OrderRow;
use crate::reads::{At, OrderReads, OrderSearch};

pub(super) struct OrderApi {
    orders: Arc<OrderReads>,
}

impl OrderApi {
    pub(super) fn new(orders: Arc<OrderReads>) -> Self {
        Self { orders }
    }

    async fn list(
        &self,
        search: OrderSearch,
        at: At,
    ) -> Result<Response<OrderListResponse>, Status> {
        let found = self.orders.search(&search, at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(reply(
            found.map(|list| list_message(&list.rows, list.is_truncated)),
        ))
    }
}

fn list_message(rows: &[Arc<OrderRow>], is_truncated: bool) -> OrderListResponse {
    let mut orders = rows.iter().map(|row| order_messages::order(row)).collect();
    let is_cut = Room::new().fit(&mut orders);
    OrderListResponse {
        orders,
        truncated: is_truncated || is_cut,
    }
}

#[tonic::async_trait]
impl OrderQuery for OrderApi {
    async fn get_order(
        &self,
        request: Request<OrderQueryRequest>,
    ) -> Result<Response<OrderQueryResponse>, Status> {
        let at = at(request.metadata())?;
        let id = input::id("id", &request.get_ref().id)?;
        let found = self.orders.by_id(id.as_str(), at).await;
        let found = found.map_err(|error| status(&error))?;
        let Some(row) = &found.value else {
            return Err(not_found("there is no such order", found.position));
        };
        let order = Some(order_messages::order(row));
        Ok(reply(found.map(|_| OrderQueryResponse { order })))
    }

    async fn get_orders(
        &self,
        request: Request<OrderIdsRequest>,
    ) -> Result<Response<OrderListResponse>, Status> {
        let at = at(request.metadata())?;
        let ids = input::ids("ids", &request.get_ref().ids)?;
        let found = self.orders.by_ids(&ids, at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(reply(found.map(|rows| list_message(&rows, false))))
    }

    async fn list_orders(
        &self,
        request: Request<OrderListRequest>,
    ) -> Result<Response<OrderListResponse>, Status> {
        let at = at(request.metadata())?;
        let request = request.into_inner();
        let search = OrderSearch {
            user_id: None,
            status: order_input::order_status(request.status)?,
            window: input::window(request.limit, request.offset)?,
        };
        self.list(search, at).await
    }

    async fn list_user_orders(
        &self,
        request: Request<UserOrderListRequest>,
    ) -> Result<Response<OrderListResponse>, Status> {
        let at = at(request.metadata())?;
        let request = request.into_inner();
        let user = UserId::parse("user_id", &request.user_id);
        let search = OrderSearch {
            user_id: Some(user.map_err(|error| input::invalid(&error))?),
            status: order_input::order_status(request.status)?,
            window: input::window(request.limit, request.offset)?,
        };
        self.list(search, at).await
    }
}
