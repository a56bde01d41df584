//! [`crate::stored_shapes`] for orders.

use domain::order::OrderEvent;
use event_sourcing::{DecodeError, StoredEvent};

use crate::orders::{
    cancelled, confirmed, created, delivered, failed, no_shipment, payment, refund, requested,
    shipment, shipped,
};
use crate::stored_shapes::fixtures;

#[test]
fn the_first_and_last_events_of_an_order() {
    fixtures().event("OrderCreated", 1, &created());
    fixtures().event("OrderConfirmed", 1, &confirmed());
    fixtures().event("OrderShipped", 1, &shipped());
    fixtures().event("OrderDelivered", 1, &delivered());
    fixtures().event("OrderFailed", 1, &failed());
}

#[test]
fn the_events_of_providers() {
    fixtures().event(
        "OrderPaymentProcessed",
        1,
        &OrderEvent::PaymentProcessed(payment("saga-1/process_payment/0")),
    );
    fixtures().event(
        "OrderPaymentRefunded",
        1,
        &OrderEvent::PaymentRefunded(refund()),
    );
    fixtures().event(
        "OrderShippingArranged",
        1,
        &OrderEvent::ShippingArranged(shipment("saga-1/arrange_shipping/0")),
    );
    fixtures().event(
        "OrderShippingCancelled",
        1,
        &OrderEvent::ShippingCancelled(no_shipment()),
    );
}

#[test]
fn the_events_of_a_cancellation() {
    fixtures().event("OrderCancellationRequested", 1, &requested(Some("saga-2")));
    fixtures().event("OrderCancelled", 1, &cancelled(Some("Too late")));
}

#[test]
fn unknown_names_and_invalid_data_are_errors() {
    assert!(matches!(
        OrderEvent::decode("OrderPainted", 1, "{}"),
        Err(DecodeError::UnknownType { .. })
    ));
    assert!(matches!(
        OrderEvent::decode("OrderShipped", 2, "{}"),
        Err(DecodeError::UnknownVersion { .. })
    ));
}
