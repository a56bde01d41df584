//! Commands and queries of orders.

use contract::proto::order_command_client::OrderCommandClient;
use contract::proto::{self, Error, OrderCancelParam, OrderUpParam, OrderUpResult};
use contract::query::order_query_client::OrderQueryClient;
use contract::query::{
    Order, OrderConnectionRequest, OrderConnectionResponse, OrderIdsRequest, OrderListRequest,
    OrderListResponse, OrderQueryRequest, OrderQueryResponse, UserOrderListRequest,
};
use event_sourcing::CommandId;
use graphql_http::ApiError;
use platform::runtime::{GrpcChannel, MAX_ENCODED_BYTES};
use tonic::Status;

use super::command::{CommandReply, Entity, Reply, command_reply};
use super::query::{QuerySize, row};
use super::request_context::RequestContext;
use super::services::Services;

const COMMAND: &str = "proto.OrderCommand";
const QUERY: &str = "query.OrderQuery";

impl Entity for proto::Order {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Reply for OrderUpResult {
    type Entity = CommandReply<proto::Order>;
    fn parts(self) -> (Option<Error>, Option<Self::Entity>) {
        (self.error, command_reply(self.order, self.unchanged))
    }
}

fn commands(channel: GrpcChannel) -> OrderCommandClient<GrpcChannel> {
    OrderCommandClient::new(channel).max_decoding_message_size(MAX_ENCODED_BYTES)
}

impl Services {
    pub(crate) async fn ship_order(
        &self,
        by: (&RequestContext, CommandId),
        id: String,
    ) -> Result<CommandReply<proto::Order>, ApiError> {
        let send = async |channel, request| commands(channel).ship(request).await;
        let param = OrderUpParam { id };
        self.command(by, (COMMAND, "Ship"), param, send).await
    }

    pub(crate) async fn deliver_order(
        &self,
        by: (&RequestContext, CommandId),
        id: String,
    ) -> Result<CommandReply<proto::Order>, ApiError> {
        let send = async |channel, request| commands(channel).deliver(request).await;
        let param = OrderUpParam { id };
        self.command(by, (COMMAND, "Deliver"), param, send).await
    }

    pub(crate) async fn cancel_order(
        &self,
        by: (&RequestContext, CommandId),
        param: OrderCancelParam,
    ) -> Result<CommandReply<proto::Order>, ApiError> {
        let send = async |channel, request| commands(channel).cancel(request).await;
        self.command(by, (COMMAND, "Cancel"), param, send).await
    }
}

fn queries(channel: GrpcChannel) -> OrderQueryClient<GrpcChannel> {
    OrderQueryClient::new(channel).max_decoding_message_size(MAX_ENCODED_BYTES)
}

/// Queries of orders. Each fails with the status of its last try.
impl Services {
    pub(crate) async fn order(&self, scope: &RequestContext, id: String) -> Result<Order, Status> {
        let message = OrderQueryRequest { id };
        let send = async |channel, request| queries(channel).get_order(request).await;
        let method = (QUERY, "GetOrder", QuerySize::One);
        let answer: OrderQueryResponse = self.read(scope, method, message, send).await?;
        row(answer.order)
    }

    pub(crate) async fn orders_by_ids(
        &self,
        scope: &RequestContext,
        ids: Vec<String>,
    ) -> Result<OrderListResponse, Status> {
        let message = OrderIdsRequest { ids };
        let send = async |channel, request| queries(channel).get_orders(request).await;
        let method = (QUERY, "GetOrders", QuerySize::Many);
        self.read(scope, method, message, send).await
    }

    pub(crate) async fn orders(
        &self,
        scope: &RequestContext,
        window: OrderListRequest,
    ) -> Result<OrderListResponse, Status> {
        let send = async |channel, request| queries(channel).list_orders(request).await;
        let method = (QUERY, "ListOrders", QuerySize::Many);
        self.read(scope, method, window, send).await
    }

    pub(crate) async fn user_orders(
        &self,
        scope: &RequestContext,
        window: UserOrderListRequest,
    ) -> Result<OrderListResponse, Status> {
        let send = async |channel, request| queries(channel).list_user_orders(request).await;
        let method = (QUERY, "ListUserOrders", QuerySize::Many);
        self.read(scope, method, window, send).await
    }

    pub(crate) async fn orders_connection(
        &self,
        scope: &RequestContext,
        message: OrderConnectionRequest,
    ) -> Result<OrderConnectionResponse, Status> {
        let send = async |channel, request| queries(channel).list_orders_connection(request).await;
        let method = (QUERY, "ListOrdersConnection", QuerySize::Many);
        self.read(scope, method, message, send).await
    }
}
