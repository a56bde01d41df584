//! How an order gets on: what providers did for it, and what the shop did.
//!
//! A provider's answer is a fact, whatever became of the order meanwhile, so it is noted in every status. The key that
//! the provider was asked with tells a repeated answer (no event) from a second deal, which nobody may have made.

use super::deal::Answer;
use super::event::{
    OrderConfirmed, OrderDelivered, OrderEvent, OrderPaymentProcessed, OrderPaymentRefunded,
    OrderShipped, OrderShippingArranged, OrderShippingCancelled,
};
use super::refusal::{OrderAct, OrderObstacle};
use super::state::Order;
use crate::error::DomainError;
use crate::value::{EntityId, OrderStatus};

impl Order {
    /// Notes that the provider took the money. No events if that is known, or if this very payment was refunded since.
    ///
    /// # Errors
    /// `NotFound`, or `OrderState` if a payment under another key is held.
    pub fn payment_processed(
        &self,
        fact: OrderPaymentProcessed,
    ) -> Result<Vec<OrderEvent>, DomainError> {
        let order = self.existing(&fact.order_id)?;
        match order.payment.answer(&fact.key) {
            Answer::News => Ok(vec![OrderEvent::PaymentProcessed(fact)]),
            Answer::Repeat => Ok(Vec::new()),
            Answer::Second => Err(order.refuse(OrderAct::Pay, OrderObstacle::Paid)),
        }
    }

    /// Notes that the provider gave the money back, also if it was never heard to have taken it. No events if that is
    /// known. A provider that had nothing to give back is not to be noted.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn payment_refunded(
        &self,
        fact: OrderPaymentRefunded,
    ) -> Result<Vec<OrderEvent>, DomainError> {
        let order = self.existing(&fact.order_id)?;
        if order.payment.is_undone() {
            return Ok(Vec::new());
        }
        Ok(vec![OrderEvent::PaymentRefunded(fact)])
    }

    /// Notes that the carrier took the shipment on. No events if that is known, or if this very shipment was cancelled
    /// since.
    ///
    /// # Errors
    /// `NotFound`, or `OrderState` if a shipment under another key is arranged.
    pub fn shipping_arranged(
        &self,
        fact: OrderShippingArranged,
    ) -> Result<Vec<OrderEvent>, DomainError> {
        let order = self.existing(&fact.order_id)?;
        match order.shipping.answer(&fact.key) {
            Answer::News => Ok(vec![OrderEvent::ShippingArranged(fact)]),
            Answer::Repeat => Ok(Vec::new()),
            Answer::Second => {
                Err(order.refuse(OrderAct::ArrangeShipping, OrderObstacle::ShippingArranged))
            }
        }
    }

    /// Notes that the carrier gave the shipment up, also if it was never heard to have taken it. No events if that is
    /// known. A carrier that had nothing to give up is not to be noted.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn shipping_cancelled(
        &self,
        fact: OrderShippingCancelled,
    ) -> Result<Vec<OrderEvent>, DomainError> {
        let order = self.existing(&fact.order_id)?;
        if order.shipping.is_undone() {
            return Ok(Vec::new());
        }
        Ok(vec![OrderEvent::ShippingCancelled(fact)])
    }

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
