//! Cancellation of an order: a command requests it, a saga undoes the order, and its end is recorded.

use event_sourcing::Actor;
use std::sync::Arc;

use event_sourcing::execute::{Command, Lane, States};
use sagas::SagaState;

use super::event::{OrderCancellationRequested, OrderCancelled, OrderEvent, OrderFailed};
use super::rejection::{OrderAct, OrderSagaState};
use super::state::Order;
use crate::command::{Decided, Deciding, reply};
use crate::error::{DomainError, Entity};
use crate::fulfilment::{CancelOrderData, CancelOrderSaga, OrderSaga};
use crate::value::{EntityId, OrderStatus, Reason, UserId};

/// Requests the cancellation of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelOrder {
    pub order_id: EntityId,
    pub reason: Option<Reason>,
    pub requested_by: Option<UserId>,
    /// The user whose order it must be: anyone else's is as one that does not exist.
    pub owner: Option<UserId>,
    /// The id of the saga `cancel_order`, if one has to start.
    pub cancel_saga_id: EntityId,
}

/// The result of a request to cancel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancellation {
    /// It is cancelled, or being cancelled.
    Nothing,
    /// Its open saga is cancelled, in the commit of this event.
    CancelsSaga {
        saga_id: EntityId,
        event: OrderEvent,
    },
    /// Its saga has completed; another one starts to undo it, in the commit of this event.
    StartsSaga {
        saga_id: EntityId,
        event: OrderEvent,
    },
}

impl Command for CancelOrder {
    const NAME: &'static str = "cancel_order";
    type Rejection = DomainError;
    type Reply = Arc<Order>;

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::write::<Order>(self.order_id.as_str())]
    }

    fn decide(&self, work: &mut Deciding<'_>) -> Decided {
        let id = self.order_id.as_str();
        let order = work.state::<Order>(id)?;
        match order.request_cancellation(self)? {
            Cancellation::Nothing => Ok(()),
            Cancellation::CancelsSaga { saga_id, event } => {
                let saga = work.state::<SagaState<OrderSaga>>(saga_id.as_str())?;
                // Both streams or neither: a request that is only in the order would be acknowledged and not carried out.
                let cancelled = sagas::cancel(&saga, &self.actor());
                let cancelled = cancelled.map_err(|rejected| {
                    let order_id = self.order_id.clone();
                    DomainError::OrderSaga(OrderSagaState { order_id, rejected })
                })?;
                work.append::<Order>(id, &[event])?;
                work.append::<SagaState<OrderSaga>>(saga_id.as_str(), &cancelled)
            }
            Cancellation::StartsSaga { saga_id, event } => {
                let data = CancelOrderData::of(order.existing(&self.order_id)?);
                let (saga_id, origin) = (saga_id.as_str(), work.metadata().clone());
                let started = sagas::started::<CancelOrderSaga>(saga_id, id, data, origin);
                work.append::<Order>(id, &[event])?;
                work.append::<SagaState<CancelOrderSaga>>(saga_id, &[started])
            }
        }
    }

    fn reply(&self, states: &States) -> Option<Arc<Order>> {
        reply(states, &self.order_id)
    }
}

impl CancelOrder {
    fn actor(&self) -> Actor {
        let who = self.requested_by.as_ref().map(UserId::as_str);
        let why = self.reason.as_ref().map(Reason::as_str);
        Actor {
            id: who.unwrap_or("customer").to_owned(),
            reason: why.unwrap_or("the order was cancelled").to_owned(),
        }
    }
}

impl Order {
    /// Decides on [`CancelOrder`].
    ///
    /// # Errors
    /// `NotFound`, or `OrderState` if it is shipped, delivered, or failed permanently.
    pub fn request_cancellation(&self, command: &CancelOrder) -> Result<Cancellation, DomainError> {
        let order = self.existing(&command.order_id)?;
        if command
            .owner
            .as_ref()
            .is_some_and(|owner| *owner != order.user_id)
        {
            return Err(DomainError::not_found(Entity::Order, &command.order_id));
        }
        let event = |saga_id: Option<&EntityId>| {
            OrderEvent::CancellationRequested(OrderCancellationRequested {
                order_id: order.id.clone(),
                reason: command.reason.clone(),
                requested_by: command.requested_by.clone(),
                saga_id: saga_id.cloned(),
            })
        };
        match order.status {
            OrderStatus::Shipped | OrderStatus::Delivered | OrderStatus::Failed => {
                Err(order.reject_status(OrderAct::Cancel))
            }
            OrderStatus::Cancelled => Ok(Cancellation::Nothing),
            OrderStatus::Pending | OrderStatus::Processing | OrderStatus::Confirmed
                if order.cancellation.is_some() =>
            {
                Ok(Cancellation::Nothing)
            }
            OrderStatus::Pending | OrderStatus::Processing => Ok(Cancellation::CancelsSaga {
                saga_id: order.saga_id.clone(),
                event: event(None),
            }),
            OrderStatus::Confirmed => Ok(Cancellation::StartsSaga {
                saga_id: command.cancel_saga_id.clone(),
                event: event(Some(&command.cancel_saga_id)),
            }),
        }
    }

    /// Records that the order is undone, with `reason` or else with the reason of the request. No events if it is cancelled.
    ///
    /// # Errors
    /// `NotFound`, or `OrderState` if it is shipped, delivered, or failed permanently.
    pub fn cancelled(
        &self,
        id: &EntityId,
        reason: Option<Reason>,
    ) -> Result<Vec<OrderEvent>, DomainError> {
        let order = self.existing(id)?;
        match order.status {
            OrderStatus::Cancelled => Ok(Vec::new()),
            OrderStatus::Shipped | OrderStatus::Delivered | OrderStatus::Failed => {
                Err(order.reject_status(OrderAct::Cancel))
            }
            OrderStatus::Pending | OrderStatus::Processing | OrderStatus::Confirmed => {
                let request = order.cancellation.as_ref();
                Ok(vec![OrderEvent::Cancelled(OrderCancelled {
                    order_id: order.id.clone(),
                    reason: reason.or_else(|| request.and_then(|request| request.reason.clone())),
                })])
            }
        }
    }

    /// Closes the order as failed permanently, as an operator decided. No events if it is.
    ///
    /// # Errors
    /// `NotFound`, or `OrderState` if it is shipped, delivered, or cancelled.
    pub fn failed(&self, id: &EntityId, reason: Reason) -> Result<Vec<OrderEvent>, DomainError> {
        let order = self.existing(id)?;
        match order.status {
            OrderStatus::Failed => Ok(Vec::new()),
            OrderStatus::Shipped | OrderStatus::Delivered | OrderStatus::Cancelled => {
                Err(order.reject_status(OrderAct::Fail))
            }
            OrderStatus::Pending | OrderStatus::Processing | OrderStatus::Confirmed => {
                Ok(vec![OrderEvent::Failed(OrderFailed {
                    order_id: order.id.clone(),
                    reason,
                })])
            }
        }
    }
}
