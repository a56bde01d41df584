//! An order's state.

use chrono::{DateTime, Utc};
use event_sourcing::{Aggregate, Version};
use serde::{Deserialize, Serialize};

use super::event::{OrderCancellationRequested, OrderCreated, OrderEvent, OrderItem};
use super::refusal::{OrderAct, OrderObstacle, OrderState};
use crate::error::{DomainError, Entity};
use crate::value::{
    EntityId, Money, OrderStatus, Reason, Reference, ShippingAddress, TrackingNumber, UserId,
};

/// An order as its events tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    version: Version,
    values: Option<OrderValues>,
}

/// What an order has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderValues {
    pub id: EntityId,
    pub user_id: UserId,
    /// What is ordered, each product once.
    pub items: Vec<OrderItem>,
    /// What all of it costs.
    pub total: Money,
    pub shipping_address: Option<ShippingAddress>,
    /// How far it is, as far as its own events tell: its saga may be suspended.
    pub status: OrderStatus,
    pub saga_id: EntityId,
    /// The customer's money, as long as the shop has it.
    pub payment: Option<Payment>,
    /// What a carrier does for it, unless that was called off.
    pub shipment: Option<Shipment>,
    /// That somebody wants it undone.
    pub cancellation: Option<RequestedCancellation>,
    /// The time of its first event.
    pub created_at: DateTime<Utc>,
    /// The time of its last event.
    pub updated_at: DateTime<Utc>,
}

/// Money that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// What the provider calls it.
    pub payment_id: Reference,
    /// The key that it was taken under.
    pub key: Reference,
    pub amount: Money,
}

/// A shipment that was arranged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipment {
    /// What the carrier calls it.
    pub tracking_number: TrackingNumber,
    /// The key that it was arranged under.
    pub key: Reference,
}

/// That somebody wants an order undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedCancellation {
    /// Why, if somebody said so.
    pub reason: Option<Reason>,
    /// Who asked, if that is known.
    pub requested_by: Option<UserId>,
}

impl Order {
    /// How many events it has.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Its values, if it is there.
    #[must_use]
    pub fn values(&self) -> Option<&OrderValues> {
        self.values.as_ref()
    }

    /// The values of the order that the client calls `id`.
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

    pub(super) fn refuse(&self, asked: OrderAct, obstacle: OrderObstacle) -> DomainError {
        DomainError::OrderState(OrderState {
            id: self.id.clone(),
            obstacle,
            asked,
        })
    }

    pub(super) fn refuse_status(&self, asked: OrderAct) -> DomainError {
        self.refuse(asked, OrderObstacle::Status(self.status))
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

    fn become_after(&mut self, event: &OrderEvent) {
        match event {
            // It is born once.
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
            order.become_after(event);
            order.updated_at = at;
        }
    }
}
