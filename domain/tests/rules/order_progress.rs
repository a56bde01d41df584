use domain::order::{Order, OrderAct, OrderEvent, OrderObstacle};
use domain::value::{Money, OrderStatus};
use event_sourcing::testing::given;

use crate::orders::{
    cancelled, confirmed, created, delivered, history, in_status, no_shipment, not_found, order,
    payment, refund, refused, requested, shipment, shipped, wrong_status,
};
use crate::support::{reference, tracking};

fn paid(key: &str) -> OrderEvent {
    OrderEvent::PaymentProcessed(payment(key))
}

fn refunded() -> OrderEvent {
    OrderEvent::PaymentRefunded(refund())
}

fn arranged(key: &str) -> OrderEvent {
    OrderEvent::ShippingArranged(shipment(key))
}

fn given_up() -> OrderEvent {
    OrderEvent::ShippingCancelled(no_shipment())
}

#[test]
fn an_order_without_events_is_not_found() {
    let nothing = Order::default();
    assert_eq!(nothing.payment_processed(payment("k")), Err(not_found()));
    assert_eq!(nothing.payment_refunded(refund()), Err(not_found()));
    assert_eq!(nothing.shipping_arranged(shipment("k")), Err(not_found()));
    assert_eq!(nothing.shipping_cancelled(no_shipment()), Err(not_found()));
    assert_eq!(nothing.confirm(&order()), Err(not_found()));
    assert_eq!(nothing.ship(&order()), Err(not_found()));
    assert_eq!(nothing.deliver(&order()), Err(not_found()));
    assert_eq!(not_found().to_string(), "order order-1 does not exist");
}

#[test]
fn a_payment_is_noted_once() {
    given::<Order>([created()])
        .when(|order| order.payment_processed(payment("k")))
        .then([paid("k")]);
    given::<Order>([created(), paid("k")])
        .when(|order| order.payment_processed(payment("k")))
        .then_nothing();
    let order = given::<Order>([created(), paid("k")]).state();
    let held = order.values().unwrap().payment.made().unwrap();
    assert_eq!(held.payment_id, reference("pay-1"));
    assert_eq!(held.amount, Money::from_cents(5_970));
}

#[test]
fn a_second_payment_is_refused_while_the_first_is_held() {
    let refusal = refused(OrderObstacle::Paid, OrderAct::Pay);
    assert_eq!(
        refusal.to_string(),
        "order order-1 is paid and cannot be paid again"
    );
    given::<Order>([created(), paid("k")])
        .when(|order| order.payment_processed(payment("l")))
        .then_refused(refusal);
    given::<Order>([created(), paid("k"), refunded()])
        .when(|order| order.payment_processed(payment("l")))
        .then([paid("l")]);
}

#[test]
fn a_refund_is_noted_once_also_of_a_payment_that_was_never_heard_of() {
    for before in [vec![created()], vec![created(), paid("k")]] {
        given::<Order>(before.clone())
            .when(|order| order.payment_refunded(refund()))
            .then([refunded()]);
        given::<Order>(before.into_iter().chain([refunded()]))
            .when(|order| order.payment_refunded(refund()))
            .then_nothing();
    }
}

#[test]
fn a_late_answer_does_not_bring_a_refunded_payment_back() {
    given::<Order>([created(), paid("k"), refunded()])
        .when(|order| order.payment_processed(payment("k")))
        .then_nothing();
}

#[test]
fn a_shipment_is_noted_once() {
    given::<Order>([created()])
        .when(|order| order.shipping_arranged(shipment("k")))
        .then([arranged("k")]);
    given::<Order>([created(), arranged("k")])
        .when(|order| order.shipping_arranged(shipment("k")))
        .then_nothing();
    given::<Order>([created(), arranged("k")])
        .when(|order| order.shipping_arranged(shipment("l")))
        .then_refused(refused(
            OrderObstacle::ShippingArranged,
            OrderAct::ArrangeShipping,
        ));
    let order = given::<Order>([created(), arranged("k")]).state();
    assert_eq!(
        order.values().unwrap().shipping.made(),
        Some(&tracking("TRACK-1"))
    );
}

