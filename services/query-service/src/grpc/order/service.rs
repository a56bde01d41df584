//! `query.OrderQuery`.

use std::sync::Arc;

use contract::query::order_query_server::OrderQuery;
use contract::query::{
    OrderConnectionRequest, OrderConnectionResponse, OrderIdsRequest, OrderListRequest,
    OrderListResponse, OrderQueryRequest, OrderQueryResponse, UserOrderListRequest,
};
use tonic::{Extensions, Request, Response, Status};

use super::super::input::{id, ids};
use super::super::request::{answer, not_found, read_options, scope_of, status};
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

/// A customer may list its own orders only, whether there are any of the user or not.
fn require_own(field: &str, user: Option<&str>, extensions: &Extensions) -> Result<(), Status> {
    if scope_of(extensions)?.includes_list_of(user) {
        return Ok(());
    }
    let message = format!("a customer lists its own orders: {field} must be its id");
    Err(Status::permission_denied(message))
}

#[tonic::async_trait]
impl OrderQuery for OrderApi {
    async fn get_order(
        &self,
        request: Request<OrderQueryRequest>,
    ) -> Result<Response<OrderQueryResponse>, Status> {
        let at = read_options(request.metadata())?;
        let id = id("id", &request.get_ref().id)?;
        let scope = scope_of(request.extensions())?;
        let found = self.orders.by_id(id.as_str(), scope, at).await;
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
        let scope = scope_of(request.extensions())?;
        let found = self.orders.by_ids(&ids, scope, at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(answer(found.map(|rows| reply::list(&rows, false))))
    }

    async fn list_orders(
        &self,
        request: Request<OrderListRequest>,
    ) -> Result<Response<OrderListResponse>, Status> {
        let at = read_options(request.metadata())?;
        let search = input::search(request.into_inner())?;
        self.list(search, at).await
    }

    async fn list_user_orders(
        &self,
        request: Request<UserOrderListRequest>,
    ) -> Result<Response<OrderListResponse>, Status> {
        let at = read_options(request.metadata())?;
        let user_id = &request.get_ref().user_id;
        require_own("user_id", Some(user_id), request.extensions())?;
        let search = input::user_search(request.get_ref())?;
        self.list(search, at).await
    }

    async fn list_orders_connection(
        &self,
        request: Request<OrderConnectionRequest>,
    ) -> Result<Response<OrderConnectionResponse>, Status> {
        let at = read_options(request.metadata())?;
        let user_id = request.get_ref().user_id.as_deref();
        require_own("user_id", user_id, request.extensions())?;
        let (filter, sort, slice) = input::connection(request.into_inner())?;
        let found = self.orders.connection(&filter, sort, &slice, at).await;
        let found = found.map_err(|error| status(&error))?;
        Ok(answer(
            found.map(|part| reply::connection(&part, slice.size)),
        ))
    }
}
