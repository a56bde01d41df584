//! What the two sagas of an order know.

use serde::{Deserialize, Serialize};

use super::stock::{self, ReservedItem};
use crate::order::{OrderCreated, OrderValues};
use crate::value::{EntityId, Money, Reference, ShippingAddress, TrackingNumber, UserId};

#[derive(Clone, Copy, Debug)]
pub struct OrderSaga;

/// What the saga knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fulfilment {
    pub order_id: EntityId,
    pub user_id: UserId,
    /// What is to be reserved.
    pub items: Vec<ReservedItem>,
    /// What is to be paid.
    #[serde(rename = "total_cents")]
    pub total: Money,
    pub shipping_address: Option<ShippingAddress>,
    /// What the payment provider gave.
    pub payment_id: Option<Reference>,
    /// What the carrier gave.
    pub tracking_number: Option<TrackingNumber>,
}

impl Fulfilment {
    /// What an order's saga begins with.
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

/// What is to be undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelOrderData {
    pub order_id: EntityId,
    pub user_id: UserId,
    /// What is to be released.
    pub items: Vec<ReservedItem>,
    /// What is to be given back.
    #[serde(rename = "total_cents")]
    pub total: Money,
    /// Where the goods were to go.
    pub shipping_address: Option<ShippingAddress>,
    /// The key that the money was taken under; none if an operator resolved the step.
    pub payment_key: Option<Reference>,
    /// What the payment provider calls the payment.
    pub payment_id: Option<Reference>,
    /// The key that the shipment was arranged under; none if an operator resolved the step.
    pub shipping_key: Option<Reference>,
    /// What the carrier calls the shipment.
    pub tracking_number: Option<TrackingNumber>,
}

impl CancelOrderData {
    /// What the saga begins with.
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
