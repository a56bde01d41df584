//! An order and its events, for the tests of its rules.

use domain::order::{
    Order, OrderAct, OrderCancellationRequested, OrderCancelled, OrderConfirmed, OrderCreated,
    OrderDelivered, OrderEvent, OrderFailed, OrderItem, OrderObstacle, OrderPaymentProcessed,
    OrderPaymentRefunded, OrderShipped, OrderShippingArranged, OrderShippingCancelled, OrderState,
};
use domain::value::{EntityId, Money, OrderStatus};
use domain::{DomainError, Entity};
use event_sourcing::testing::given;

use crate::support::{
    address, id, price, product_name, quantity, reason, reference, tracking, user,
};

pub fn order() -> EntityId {
    id("order-1")
}

pub fn created() -> OrderEvent {
    OrderEvent::Created(OrderCreated {
        order_id: order(),
        saga_id: id("saga-1"),
        user_id: user("mika"),
        items: vec![OrderItem {
            product_id: id("sencha"),
            product_name: product_name("Sencha"),
            quantity: quantity(3),
            price: price("19.90"),
        }],
        total: Money::from_cents(5_970),
        shipping_address: Some(address()),
    })
}

pub fn payment(key: &str) -> OrderPaymentProcessed {
    OrderPaymentProcessed {
        order_id: order(),
        payment_id: reference("pay-1"),
        key: reference(key),
        amount: Money::from_cents(5_970),
    }
}

pub fn refund() -> OrderPaymentRefunded {
    OrderPaymentRefunded {
        order_id: order(),
        payment_id: Some(reference("pay-1")),
        refund_id: Some(reference("refund-1")),
        amount: Money::from_cents(5_970),
    }
}

pub fn shipment(key: &str) -> OrderShippingArranged {
    OrderShippingArranged {
        order_id: order(),
        tracking_number: tracking("TRACK-1"),
        key: reference(key),
    }
}

pub fn no_shipment() -> OrderShippingCancelled {
    OrderShippingCancelled {
        order_id: order(),
        tracking_number: Some(tracking("TRACK-1")),
    }
}

pub fn confirmed() -> OrderEvent {
    OrderEvent::Confirmed(OrderConfirmed { order_id: order() })
}

pub fn requested(saga: Option<&str>) -> OrderEvent {
    OrderEvent::CancellationRequested(OrderCancellationRequested {
        order_id: order(),
        reason: Some(reason("Too late")),
        requested_by: Some(user("mika")),
        saga_id: saga.map(id),
    })
}

pub fn shipped() -> OrderEvent {
    OrderEvent::Shipped(OrderShipped { order_id: order() })
}

pub fn delivered() -> OrderEvent {
    OrderEvent::Delivered(OrderDelivered { order_id: order() })
}

pub fn cancelled(why: Option<&str>) -> OrderEvent {
    OrderEvent::Cancelled(OrderCancelled {
        order_id: order(),
        reason: why.map(reason),
    })
}

pub fn failed() -> OrderEvent {
    OrderEvent::Failed(OrderFailed {
        order_id: order(),
        reason: reason("Lost by the carrier"),
    })
}

/// A history that ends in this status.
pub fn history(status: OrderStatus) -> Vec<OrderEvent> {
    match status {
        OrderStatus::Pending | OrderStatus::Processing => vec![created()],
        OrderStatus::Confirmed => vec![created(), confirmed()],
        OrderStatus::Shipped => vec![created(), confirmed(), shipped()],
        OrderStatus::Delivered => vec![created(), confirmed(), shipped(), delivered()],
        OrderStatus::Cancelled => vec![created(), cancelled(None)],
        OrderStatus::Failed => vec![created(), failed()],
    }
}

/// An order whose own events end in this status; none ends as pending.
pub fn in_status(status: OrderStatus) -> Order {
    given::<Order>(history(status)).state()
}

pub fn rejected(obstacle: OrderObstacle, asked: OrderAct) -> DomainError {
    DomainError::OrderState(OrderState {
        id: order(),
        obstacle,
        asked,
    })
}

pub fn wrong_status(status: OrderStatus, asked: OrderAct) -> DomainError {
    rejected(OrderObstacle::Status(status), asked)
}

pub fn not_found() -> DomainError {
    DomainError::NotFound {
        entity: Entity::Order,
        id: order(),
    }
}
