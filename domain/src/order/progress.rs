//! How an order gets on, once it is created and as long as nobody wants it undone.

use std::sync::Arc;

use event_sourcing::execute::{Command, Lane, States};

use super::event::{OrderConfirmed, OrderDelivered, OrderEvent, OrderShipped};
use super::refusal::{OrderAct, OrderObstacle};
use super::state::Order;
use crate::command::{Decided, Deciding, reply};
use crate::error::DomainError;
use crate::stock::Stock;
use crate::value::{EntityId, OrderStatus};

/// Gives a confirmed order to the carrier; what it holds leaves the stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShipOrder {
    pub id: EntityId,
}

/// Notes that an order has arrived.
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
    /// Decides that all is arranged. No events if it is confirmed, or further. It does not look for a payment or a
    /// shipment: a person may have seen to them by hand.
    ///
    /// # Errors
    /// `NotFound`, or `OrderState` if it is cancelled, being cancelled, or failed for good.
    pub fn confirm(&self, id: &EntityId) -> Result<Vec<OrderEvent>, DomainError> {
        let order = self.existing(id)?;
        match order.status {
            OrderStatus::Pending | OrderStatus::Processing if order.cancellation.is_some() => {
                Err(order.refuse(OrderAct::Confirm, OrderObstacle::BeingCancelled))
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
                Err(order.refuse_status(OrderAct::Confirm))
            }
        }
    }

    /// Decides that the order leaves the shop. No events if it has just left; what it holds of the stock is deducted
    /// in the same commit.
    ///
    /// # Errors
    /// `NotFound`, or `OrderState` unless it is confirmed and nobody wants it cancelled.
    pub fn ship(&self, id: &EntityId) -> Result<Vec<OrderEvent>, DomainError> {
        let order = self.existing(id)?;
        match order.status {
            OrderStatus::Confirmed if order.cancellation.is_some() => {
                Err(order.refuse(OrderAct::Ship, OrderObstacle::BeingCancelled))
            }
            OrderStatus::Confirmed => Ok(vec![OrderEvent::Shipped(OrderShipped {
                order_id: order.id.clone(),
            })]),
            OrderStatus::Shipped => Ok(Vec::new()),
            OrderStatus::Pending
            | OrderStatus::Processing
            | OrderStatus::Delivered
            | OrderStatus::Cancelled
            | OrderStatus::Failed => Err(order.refuse_status(OrderAct::Ship)),
        }
    }

    /// Decides that the order is with the customer. No events if it is.
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
            | OrderStatus::Failed => Err(order.refuse_status(OrderAct::Deliver)),
        }
    }
}
