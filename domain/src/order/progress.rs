//! The progress of an order that is not being cancelled.

use std::sync::Arc;

use event_sourcing::execute::{Command, Lane, States};

use super::event::{OrderConfirmed, OrderDelivered, OrderEvent, OrderShipped};
use super::rejection::{OrderAct, OrderObstacle};
use super::state::Order;
use crate::command::{Decided, Deciding, reply};
use crate::error::DomainError;
use crate::stock::Stock;
use crate::value::{EntityId, OrderStatus};

/// Ships a confirmed order; its reservations are deducted from stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShipOrder {
    pub id: EntityId,
}

/// Records that an order has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliverOrder {
    pub id: EntityId,
}

impl Command for ShipOrder {
    const NAME: &'static str = "ship_order";
    type Rejection = DomainError;
    type Reply = Arc<Order>;

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::write::<Order>(self.id.as_str())]
    }

    fn decide(&self, work: &mut Deciding<'_>) -> Decided {
        let order = work.state::<Order>(self.id.as_str())?;
        let shipped = order.ship(&self.id)?;
        work.append::<Order>(self.id.as_str(), &shipped)?;
        let items = order.values().filter(|_| !shipped.is_empty());
        for item in items.iter().flat_map(|order| &order.items) {
            let product = &item.product_id;
            work.decide::<Stock, DomainError>(product.as_str(), |stock| {
                Ok(stock.deduct(product, &self.id))
            })?;
        }
        Ok(())
    }

    fn reply(&self, states: &States) -> Option<Arc<Order>> {
        reply(states, &self.id)
    }
}

impl Command for DeliverOrder {
    const NAME: &'static str = "deliver_order";
    type Rejection = DomainError;
    type Reply = Arc<Order>;

    fn decide(&self, work: &mut Deciding<'_>) -> Decided {
        work.decide::<Order, _>(self.id.as_str(), |order| order.deliver(&self.id))
    }

    fn reply(&self, states: &States) -> Option<Arc<Order>> {
        reply(states, &self.id)
    }
}

impl Order {
    /// Confirms the order. No events if it is confirmed, shipped or delivered. Does not require a recorded payment or
    /// shipment: an operator may have resolved these steps manually.
    ///
    /// # Errors
    /// `NotFound`, or `OrderState` if it is cancelled, being cancelled, or failed permanently.
    pub fn confirm(&self, id: &EntityId) -> Result<Vec<OrderEvent>, DomainError> {
        let order = self.existing(id)?;
        match order.status {
            OrderStatus::Pending | OrderStatus::Processing if order.cancellation.is_some() => {
                Err(order.reject(OrderAct::Confirm, OrderObstacle::BeingCancelled))
            }
            OrderStatus::Pending | OrderStatus::Processing => {
                Ok(vec![OrderEvent::Confirmed(OrderConfirmed {
                    order_id: order.id.clone(),
                })])
            }
            OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Delivered => {
                Ok(Vec::new())
            }
            OrderStatus::Cancelled | OrderStatus::Failed => {
                Err(order.reject_status(OrderAct::Confirm))
            }
        }
    }

    /// Ships the order. No events if it is shipped. The command deducts its reservations in the same commit.
    ///
    /// # Errors
    /// `NotFound`, or `OrderState` unless it is confirmed and not being cancelled.
    pub fn ship(&self, id: &EntityId) -> Result<Vec<OrderEvent>, DomainError> {
        let order = self.existing(id)?;
        match order.status {
            OrderStatus::Confirmed if order.cancellation.is_some() => {
                Err(order.reject(OrderAct::Ship, OrderObstacle::BeingCancelled))
            }
            OrderStatus::Confirmed => Ok(vec![OrderEvent::Shipped(OrderShipped {
                order_id: order.id.clone(),
            })]),
            OrderStatus::Shipped => Ok(Vec::new()),
            OrderStatus::Pending
            | OrderStatus::Processing
            | OrderStatus::Delivered
            | OrderStatus::Cancelled
            | OrderStatus::Failed => Err(order.reject_status(OrderAct::Ship)),
        }
    }

    /// Records the delivery. No events if it is delivered.
    ///
    /// # Errors
    /// `NotFound`, or `OrderState` unless it is shipped.
    pub fn deliver(&self, id: &EntityId) -> Result<Vec<OrderEvent>, DomainError> {
        let order = self.existing(id)?;
        match order.status {
            OrderStatus::Shipped => Ok(vec![OrderEvent::Delivered(OrderDelivered {
                order_id: order.id.clone(),
            })]),
            OrderStatus::Delivered => Ok(Vec::new()),
            OrderStatus::Pending
            | OrderStatus::Processing
            | OrderStatus::Confirmed
            | OrderStatus::Cancelled
            | OrderStatus::Failed => Err(order.reject_status(OrderAct::Deliver)),
        }
    }
}
