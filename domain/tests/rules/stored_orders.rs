//! [`crate::stored_shapes`], for orders.

use domain::order::OrderEvent;
use event_sourcing::{DecodeError, StoredEvent};

use crate::orders::{
    cancelled, confirmed, created, delivered, failed, no_shipment, payment, refund, requested,
    shipment, shipped,
};
use crate::stored_shapes::{fixture, reads};

#[test]
fn the_beginning_and_the_ends_of_an_order() {
    reads("OrderCreated", fixture!("OrderCreated"), &created());
    reads("OrderConfirmed", fixture!("OrderConfirmed"), &confirmed());
    reads("OrderShipped", fixture!("OrderShipped"), &shipped());
    reads("OrderDelivered", fixture!("OrderDelivered"), &delivered());
    reads("OrderFailed", fixture!("OrderFailed"), &failed());
}

#[test]
fn what_providers_did() {
    reads(
        "OrderPaymentProcessed",
        fixture!("OrderPaymentProcessed"),
        &OrderEvent::PaymentProcessed(payment("saga-1/process_payment/0")),
    );
    reads(
        "OrderPaymentRefunded",
        fixture!("OrderPaymentRefunded"),
        &OrderEvent::PaymentRefunded(refund()),
    );
    reads(
        "OrderShippingArranged",
        fixture!("OrderShippingArranged"),
        &OrderEvent::ShippingArranged(shipment("saga-1/arrange_shipping/0")),
    );
    reads(
        "OrderShippingCancelled",
        fixture!("OrderShippingCancelled"),
        &OrderEvent::ShippingCancelled(no_shipment()),
    );
}

#[test]
fn how_an_order_is_undone() {
    reads(
        "OrderCancellationRequested",
        fixture!("OrderCancellationRequested"),
        &requested(Some("saga-2")),
    );
    reads(
        "OrderCancelled",
        fixture!("OrderCancelled"),
        &cancelled(Some("Too late")),
    );
}

#[test]
fn unknown_names_and_shapes_are_errors() {
    assert!(matches!(
        OrderEvent::decode("OrderPainted", 1, "{}"),
        Err(DecodeError::UnknownType { .. })
    ));
    assert!(matches!(
        OrderEvent::decode("OrderShipped", 2, "{}"),
        Err(DecodeError::UnknownVersion { .. })
    ));
}