#[test]
fn a_cancelled_shipment_is_noted_once_and_stays_cancelled() {
    for before in [vec![created()], vec![created(), arranged("k")]] {
        given::<Order>(before.clone())
            .when(|order| order.shipping_cancelled(no_shipment()))
            .then([given_up()]);
        given::<Order>(before.into_iter().chain([given_up()]))
            .when(|order| order.shipping_cancelled(no_shipment()))
            .then_nothing();
    }
    given::<Order>([created(), arranged("k"), given_up()])
        .when(|order| order.shipping_arranged(shipment("k")))
        .then_nothing();
}

#[test]
fn what_providers_did_is_noted_in_every_status() {
    for status in OrderStatus::ALL {
        given::<Order>(history(status))
            .when(|order| order.payment_processed(payment("k")))
            .then([paid("k")]);
        given::<Order>(history(status))
            .when(|order| order.shipping_arranged(shipment("k")))
            .then([arranged("k")]);
    }
}

#[test]
fn an_order_is_confirmed_once() {
    given::<Order>([created(), paid("k"), arranged("k")])
        .when(|values| values.confirm(&order()))
        .then([confirmed()]);
    for status in [
        OrderStatus::Confirmed,
        OrderStatus::Shipped,
        OrderStatus::Delivered,
    ] {
        assert_eq!(in_status(status).confirm(&order()), Ok(vec![]));
    }
    for status in [OrderStatus::Cancelled, OrderStatus::Failed] {
        assert_eq!(
            in_status(status).confirm(&order()),
            Err(wrong_status(status, OrderAct::Confirm))
        );
    }
}

#[test]
fn an_order_that_is_being_cancelled_is_not_confirmed() {
    given::<Order>([created(), requested(None)])
        .when(|values| values.confirm(&order()))
        .then_refused(refused(OrderObstacle::BeingCancelled, OrderAct::Confirm));
}

#[test]
fn only_a_confirmed_order_is_shipped() {
    given::<Order>([created(), confirmed()])
        .when(|values| values.ship(&order()))
        .then([shipped()]);
    assert_eq!(in_status(OrderStatus::Shipped).ship(&order()), Ok(vec![]));
    for status in [
        OrderStatus::Processing,
        OrderStatus::Delivered,
        OrderStatus::Cancelled,
        OrderStatus::Failed,
    ] {
        assert_eq!(
            in_status(status).ship(&order()),
            Err(wrong_status(status, OrderAct::Ship))
        );
    }
}

#[test]
fn an_order_that_is_being_cancelled_is_not_shipped() {
    let refusal = refused(OrderObstacle::BeingCancelled, OrderAct::Ship);
    assert_eq!(
        refusal.to_string(),
        "order order-1 is being cancelled and cannot be shipped"
    );
    given::<Order>([created(), confirmed(), requested(Some("saga-2"))])
        .when(|values| values.ship(&order()))
        .then_refused(refusal);
}

#[test]
fn only_a_shipped_order_is_delivered() {
    given::<Order>([created(), confirmed(), shipped()])
        .when(|values| values.deliver(&order()))
        .then([delivered()]);
    assert_eq!(
        in_status(OrderStatus::Delivered).deliver(&order()),
        Ok(vec![])
    );
    for status in [
        OrderStatus::Processing,
        OrderStatus::Confirmed,
        OrderStatus::Cancelled,
        OrderStatus::Failed,
    ] {
        assert_eq!(
            in_status(status).deliver(&order()),
            Err(wrong_status(status, OrderAct::Deliver))
        );
    }
    assert_eq!(
        wrong_status(OrderStatus::Confirmed, OrderAct::Deliver).to_string(),
        "order order-1 is CONFIRMED and cannot be delivered"
    );
}

#[test]
fn a_stored_second_birth_changes_nothing_but_the_version() {
    let order = given::<Order>([created(), cancelled(None), created()]).state();
    assert_eq!(order.values().unwrap().status, OrderStatus::Cancelled);
    assert_eq!(order.version().0, 3);
}
