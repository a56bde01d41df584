//! The data of the two sagas of an order.

use serde::{Deserialize, Serialize};

use super::stock::{self, ReservedItem};
use crate::order::{OrderCreated, OrderValues};
use crate::value::{EntityId, Money, Reference, ShippingAddress, TrackingNumber, UserId};

#[derive(Clone, Copy, Debug)]
pub struct OrderSaga;

/// The data of the saga `order`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fulfilment {
    pub order_id: EntityId,
    pub user_id: UserId,
    pub items: Vec<ReservedItem>,
    #[serde(rename = "total_cents")]
    pub total: Money,
    pub shipping_address: Option<ShippingAddress>,
    pub payment_id: Option<Reference>,
    pub tracking_number: Option<TrackingNumber>,
}

impl Fulfilment {
    /// The data of a new order's saga.
    #[must_use]
    pub fn of(order: &OrderCreated) -> Self {
        Self {
            order_id: order.order_id.clone(),
            user_id: order.user_id.clone(),
            items: stock::reserved_items(&order.items),
            total: order.total,
            shipping_address: order.shipping_address.clone(),
            payment_id: None,
            tracking_number: None,
        }
    }
}

/// Undoes a confirmed order.
#[derive(Clone, Copy, Debug)]
pub struct CancelOrderSaga;

/// The data of the saga `cancel_order`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelOrderData {
    pub order_id: EntityId,
    pub user_id: UserId,
    pub items: Vec<ReservedItem>,
    #[serde(rename = "total_cents")]
    pub total: Money,
    pub shipping_address: Option<ShippingAddress>,
    /// The idempotency key of the charge; none if an operator resolved the step.
    pub payment_key: Option<Reference>,
    pub payment_id: Option<Reference>,
    /// The idempotency key of the shipment; none if an operator resolved the step.
    pub shipping_key: Option<Reference>,
    pub tracking_number: Option<TrackingNumber>,
}

impl CancelOrderData {
    /// The data of a new saga that cancels `order`.
    #[must_use]
    pub fn of(order: &OrderValues) -> Self {
        let (payment, shipment) = (order.payment.as_ref(), order.shipment.as_ref());
        Self {
            order_id: order.id.clone(),
            user_id: order.user_id.clone(),
            items: stock::reserved_items(&order.items),
            total: order.total,
            shipping_address: order.shipping_address.clone(),
            payment_key: payment.map(|payment| payment.key.clone()),
            payment_id: payment.map(|payment| payment.payment_id.clone()),
            shipping_key: shipment.map(|shipment| shipment.key.clone()),
            tracking_number: shipment.map(|shipment| shipment.tracking_number.clone()),
        }
    }
}
