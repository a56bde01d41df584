//! An order's state.

use chrono::{DateTime, Utc};
use event_sourcing::{Aggregate, Version};
use serde::{Deserialize, Serialize};

use super::event::{OrderCancellationRequested, OrderCreated, OrderEvent, OrderItem};
use super::rejection::{OrderAct, OrderObstacle, OrderState};
use crate::error::{DomainError, Entity};
use crate::value::{
    EntityId, Money, OrderStatus, Reason, Reference, ShippingAddress, TrackingNumber, UserId,
};

/// The state of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    version: Version,
    values: Option<OrderValues>,
}

/// The values of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderValues {
    pub id: EntityId,
    pub user_id: UserId,
    /// Each product once.
    pub items: Vec<OrderItem>,
    pub total: Money,
    pub shipping_address: Option<ShippingAddress>,
    /// According to its own events: if its saga is suspended, clients see another status.
    pub status: OrderStatus,
    pub saga_id: EntityId,
    /// None before the charge and after a refund.
    pub payment: Option<Payment>,
    /// None before it is arranged and after its cancellation.
    pub shipment: Option<Shipment>,
    pub cancellation: Option<RequestedCancellation>,
    /// The time of its first event.
    pub created_at: DateTime<Utc>,
    /// The time of its last event.
    pub updated_at: DateTime<Utc>,
}

/// Money that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    pub payment_id: Reference,
    /// The idempotency key of the charge.
    pub key: Reference,
    pub amount: Money,
}

/// A shipment that was arranged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipment {
    pub tracking_number: TrackingNumber,
    /// The idempotency key of the shipment.
    pub key: Reference,
}

/// The request to cancel an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedCancellation {
    pub reason: Option<Reason>,
    pub requested_by: Option<UserId>,
}

impl Order {
    /// The version of its stream: its number of events.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Its values, if it exists.
    #[must_use]
    pub fn values(&self) -> Option<&OrderValues> {
        self.values.as_ref()
    }

    /// Its values, if it exists. `id` is for the error.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn existing(&self, id: &EntityId) -> Result<&OrderValues, DomainError> {
        let values = self.values.as_ref();
        values.ok_or_else(|| DomainError::not_found(Entity::Order, id))
    }
}

impl OrderValues {
    fn born(data: &OrderCreated, at: DateTime<Utc>) -> Self {
        Self {
            id: data.order_id.clone(),
            user_id: data.user_id.clone(),
            items: data.items.clone(),
            total: data.total,
            shipping_address: data.shipping_address.clone(),
            // Its saga starts in the same commit.
            status: OrderStatus::Processing,
            saga_id: data.saga_id.clone(),
            payment: None,
            shipment: None,
            cancellation: None,
            created_at: at,
            updated_at: at,
        }
    }

    pub(super) fn reject(&self, asked: OrderAct, obstacle: OrderObstacle) -> DomainError {
        DomainError::OrderState(OrderState {
            id: self.id.clone(),
            obstacle,
            asked,
        })
    }

    pub(super) fn reject_status(&self, asked: OrderAct) -> DomainError {
        self.reject(asked, OrderObstacle::Status(self.status))
    }

    fn ask_cancellation(&mut self, data: &OrderCancellationRequested) {
        self.cancellation = Some(RequestedCancellation {
            reason: data.reason.clone(),
            requested_by: data.requested_by.clone(),
        });
        if let Some(saga) = &data.saga_id {
            self.saga_id = saga.clone();
        }
    }

    fn apply(&mut self, event: &OrderEvent) {
        match event {
            // Handled by `evolve`: an order is created once.
            OrderEvent::Created(_) => {}
            OrderEvent::PaymentProcessed(data) => {
                self.payment = Some(Payment {
                    payment_id: data.payment_id.clone(),
                    key: data.key.clone(),
                    amount: data.amount,
                });
            }
            OrderEvent::PaymentRefunded(_) => self.payment = None,
            OrderEvent::ShippingArranged(data) => {
                self.shipment = Some(Shipment {
                    tracking_number: data.tracking_number.clone(),
                    key: data.key.clone(),
                });
            }
            OrderEvent::ShippingCancelled(_) => self.shipment = None,
            OrderEvent::CancellationRequested(data) => self.ask_cancellation(data),
            OrderEvent::Confirmed(_) => self.status = OrderStatus::Confirmed,
            OrderEvent::Shipped(_) => self.status = OrderStatus::Shipped,
            OrderEvent::Delivered(_) => self.status = OrderStatus::Delivered,
            OrderEvent::Cancelled(_) => self.status = OrderStatus::Cancelled,
            OrderEvent::Failed(_) => self.status = OrderStatus::Failed,
        }
    }
}

impl Aggregate for Order {
    const TYPE: &'static str = "order";
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = OrderEvent;

    fn evolve(&mut self, event: &OrderEvent, at: DateTime<Utc>) {
        self.version = self.version.next();
        if let OrderEvent::Created(data) = event {
            self.values
                .get_or_insert_with(|| OrderValues::born(data, at));
        }
        if let Some(order) = &mut self.values {
            order.apply(event);
            order.updated_at = at;
        }
    }
}
