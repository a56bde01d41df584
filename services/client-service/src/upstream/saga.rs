//! Commands and queries of the sagas of orders.

use contract::proto::saga_command_client::SagaCommandClient;
use contract::proto::{self, Error, StartOrderSagaParam, StartSagaResult};
use contract::query::saga_query_client::SagaQueryClient;
use contract::query::{
    OrderIdsRequest, Saga, SagaByOrderRequest, SagaListResponse, SagaQueryResponse,
};
use event_sourcing::CommandId;
use graphql_http::ApiError;
use platform::runtime::{GrpcChannel, MAX_ENCODED_BYTES};
use tonic::Status;

use super::command::{CommandReply, Reply, command_reply};
use super::query::{QuerySize, row};
use super::request_context::RequestContext;
use super::services::Services;

const COMMAND: &str = "proto.SagaCommand";
const QUERY: &str = "query.SagaQuery";

impl Reply for StartSagaResult {
    type Entity = CommandReply<proto::Order>;
    fn parts(self) -> (Option<Error>, Option<Self::Entity>) {
        (self.error, command_reply(self.order, false))
    }
}

fn commands(channel: GrpcChannel) -> SagaCommandClient<GrpcChannel> {
    SagaCommandClient::new(channel).max_decoding_message_size(MAX_ENCODED_BYTES)
}

impl Services {
    pub(crate) async fn start_order(
        &self,
        by: (&RequestContext, CommandId),
        param: StartOrderSagaParam,
    ) -> Result<CommandReply<proto::Order>, ApiError> {
        let send = async |channel, request| commands(channel).start_order_saga(request).await;
        self.command(by, (COMMAND, "StartOrderSaga"), param, send)
            .await
    }
}

fn queries(channel: GrpcChannel) -> SagaQueryClient<GrpcChannel> {
    SagaQueryClient::new(channel).max_decoding_message_size(MAX_ENCODED_BYTES)
}

/// Queries of sagas. Each fails with the status of its last try.
impl Services {
    pub(crate) async fn saga_of(
        &self,
        scope: &RequestContext,
        order_id: String,
    ) -> Result<Saga, Status> {
        let message = SagaByOrderRequest { order_id };
        let send = async |channel, request| queries(channel).get_saga_by_order(request).await;
        let method = (QUERY, "GetSagaByOrder", QuerySize::One);
        let answer: SagaQueryResponse = self.read(scope, method, message, send).await?;
        row(answer.saga)
    }

    pub(crate) async fn sagas_of(
        &self,
        scope: &RequestContext,
        ids: Vec<String>,
    ) -> Result<SagaListResponse, Status> {
        let message = OrderIdsRequest { ids };
        let send = async |channel, request| queries(channel).get_sagas_by_orders(request).await;
        let method = (QUERY, "GetSagasByOrders", QuerySize::Many);
        self.read(scope, method, message, send).await
    }
}
