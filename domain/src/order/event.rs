//! The events of an order's stream.

use event_sourcing::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::value::{
    EntityId, Money, Price, ProductName, Quantity, Reason, Reference, ShippingAddress,
    TrackingNumber, UserId,
};

/// An event of an order.
#[derive(Clone, Debug, PartialEq, Eq, DomainEvent)]
pub enum OrderEvent {
    #[event(name = "OrderCreated")]
    Created(OrderCreated),
    /// The payment provider took the money.
    #[event(name = "OrderPaymentProcessed")]
    PaymentProcessed(OrderPaymentProcessed),
    /// The payment provider refunded the money.
    #[event(name = "OrderPaymentRefunded")]
    PaymentRefunded(OrderPaymentRefunded),
    /// The carrier accepted the shipment.
    #[event(name = "OrderShippingArranged")]
    ShippingArranged(OrderShippingArranged),
    /// The carrier cancelled the shipment.
    #[event(name = "OrderShippingCancelled")]
    ShippingCancelled(OrderShippingCancelled),
    /// It is paid, and its shipment is arranged.
    #[event(name = "OrderConfirmed")]
    Confirmed(OrderConfirmed),
    /// Its cancellation was requested.
    #[event(name = "OrderCancellationRequested")]
    CancellationRequested(OrderCancellationRequested),
    /// It was handed to the carrier.
    #[event(name = "OrderShipped")]
    Shipped(OrderShipped),
    #[event(name = "OrderDelivered")]
    Delivered(OrderDelivered),
    #[event(name = "OrderCancelled")]
    Cancelled(OrderCancelled),
    /// An operator closed it as failed.
    #[event(name = "OrderFailed")]
    Failed(OrderFailed),
}

/// One product of an order, with its values at the time of the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderItem {
    pub product_id: EntityId,
    pub product_name: ProductName,
    pub quantity: Quantity,
    /// The price of one piece.
    #[serde(rename = "price_cents")]
    pub price: Price,
}

impl OrderItem {
    /// The price of all pieces.
    #[must_use]
    pub fn subtotal(&self) -> Money {
        self.price.times(self.quantity)
    }
}

/// `OrderCreated`. Its saga starts in the same commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCreated {
    pub order_id: EntityId,
    /// The saga that fulfils it.
    pub saga_id: EntityId,
    pub user_id: UserId,
    /// Each product once.
    pub items: Vec<OrderItem>,
    #[serde(rename = "total_cents")]
    pub total: Money,
    pub shipping_address: Option<ShippingAddress>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPaymentProcessed {
    pub order_id: EntityId,
    pub payment_id: Reference,
    /// The idempotency key of the charge.
    pub key: Reference,
    #[serde(rename = "amount_cents")]
    pub amount: Money,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPaymentRefunded {
    pub order_id: EntityId,
    /// None if the outcome of the charge was unknown.
    pub payment_id: Option<Reference>,
    /// None if the provider has no id for the refund.
    pub refund_id: Option<Reference>,
    #[serde(rename = "amount_cents")]
    pub amount: Money,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderShippingArranged {
    pub order_id: EntityId,
    pub tracking_number: TrackingNumber,
    /// The idempotency key of the shipment.
    pub key: Reference,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderShippingCancelled {
    pub order_id: EntityId,
    /// None if the outcome of the arrangement was unknown.
    pub tracking_number: Option<TrackingNumber>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderConfirmed {
    pub order_id: EntityId,
}

/// `OrderCancellationRequested`. The order is undone by its open saga, or by one that starts in the same commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCancellationRequested {
    pub order_id: EntityId,
    pub reason: Option<Reason>,
    pub requested_by: Option<UserId>,
    /// The new saga `cancel_order`; none if the order's saga is still open and compensates.
    pub saga_id: Option<EntityId>,
}

/// `OrderShipped`. Its reservations are deducted from stock in the same commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderShipped {
    pub order_id: EntityId,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderDelivered {
    pub order_id: EntityId,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCancelled {
    pub order_id: EntityId,
    /// The reason of the request, or why the saga compensated.
    pub reason: Option<Reason>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFailed {
    pub order_id: EntityId,
    pub reason: Reason,
}

impl OrderEvent {
    #[must_use]
    pub fn order_id(&self) -> &EntityId {
        match self {
            Self::Created(data) => &data.order_id,
            Self::PaymentProcessed(data) => &data.order_id,
            Self::PaymentRefunded(data) => &data.order_id,
            Self::ShippingArranged(data) => &data.order_id,
            Self::ShippingCancelled(data) => &data.order_id,
            Self::Confirmed(data) => &data.order_id,
            Self::CancellationRequested(data) => &data.order_id,
            Self::Shipped(data) => &data.order_id,
            Self::Delivered(data) => &data.order_id,
            Self::Cancelled(data) => &data.order_id,
            Self::Failed(data) => &data.order_id,
        }
    }
}
