//! Commands about orders.

use contract::proto::order_command_client::OrderCommandClient;
use contract::proto::saga_command_client::SagaCommandClient;
use contract::proto::{
    Error, Order, OrderCancelParam, OrderUpParam, OrderUpResult, StartOrderSagaParam,
    StartSagaResult,
};
use event_sourcing::CommandId;
use platform::runtime::{GrpcChannel, MAX_ENCODED_BYTES};

use super::Services;
use super::command::{Entity, Left, Reply, left};
use super::request_context::RequestContext;
use crate::errors::ApiError;

const ORDER: &str = "proto.OrderCommand";
const SAGA: &str = "proto.SagaCommand";

impl Entity for Order {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Reply for OrderUpResult {
    type Entity = Left<Order>;
    fn parts(self) -> (Option<Error>, Option<Self::Entity>) {
        (self.error, left(self.order, self.unchanged))
    }
}

impl Reply for StartSagaResult {
    type Entity = Left<Order>;
    fn parts(self) -> (Option<Error>, Option<Self::Entity>) {
        (self.error, left(self.order, false))
    }
}

fn orders(channel: GrpcChannel) -> OrderCommandClient<GrpcChannel> {
    OrderCommandClient::new(channel).max_decoding_message_size(MAX_ENCODED_BYTES)
}

fn sagas(channel: GrpcChannel) -> SagaCommandClient<GrpcChannel> {
    SagaCommandClient::new(channel).max_decoding_message_size(MAX_ENCODED_BYTES)
}

impl Services {
    pub(crate) async fn start_order(
        &self,
        by: (&RequestContext, CommandId),
        param: StartOrderSagaParam,
    ) -> Result<Left<Order>, ApiError> {
        let send = async |channel, request| sagas(channel).start_order_saga(request).await;
        self.command(by, (SAGA, "StartOrderSaga"), param, send)
            .await
    }

    pub(crate) async fn ship_order(
        &self,
        by: (&RequestContext, CommandId),
        id: String,
    ) -> Result<Left<Order>, ApiError> {
        let send = async |channel, request| orders(channel).ship(request).await;
        let param = OrderUpParam { id };
        self.command(by, (ORDER, "Ship"), param, send).await
    }

    pub(crate) async fn deliver_order(
        &self,
        by: (&RequestContext, CommandId),
        id: String,
    ) -> Result<Left<Order>, ApiError> {
        let send = async |channel, request| orders(channel).deliver(request).await;
        let param = OrderUpParam { id };
        self.command(by, (ORDER, "Deliver"), param, send).await
    }

    pub(crate) async fn cancel_order(
        &self,
        by: (&RequestContext, CommandId),
        param: OrderCancelParam,
    ) -> Result<Left<Order>, ApiError> {
        let send = async |channel, request| orders(channel).cancel(request).await;
        self.command(by, (ORDER, "Cancel"), param, send).await
    }
}
