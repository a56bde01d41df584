//! `query.OrderQuery`.

use std::sync::Arc;

use contract::query::order_query_server::OrderQuery;
use contract::query::{
    OrderIdsRequest, OrderListRequest, OrderListResponse, OrderQueryRequest, OrderQueryResponse,
    UserOrderListRequest,
};
use domain::value::UserId;
use tonic::{Request, Response, Status};

use super::super::input::{id, ids, invalid, window};
use super::super::request::{answer, not_found, read_options, status};
use super::{input, reply};
use crate::queries::{OrderQueries, OrderSearch, ReadOptions};

pub(in crate::grpc) struct OrderApi {
    orders: Arc<OrderQueries>,
}

impl OrderApi {
    pub(in crate::grpc) fn new(orders: Arc<OrderQueries>) -> Self {
        Self { orders }
    }

    async fn list(
        &self,
        search: OrderSearch,
        at: ReadOptions,
    ) -> Result<Response<OrderListResponse>, Status> {
        let found = self.orders.search(&search, at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(answer(
            found.map(|list| reply::list(&list.rows, list.is_truncated)),
        ))
    }
}

#[tonic::async_trait]
impl OrderQuery for OrderApi {
    async fn get_order(
        &self,
        request: Request<OrderQueryRequest>,
    ) -> Result<Response<OrderQueryResponse>, Status> {
        let at = read_options(request.metadata())?;
        let id = id("id", &request.get_ref().id)?;
        let found = self.orders.by_id(id.as_str(), at).await;
        let found = found.map_err(|error| status(&error))?;
        let Some(row) = &found.value else {
            return Err(not_found("there is no such order", found.position));
        };
        let order = Some(reply::order(row));
        Ok(answer(found.map(|_| OrderQueryResponse { order })))
    }

    async fn get_orders(
        &self,
        request: Request<OrderIdsRequest>,
    ) -> Result<Response<OrderListResponse>, Status> {
        let at = read_options(request.metadata())?;
        let ids = ids("ids", &request.get_ref().ids)?;
        let found = self.orders.by_ids(&ids, at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(answer(found.map(|rows| reply::list(&rows, false))))
    }

    async fn list_orders(
        &self,
        request: Request<OrderListRequest>,
    ) -> Result<Response<OrderListResponse>, Status> {
        let at = read_options(request.metadata())?;
        let request = request.into_inner();
        let search = OrderSearch {
            user_id: None,
            status: input::status(request.status)?,
            window: window(request.limit, request.offset)?,
        };
        self.list(search, at).await
    }

    async fn list_user_orders(
        &self,
        request: Request<UserOrderListRequest>,
    ) -> Result<Response<OrderListResponse>, Status> {
        let at = read_options(request.metadata())?;
        let request = request.into_inner();
        let user = UserId::parse("user_id", &request.user_id);
        let search = OrderSearch {
            user_id: Some(user.map_err(|error| invalid(&error))?),
            status: input::status(request.status)?,
            window: window(request.limit, request.offset)?,
        };
        self.list(search, at).await
    }
}
