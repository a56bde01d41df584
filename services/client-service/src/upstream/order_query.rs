//! Reads about orders and their sagas. Each fails with the status of its last try.

use contract::query::order_query_client::OrderQueryClient;
use contract::query::saga_query_client::SagaQueryClient;
use contract::query::{
    Order, OrderIdsRequest, OrderListRequest, OrderListResponse, OrderQueryRequest,
    OrderQueryResponse, Saga, SagaByOrderRequest, SagaListResponse, SagaQueryResponse,
    UserOrderListRequest,
};
use platform::runtime::{GrpcChannel, MAX_ENCODED_BYTES};
use tonic::Status;

use super::Services;
use super::query::{Reads, row};
use super::request_context::RequestContext;

const ORDER: &str = "query.OrderQuery";
const SAGA: &str = "query.SagaQuery";

fn orders(channel: GrpcChannel) -> OrderQueryClient<GrpcChannel> {
    OrderQueryClient::new(channel).max_decoding_message_size(MAX_ENCODED_BYTES)
}

fn sagas(channel: GrpcChannel) -> SagaQueryClient<GrpcChannel> {
    SagaQueryClient::new(channel).max_decoding_message_size(MAX_ENCODED_BYTES)
}

impl Services {
    pub(crate) async fn order(&self, scope: &RequestContext, id: String) -> Result<Order, Status> {
        let message = OrderQueryRequest { id };
        let send = async |channel, request| orders(channel).get_order(request).await;
        let method = (ORDER, "GetOrder", Reads::One);
        let answer: OrderQueryResponse = self.read(scope, method, message, send).await?;
        row(answer.order)
    }

    pub(crate) async fn orders_by_ids(
        &self,
        scope: &RequestContext,
        ids: Vec<String>,
    ) -> Result<OrderListResponse, Status> {
        let message = OrderIdsRequest { ids };
        let send = async |channel, request| orders(channel).get_orders(request).await;
        let method = (ORDER, "GetOrders", Reads::Many);
        self.read(scope, method, message, send).await
    }

    pub(crate) async fn orders(
        &self,
        scope: &RequestContext,
        window: OrderListRequest,
    ) -> Result<OrderListResponse, Status> {
        let send = async |channel, request| orders(channel).list_orders(request).await;
        let method = (ORDER, "ListOrders", Reads::Many);
        self.read(scope, method, window, send).await
    }

    pub(crate) async fn user_orders(
        &self,
        scope: &RequestContext,
        window: UserOrderListRequest,
    ) -> Result<OrderListResponse, Status> {
        let send = async |channel, request| orders(channel).list_user_orders(request).await;
        let method = (ORDER, "ListUserOrders", Reads::Many);
        self.read(scope, method, window, send).await
    }

    pub(crate) async fn saga_of(
        &self,
        scope: &RequestContext,
        order_id: String,
    ) -> Result<Saga, Status> {
        let message = SagaByOrderRequest { order_id };
        let send = async |channel, request| sagas(channel).get_saga_by_order(request).await;
        let method = (SAGA, "GetSagaByOrder", Reads::One);
        let answer: SagaQueryResponse = self.read(scope, method, message, send).await?;
        row(answer.saga)
    }

    pub(crate) async fn sagas_of(
        &self,
        scope: &RequestContext,
        ids: Vec<String>,
    ) -> Result<SagaListResponse, Status> {
        let message = OrderIdsRequest { ids };
        let send = async |channel, request| sagas(channel).get_sagas_by_orders(request).await;
        let method = (SAGA, "GetSagasByOrders", Reads::Many);
        self.read(scope, method, message, send).await
    }
}
