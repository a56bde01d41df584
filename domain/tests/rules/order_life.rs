//! Invariants of an order over any sequence of commands.

use domain::DomainError;
use domain::order::{CancelOrder, Cancellation, Order, OrderEvent};
use domain::value::OrderStatus;
use event_sourcing::Aggregate;
use event_sourcing::testing::at;
use proptest::prelude::*;

use crate::orders::{created, order};
use crate::support::{id, reason};

#[derive(Clone, Copy, Debug)]
enum Request {
    Confirm,
    Cancel,
    RecordCancelled,
    Fail,
    Ship,
    Deliver,
}

fn requests() -> impl Strategy<Value = Vec<Request>> {
    let request = prop_oneof![
        3 => Just(Request::Confirm),
        1 => Just(Request::Cancel),
        1 => Just(Request::RecordCancelled),
        1 => Just(Request::Fail),
        2 => Just(Request::Ship),
        2 => Just(Request::Deliver),
    ];
    prop::collection::vec(request, 0..20)
}

fn decide(state: &Order, request: Request) -> Result<Vec<OrderEvent>, DomainError> {
    let id = &order();
    match request {
        Request::Confirm => state.confirm(id),
        Request::Cancel => cancel(state),
        Request::RecordCancelled => state.cancelled(id, None),
        Request::Fail => state.failed(id, reason("Lost")),
        Request::Ship => state.ship(id),
        Request::Deliver => state.deliver(id),
    }
}

fn cancel(state: &Order) -> Result<Vec<OrderEvent>, DomainError> {
    let wish = CancelOrder {
        order_id: order(),
        reason: None,
        requested_by: None,
        owner: None,
        cancel_saga_id: id("saga-2"),
    };
    Ok(match state.request_cancellation(&wish)? {
        Cancellation::Nothing => vec![],
        Cancellation::CancelsSaga { event, .. } | Cancellation::StartsSaga { event, .. } => {
            vec![event]
        }
    })
}

/// Applies the commands to an order. Returns the state before, the command, its events, and the state after.
fn run(requests: Vec<Request>) -> Vec<(Order, Request, Vec<OrderEvent>, Order)> {
    let mut state = Order::default();
    state.evolve(&created(), at(0));
    let mut steps = Vec::new();
    for (second, request) in (1..).zip(requests) {
        let before = state.clone();
        let events = decide(&state, request).unwrap_or_default();
        for event in &events {
            state.evolve(event, at(second));
        }
        steps.push((before, request, events, state.clone()));
    }
    steps
}

fn rank(status: OrderStatus) -> u8 {
    match status {
        OrderStatus::Pending => 0,
        OrderStatus::Processing => 1,
        OrderStatus::Confirmed => 2,
        OrderStatus::Shipped => 3,
        OrderStatus::Delivered | OrderStatus::Cancelled | OrderStatus::Failed => 4,
    }
}

proptest! {
    #[test]
    fn a_repeated_request_appends_no_second_event(requests in requests()) {
        for (_, request, _, after) in run(requests) {
            let again = decide(&after, request).unwrap_or_default();
            prop_assert_eq!(again, vec![], "{:?}", request);
        }
    }

    #[test]
    fn a_status_never_reverts(requests in requests()) {
        for (before, request, _, after) in run(requests) {
            let (before, after) = (before.values().unwrap(), after.values().unwrap());
            let moved = rank(after.status) > rank(before.status);
            prop_assert!(moved || before.status == after.status, "{:?}", request);
        }
    }

    #[test]
    fn an_order_can_be_cancelled_until_it_is_shipped_and_is_then_not_shipped(requests in requests()) {
        for (before, request, events, after) in run(requests) {
            let before = before.values().unwrap();
            if before.cancellation.is_some() {
                let goes_on = matches!(
                    events.as_slice(),
                    [OrderEvent::Confirmed(_) | OrderEvent::Shipped(_) | OrderEvent::CancellationRequested(_)]
                );
                prop_assert!(!goes_on, "{:?}", request);
            }
            let can = matches!(before.status, OrderStatus::Processing | OrderStatus::Confirmed);
            if can && matches!(request, Request::Cancel) {
                prop_assert!(after.values().unwrap().cancellation.is_some());
            }
        }
    }

    #[test]
    fn a_snapshot_is_the_state(requests in requests()) {
        if let Some((.., last)) = run(requests).pop() {
            let stored = serde_json::to_string(&last).unwrap();
            prop_assert_eq!(serde_json::from_str::<Order>(&stored).unwrap(), last);
        }
    }
}
