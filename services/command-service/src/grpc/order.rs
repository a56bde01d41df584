//! `proto.OrderCommand`.

use std::sync::Arc;

use contract::proto::order_command_server::OrderCommand;
use contract::proto::{OrderCancelParam, OrderUpParam, OrderUpResult};
use tonic::{Request, Response, Status};

use super::{order_input, order_reply, reply};
use crate::bus::{CommandBus, Heard};
use crate::commands::OrderAnswer;
use crate::context;
use crate::fulfilment::Fulfilments;

pub(super) struct OrderApi {
    bus: Arc<CommandBus>,
    fulfilments: Fulfilments,
}

impl OrderApi {
    pub(super) fn new(bus: Arc<CommandBus>, fulfilments: Fulfilments) -> Self {
        Self { bus, fulfilments }
    }

    fn respond(&self, heard: Heard<OrderAnswer>) -> Response<OrderUpResult> {
        let (answer, error) = reply::split(heard.result);
        let message = OrderUpResult {
            order: answer.as_ref().map(order_reply::order),
            error,
            timestamp: Some(reply::now(self.bus.clock().as_ref())),
            unchanged: heard.unchanged,
        };
        reply::at(heard.position, message)
    }
}

#[tonic::async_trait]
impl OrderCommand for OrderApi {
    async fn ship(
        &self,
        request: Request<OrderUpParam>,
    ) -> Result<Response<OrderUpResult>, Status> {
        let shipped = self
            .bus
            .dispatch("ship_order", request, order_input::ship_order);
        Ok(self.respond(shipped.await?))
    }

    async fn deliver(
        &self,
        request: Request<OrderUpParam>,
    ) -> Result<Response<OrderUpResult>, Status> {
        let delivered = self
            .bus
            .dispatch("deliver_order", request, order_input::deliver_order);
        Ok(self.respond(delivered.await?))
    }

    async fn cancel(
        &self,
        request: Request<OrderCancelParam>,
    ) -> Result<Response<OrderUpResult>, Status> {
        let user = context::user(request.metadata())?;
        let cancelled = self
            .bus
            .dispatch("cancel_order", request, |param, command_id| {
                order_input::cancel_order(param, user, command_id)
            });
        let heard = cancelled.await?;
        self.fulfilments.cancelled(&heard);
        Ok(self.respond(heard))
    }
}
