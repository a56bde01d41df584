use domain::DomainError;
use domain::fulfilment::{Fulfilment, OrderSaga};
use domain::order::{CancelOrder, Cancellation, Order, OrderAct, OrderEvent};
use domain::value::OrderStatus;
use event_sourcing::Metadata;
use event_sourcing::testing::{given, given_streams, written};
use sagas::event::{CancelRequested, Ended};
use sagas::{EventOf, SagaEvent, SagaState, started};

use crate::orders::{
    cancelled, confirmed, created, failed, in_status, not_found, order, requested, wrong_status,
};
use crate::support::{id, reason, user};

fn request() -> CancelOrder {
    CancelOrder {
        order_id: order(),
        reason: Some(reason("Too late")),
        requested_by: Some(user("mika")),
        owner: None,
        cancel_saga_id: id("saga-2"),
    }
}

#[test]
fn an_order_without_events_cannot_be_cancelled() {
    let nothing = Order::default();
    assert_eq!(nothing.request_cancellation(&request()), Err(not_found()));
    assert_eq!(nothing.cancelled(&order(), None), Err(not_found()));
    assert_eq!(nothing.failed(&order(), reason("x")), Err(not_found()));
}

#[test]
fn an_open_saga_is_cancelled() {
    let order = in_status(OrderStatus::Processing);
    assert_eq!(
        order.request_cancellation(&request()),
        Ok(Cancellation::CancelsSaga {
            saga_id: id("saga-1"),
            event: requested(None),
        })
    );
}

/// The first event of the order's saga, by this version of its definition.
fn saga_of(definition: u32) -> EventOf<OrderSaga> {
    let OrderEvent::Created(created) = created() else {
        panic!("not the first event of an order");
    };
    let data = Fulfilment::of(&created);
    let mut first = started::<OrderSaga>("saga-1", "order-1", data, Metadata::default());
    if let SagaEvent::Started(started) = &mut first {
        started.definition = definition;
    }
    first
}

#[test]
fn a_request_is_stored_in_the_order_and_in_its_saga() {
    let cancelled = SagaEvent::CancelRequested(CancelRequested {
        saga_id: "saga-1".to_owned(),
        subject: "order-1".to_owned(),
        actor: event_sourcing::Actor {
            id: "mika".to_owned(),
            reason: "Too late".to_owned(),
        },
    });
    given_streams()
        .with::<Order>("order-1", [created()])
        .with::<SagaState<OrderSaga>>("saga-1", [saga_of(1)])
        .when(&request())
        .then([
            written::<Order>("order-1", [requested(None)]),
            written::<SagaState<OrderSaga>>("saga-1", [cancelled]),
        ]);
}

#[test]
fn a_request_that_the_saga_cannot_take_is_not_stored_in_the_order_either() {
    let ended = SagaEvent::Completed(Ended {
        saga_id: "saga-1".to_owned(),
        subject: "order-1".to_owned(),
    });
    let unsupported = "its saga has unsupported definition version 99; supported: 1";
    for (history, reason) in [
        (vec![saga_of(99)], unsupported),
        (vec![saga_of(99), ended.clone()], unsupported),
        // Illegal, because no step is done.
        (
            vec![saga_of(1), ended],
            "its saga is corrupt and needs an operator",
        ),
        (vec![], "there is no such saga"),
    ] {
        let decided = given_streams()
            .with::<Order>("order-1", [created()])
            .with::<SagaState<OrderSaga>>("saga-1", history)
            .when(&request());
        let rejected = decided.rejection().to_string();
        assert_eq!(
            rejected,
            format!("order order-1 cannot be cancelled now: {reason}")
        );
    }
}

#[test]
fn a_confirmed_order_starts_a_saga_that_cancels_it() {
    let order = in_status(OrderStatus::Confirmed);
    assert_eq!(
        order.request_cancellation(&request()),
        Ok(Cancellation::StartsSaga {
            saga_id: id("saga-2"),
            event: requested(Some("saga-2")),
        })
    );
    let order = given::<Order>([created(), confirmed(), requested(Some("saga-2"))]).state();
    assert_eq!(order.values().unwrap().saga_id, id("saga-2"));
}

#[test]
fn a_request_to_cancel_does_not_change_the_status() {
    let order = given::<Order>([created(), requested(None)]).state();
    let values = order.values().unwrap();
    assert_eq!(values.status, OrderStatus::Processing);
    assert_eq!(values.saga_id, id("saga-1"));
    let request = values.cancellation.as_ref().unwrap();
    assert_eq!(request.requested_by, Some(user("mika")));
}

#[test]
fn a_repeated_request_succeeds_without_an_event() {
    for history in [
        vec![created(), requested(None)],
        vec![created(), confirmed(), requested(Some("saga-2"))],
        vec![created(), cancelled(None)],
        vec![created(), requested(None), cancelled(None)],
    ] {
        let order = given::<Order>(history).state();
        assert_eq!(
            order.request_cancellation(&request()),
            Ok(Cancellation::Nothing)
        );
    }
}

#[test]
fn a_shipped_or_failed_order_cannot_be_cancelled() {
    for status in [
        OrderStatus::Shipped,
        OrderStatus::Delivered,
        OrderStatus::Failed,
    ] {
        let order = in_status(status);
        assert_eq!(
            order.request_cancellation(&request()),
            Err(wrong_status(status, OrderAct::Cancel))
        );
    }
    let order = given::<Order>([created(), requested(None), failed()]).state();
    assert_eq!(
        order.request_cancellation(&request()),
        Err(wrong_status(OrderStatus::Failed, OrderAct::Cancel))
    );
}

#[test]
fn an_order_is_cancelled_once() {
    given::<Order>([created()])
        .when(|values| values.cancelled(&order(), Some(reason("Sold out"))))
        .then([cancelled(Some("Sold out"))]);
    given::<Order>([created(), cancelled(Some("Sold out"))])
        .when(|values| values.cancelled(&order(), Some(reason("Sold out"))))
        .then_nothing();
}

#[test]
fn the_reason_of_the_request_is_used_unless_another_is_given() {
    for (given_reason, expected) in [(None, "Too late"), (Some("Sold out"), "Sold out")] {
        given::<Order>([created(), requested(None)])
            .when(|values| values.cancelled(&order(), given_reason.map(reason)))
            .then([cancelled(Some(expected))]);
    }
}

#[test]
fn an_order_fails_once_and_only_before_it_ends() {
    let why = || reason("Lost by the carrier");
    for history in [
        vec![created()],
        vec![created(), confirmed()],
        vec![created(), confirmed(), requested(Some("saga-2"))],
    ] {
        given::<Order>(history)
            .when(|values| values.failed(&order(), why()))
            .then([failed()]);
    }
    given::<Order>([created(), failed()])
        .when(|values| values.failed(&order(), why()))
        .then_nothing();
}

#[test]
fn ends_are_final() {
    let rejected = |status, asked| -> Result<_, DomainError> { Err(wrong_status(status, asked)) };
    for status in [
        OrderStatus::Shipped,
        OrderStatus::Delivered,
        OrderStatus::Failed,
    ] {
        assert_eq!(
            in_status(status).cancelled(&order(), None),
            rejected(status, OrderAct::Cancel)
        );
    }
    for status in [
        OrderStatus::Shipped,
        OrderStatus::Delivered,
        OrderStatus::Cancelled,
    ] {
        assert_eq!(
            in_status(status).failed(&order(), reason("x")),
            rejected(status, OrderAct::Fail)
        );
    }
}
