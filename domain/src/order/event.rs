//! The events of an order's stream.

use event_sourcing::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::value::{
    EntityId, Money, Price, ProductName, Quantity, Reason, Reference, ShippingAddress,
    TrackingNumber, UserId,
};

/// What happens to an order.
#[derive(Clone, Debug, PartialEq, Eq, DomainEvent)]
pub enum OrderEvent {
    #[event(name = "OrderCreated")]
    Created(OrderCreated),
    /// The payment provider took the money.
    #[event(name = "OrderPaymentProcessed")]
    PaymentProcessed(OrderPaymentProcessed),
    /// The payment provider gave it back.
    #[event(name = "OrderPaymentRefunded")]
    PaymentRefunded(OrderPaymentRefunded),
    /// The carrier took the shipment on.
    #[event(name = "OrderShippingArranged")]
    ShippingArranged(OrderShippingArranged),
    /// The carrier gave it up.
    #[event(name = "OrderShippingCancelled")]
    ShippingCancelled(OrderShippingCancelled),
    /// Everything that the customer was promised is arranged.
    #[event(name = "OrderConfirmed")]
    Confirmed(OrderConfirmed),
    /// Somebody wants it undone.
    #[event(name = "OrderCancellationRequested")]
    CancellationRequested(OrderCancellationRequested),
    /// It left the shop.
    #[event(name = "OrderShipped")]
    Shipped(OrderShipped),
    /// It is with the customer.
    #[event(name = "OrderDelivered")]
    Delivered(OrderDelivered),
    #[event(name = "OrderCancelled")]
    Cancelled(OrderCancelled),
    /// A person closed it as failed.
    #[event(name = "OrderFailed")]
    Failed(OrderFailed),
}

/// One product of an order, as it was when it was ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderItem {
    pub product_id: EntityId,
    /// Its name at that time.
    pub product_name: ProductName,
    pub quantity: Quantity,
    /// What one piece cost at that time.
    #[serde(rename = "price_cents")]
    pub price: Price,
}

impl OrderItem {
    /// What all pieces cost.
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
    /// What is ordered, each product once.
    pub items: Vec<OrderItem>,
    /// What all of it costs.
    #[serde(rename = "total_cents")]
    pub total: Money,
    pub shipping_address: Option<ShippingAddress>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPaymentProcessed {
    pub order_id: EntityId,
    /// What the provider calls the payment.
    pub payment_id: Reference,
    /// The idempotency key that the provider was asked with.
    pub key: Reference,
    /// How much was taken.
    #[serde(rename = "amount_cents")]
    pub amount: Money,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPaymentRefunded {
    pub order_id: EntityId,
    /// What the provider calls the payment, if it is known.
    pub payment_id: Option<Reference>,
    /// What the provider calls the refund, if it has a name for it.
    pub refund_id: Option<Reference>,
    /// How much was given back.
    #[serde(rename = "amount_cents")]
    pub amount: Money,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderShippingArranged {
    pub order_id: EntityId,
    /// What the carrier calls the shipment.
    pub tracking_number: TrackingNumber,
    /// The idempotency key that the carrier was asked with.
    pub key: Reference,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderShippingCancelled {
    pub order_id: EntityId,
    /// What the carrier called the shipment, if it is known.
    pub tracking_number: Option<TrackingNumber>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderConfirmed {
    pub order_id: EntityId,
}

/// `OrderCancellationRequested`. What undoes the order is its open saga, or one that starts in the same commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCancellationRequested {
    pub order_id: EntityId,
    /// Why, if somebody said so.
    pub reason: Option<Reason>,
    /// Who asked, if that is known.
    pub requested_by: Option<UserId>,
    /// The saga that starts to undo it; none if the order's saga is still open and turns round.
    pub saga_id: Option<EntityId>,
}

/// `OrderShipped`. What was reserved is deducted from stock in the same commit.
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
    /// What went wrong, or why somebody wanted it, if that is known.
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
