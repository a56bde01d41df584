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
    /// Its first event.
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
    /// It is undone.
    #[event(name = "OrderCancelled")]
    Cancelled(OrderCancelled),
    /// A person closed it as failed.
    #[event(name = "OrderFailed")]
    Failed(OrderFailed),
}

/// One product of an order, as it was when it was ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderItem {
    /// The product.
    pub product_id: EntityId,
    /// Its name at that time.
    pub product_name: ProductName,
    /// How many pieces.
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
    /// Its id.
    pub order_id: EntityId,
    /// The saga that fulfils it.
    pub saga_id: EntityId,
    /// Whose it is.
    pub user_id: UserId,
    /// What is ordered, each product once.
    pub items: Vec<OrderItem>,
    /// What all of it costs.
    #[serde(rename = "total_cents")]
    pub total: Money,
    /// Where it goes.
    pub shipping_address: Option<ShippingAddress>,
}

/// `OrderPaymentProcessed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPaymentProcessed {
    /// The order.
    pub order_id: EntityId,
    /// What the provider calls the payment.
    pub payment_id: Reference,
    /// The idempotency key that the provider was asked with.
    pub key: Reference,
    /// How much was taken.
    #[serde(rename = "amount_cents")]
    pub amount: Money,
}

/// `OrderPaymentRefunded`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderPaymentRefunded {
    /// The order.
    pub order_id: EntityId,
    /// What the provider calls the payment, if it is known.
    pub payment_id: Option<Reference>,
    /// What the provider calls the refund, if it has a name for it.
    pub refund_id: Option<Reference>,
    /// How much was given back.
    #[serde(rename = "amount_cents")]
    pub amount: Money,
}

/// `OrderShippingArranged`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderShippingArranged {
    /// The order.
    pub order_id: EntityId,
    /// What the carrier calls the shipment.
    pub tracking_number: TrackingNumber,
    /// The idempotency key that the carrier was asked with.
    pub key: Reference,
}

/// `OrderShippingCancelled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderShippingCancelled {
    /// The order.
    pub order_id: EntityId,
    /// What the carrier called the shipment, if it is known.
    pub tracking_number: Option<TrackingNumber>,
}

/// `OrderConfirmed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderConfirmed {
    /// The order.
    pub order_id: EntityId,
}

/// `OrderCancellationRequested`. What undoes the order is its open saga, or one that starts in the same commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCancellationRequested {
    /// The order.
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
    /// The order.
    pub order_id: EntityId,
}

/// `OrderDelivered`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderDelivered {
    /// The order.
    pub order_id: EntityId,
}

/// `OrderCancelled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCancelled {
    /// The order.
    pub order_id: EntityId,
    /// What went wrong, or why somebody wanted it, if that is known.
    pub reason: Option<Reason>,
}

/// `OrderFailed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFailed {
    /// The order.
    pub order_id: EntityId,
    /// Why.
    pub reason: Reason,
}

impl OrderEvent {
    /// The order.
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
