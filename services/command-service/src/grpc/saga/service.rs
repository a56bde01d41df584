//! `proto.SagaCommand`.

use std::sync::Arc;

use authentication::{caller_of, denied};
use contract::proto::saga_command_server::SagaCommand;
use contract::proto::{
    Error, GetSagaStatusParam, ListSagasParam, ListSagasResult, ResolveSagaParam, SagaActionParam,
    SagaActionResult, SagaStatusResult, ShowSagaParam, ShowSagaResult, StartOrderSagaParam,
    StartSagaResult,
};
use contract::status::{Outcome, committed_at};
use domain::value::{EntityId, Reason, UserId};
use domain::{DomainError, Entity};
use event_sourcing::Position;
use sagas::{OperatorAction, SagaStatus, Summary};
use tonic::{Request, Response, Status};

use super::super::order;
use super::super::reply::{at_position, now, split};
use super::input::ShownBy;
use super::{input, reply};
use crate::bus::{CommandBus, CommandOutcome, internal, to_error};
use crate::fulfilment::{SagaService, no_saga};

pub(in crate::grpc) struct SagaApi {
    bus: Arc<CommandBus>,
    fulfilments: SagaService,
}

impl SagaApi {
    pub(in crate::grpc) fn new(bus: Arc<CommandBus>, fulfilments: SagaService) -> Self {
        Self { bus, fulfilments }
    }

    async fn act(
        &self,
        request: Request<SagaActionParam>,
        act: OperatorAction,
    ) -> Result<Response<SagaActionResult>, Status> {
        let outcome = match input::action(request.get_ref()) {
            Ok((saga_id, by)) => {
                let sagas = &self.fulfilments;
                sagas
                    .act(&self.bus, request.map(|_| ()), &saga_id, act, by)
                    .await?
            }
            Err(error) => CommandOutcome::rejected(to_error(&error)),
        };
        Ok(self.respond(outcome))
    }

    fn respond(&self, outcome: CommandOutcome<Summary>) -> Response<SagaActionResult> {
        let (summary, error) = split(outcome.result);
        let message = SagaActionResult {
            saga: summary.as_ref().map(reply::saga),
            error,
            timestamp: Some(now(self.bus.clock().as_ref())),
            unchanged: outcome.unchanged,
        };
        at_position(outcome.position, message)
    }

    async fn find(&self, id: &str) -> Result<Result<Summary, Error>, Status> {
        let id = match EntityId::parse("sagaId", id) {
            Ok(id) => id,
            Err(error) => return Ok(Err(to_error(&error.into()))),
        };
        self.existing(&id).await
    }

    async fn existing(&self, saga_id: &EntityId) -> Result<Result<Summary, Error>, Status> {
        let found = self.fulfilments.find(saga_id.as_str()).await?;
        Ok(found.ok_or_else(|| no_saga(saga_id.as_str())))
    }

    async fn shown(&self, by: &ShownBy) -> Result<Result<Summary, Error>, Status> {
        let order_id = match by {
            ShownBy::Saga(saga_id) => return self.existing(saga_id).await,
            ShownBy::Order(order_id) => order_id,
        };
        match self.fulfilments.latest_of(order_id).await? {
            Some(saga_id) => self.existing(&saga_id).await,
            None => Ok(Err(to_error(&DomainError::NotFound {
                entity: Entity::Order,
                id: order_id.clone(),
            }))),
        }
    }
}

/// Marks a status as committed if it was returned after the command's commit.
fn after_a_commit(position: Option<Position>, status: Status) -> Status {
    match position {
        Some(position) => committed_at(position.0, status),
        None => Outcome::Unknown.mark(status),
    }
}

#[tonic::async_trait]
impl SagaCommand for SagaApi {
    async fn start_order_saga(
        &self,
        request: Request<StartOrderSagaParam>,
    ) -> Result<Response<StartSagaResult>, Status> {
        let caller = caller_of(request.extensions())?;
        let scope = caller.orders().map_err(denied)?;
        if !scope.includes(&request.get_ref().customer_id) {
            let message = "an order is placed for the caller: customerId must be its id";
            return Err(Outcome::None.mark(Status::permission_denied(message)));
        }
        let placed = self.bus.dispatch(request, order::input::place);
        let outcome = placed.await?;
        self.fulfilments.placed(&outcome);
        let (order, error) = split(outcome.result);
        let started = order.as_ref().and_then(|order| order.values());
        let message = StartSagaResult {
            saga_id: started
                .map(|order| order.saga_id.to_string())
                .unwrap_or_default(),
            status: started
                .map(|_| SagaStatus::Started.as_str().to_owned())
                .unwrap_or_default(),
            error,
            started_at: started.map(|order| contract::time::to_timestamp(order.created_at)),
            order: order.as_ref().and_then(|order| order::reply::order(order)),
        };
        Ok(at_position(outcome.position, message))
    }

