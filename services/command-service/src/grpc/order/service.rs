//! `proto.OrderCommand`.

use std::sync::Arc;

use authentication::{caller_of, denied};
use contract::proto::order_command_server::OrderCommand;
use contract::proto::{OrderCancelParam, OrderUpParam, OrderUpResult};
use domain::order::Order;
use tonic::{Request, Response, Status};

use super::super::reply::{at_position, now, split};
use super::{input, reply};
use crate::bus::{CommandBus, CommandOutcome};
use crate::context;
use crate::fulfilment::SagaService;

pub(in crate::grpc) struct OrderApi {
    bus: Arc<CommandBus>,
    fulfilments: SagaService,
}

impl OrderApi {
    pub(in crate::grpc) fn new(bus: Arc<CommandBus>, fulfilments: SagaService) -> Self {
        Self { bus, fulfilments }
    }

    fn respond(&self, outcome: CommandOutcome<Arc<Order>>) -> Response<OrderUpResult> {
        let (order, error) = split(outcome.result);
        let message = OrderUpResult {
            order: order.and_then(|order| reply::order(&order)),
            error,
            timestamp: Some(now(self.bus.clock().as_ref())),
            unchanged: outcome.unchanged,
        };
        at_position(outcome.position, message)
    }
}

#[tonic::async_trait]
impl OrderCommand for OrderApi {
    async fn ship(
        &self,
        request: Request<OrderUpParam>,
    ) -> Result<Response<OrderUpResult>, Status> {
        let shipped = self.bus.dispatch(request, input::ship);
        Ok(self.respond(shipped.await?))
    }

    async fn deliver(
        &self,
        request: Request<OrderUpParam>,
    ) -> Result<Response<OrderUpResult>, Status> {
        let delivered = self.bus.dispatch(request, input::deliver);
        Ok(self.respond(delivered.await?))
    }

    async fn cancel(
        &self,
        request: Request<OrderCancelParam>,
    ) -> Result<Response<OrderUpResult>, Status> {
        let user = context::user(request.metadata())?;
        let caller = caller_of(request.extensions())?.clone();
        let scope = caller.orders().map_err(denied)?;
        let cancelled = self.bus.dispatch(request, |param, command_id| {
            input::cancel(param, user, scope, command_id)
        });
        let outcome = cancelled.await?;
        self.fulfilments.cancelled(&outcome);
        Ok(self.respond(outcome))
    }
}