    async fn get_saga_status(
        &self,
        request: Request<GetSagaStatusParam>,
    ) -> Result<Response<SagaStatusResult>, Status> {
        let (summary, error) = split(self.find(&request.get_ref().saga_id).await?);
        let saga = summary.as_ref().map(reply::saga);
        let state = summary
            .as_ref()
            .map(|summary| summary.status.as_str().to_owned());
        let shown = saga.clone().unwrap_or_default();
        Ok(Response::new(SagaStatusResult {
            saga_id: request.into_inner().saga_id,
            state: state.unwrap_or_default(),
            completed_steps: shown.completed_steps,
            current_step: shown.current_step.unwrap_or_default(),
            failure_reason: shown.failure_reason.unwrap_or_default(),
            started_at: shown.started_at,
            completed_at: shown.completed_at,
            error,
            saga,
        }))
    }

    async fn list_sagas(
        &self,
        request: Request<ListSagasParam>,
    ) -> Result<Response<ListSagasResult>, Status> {
        let now = self.bus.clock().now();
        let wanted = match input::filter(request.get_ref(), now) {
            Ok(wanted) => wanted,
            Err(error) => {
                let error = Some(to_error(&error));
                let message = ListSagasResult {
                    error,
                    ..Default::default()
                };
                return Ok(Response::new(message));
            }
        };
        let page = self.fulfilments.list(&wanted).await?;
        Ok(Response::new(ListSagasResult {
            sagas: page.sagas.iter().map(reply::saga).collect(),
            error: None,
            next: page.next.unwrap_or_default(),
        }))
    }

    async fn show_saga(
        &self,
        request: Request<ShowSagaParam>,
    ) -> Result<Response<ShowSagaResult>, Status> {
        let rejected = |error| {
            let error = Some(error);
            Response::new(ShowSagaResult {
                error,
                ..Default::default()
            })
        };
        let (shown_by, after) = match input::show(request.get_ref()) {
            Ok(read) => read,
            Err(error) => return Ok(rejected(to_error(&error))),
        };
        let summary = match self.shown(&shown_by).await? {
            Ok(summary) => summary,
            Err(error) => return Ok(rejected(error)),
        };
        let (envelopes, is_end) = self.fulfilments.history(&summary, after).await?;
        let events = envelopes.iter().map(reply::event).collect::<Result<_, _>>();
        let events = events.map_err(|error| internal("a saga cannot be shown", &error))?;
        Ok(Response::new(ShowSagaResult {
            saga: Some(reply::saga(&summary)),
            events,
            error: None,
            more: !is_end,
        }))
    }

    async fn resume_saga(
        &self,
        request: Request<SagaActionParam>,
    ) -> Result<Response<SagaActionResult>, Status> {
        self.act(request, OperatorAction::Resume).await
    }

    async fn retry_saga(
        &self,
        request: Request<SagaActionParam>,
    ) -> Result<Response<SagaActionResult>, Status> {
        self.act(request, OperatorAction::Retry).await
    }

    /// Cancels the whole order, so that the order and its saga stay consistent.
    async fn cancel_saga(
        &self,
        request: Request<SagaActionParam>,
    ) -> Result<Response<SagaActionResult>, Status> {
        let (saga_id, by) = match input::action(request.get_ref()) {
            Ok(read) => read,
            Err(error) => return Ok(self.respond(CommandOutcome::rejected(to_error(&error)))),
        };
        let order_id = match self.fulfilments.find(saga_id.as_str()).await? {
            Some(summary) => EntityId::parse("orderId", &summary.subject),
            None => return Ok(self.respond(CommandOutcome::rejected(no_saga(saga_id.as_str())))),
        };
        let cancelled = self.bus.dispatch(request, |_, command_id| {
            let who = UserId::parse("who", &by.id)?;
            let reason = Reason::parse("reason", &by.reason)?;
            let order_id = order_id?;
            Ok(order::input::cancellation(
                order_id,
                Some(reason),
                Some(who),
                command_id,
            ))
        });
        let outcome = cancelled.await?;
        self.fulfilments.cancelled(&outcome);
        // A confirmed order is compensated by a separate saga, `cancel_order`.
        let result = match outcome.result {
            Ok(order) => {
                let undoing = order.values().map_or(&saga_id, |order| &order.saga_id);
                let saga = self.existing(undoing).await;
                saga.map_err(|status| after_a_commit(outcome.position, status))?
            }
            Err(error) => Err(error),
        };
        Ok(self.respond(CommandOutcome {
            result,
            position: outcome.position,
            unchanged: outcome.unchanged,
        }))
    }

    async fn resolve_saga(
        &self,
        request: Request<ResolveSagaParam>,
    ) -> Result<Response<SagaActionResult>, Status> {
        let act = if request.get_ref().close {
            OperatorAction::Close
        } else {
            OperatorAction::Resolve
        };
        self.act(request.map(|param| input::as_action(&param)), act)
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_after_the_commit_is_reported_as_committed() {
        let gone = || Outcome::None.unavailable("gone");
        let failed = after_a_commit(Some(Position(7)), gone());
        assert_eq!(Outcome::of(&failed), Some(Outcome::Committed), "{failed:?}");
        assert_eq!(failed.message(), "gone");
        let failed = after_a_commit(None, gone());
        assert_eq!(Outcome::of(&failed), Some(Outcome::Unknown), "{failed:?}");
    }
}
