//! What holds of an order whatever is asked of it, in whatever order and how often.

use domain::DomainError;
use domain::order::{CancelOrder, Cancellation, Order, OrderEvent};
use domain::value::OrderStatus;
use event_sourcing::Aggregate;
use event_sourcing::testing::at;
use proptest::prelude::*;

use crate::orders::{created, order};
use crate::support::{id, reason};

#[derive(Clone, Copy, Debug)]
enum Ask {
    Confirm,
    Cancel,
    NoteCancelled,
    Fail,
    Ship,
    Deliver,
}

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let ask = prop_oneof![
        3 => Just(Ask::Confirm),
        1 => Just(Ask::Cancel),
        1 => Just(Ask::NoteCancelled),
        1 => Just(Ask::Fail),
        2 => Just(Ask::Ship),
        2 => Just(Ask::Deliver),
    ];
    prop::collection::vec(ask, 0..20)
}

fn decide(state: &Order, ask: Ask) -> Result<Vec<OrderEvent>, DomainError> {
    let id = &order();
    match ask {
        Ask::Confirm => state.confirm(id),
        Ask::Cancel => cancel(state),
        Ask::NoteCancelled => state.cancelled(id, None),
        Ask::Fail => state.failed(id, reason("Lost")),
        Ask::Ship => state.ship(id),
        Ask::Deliver => state.deliver(id),
    }
}

fn cancel(state: &Order) -> Result<Vec<OrderEvent>, DomainError> {
    let wish = CancelOrder {
        order_id: order(),
        reason: None,
        requested_by: None,
        cancel_saga_id: id("saga-2"),
    };
    Ok(match state.request_cancellation(&wish)? {
        Cancellation::Nothing => vec![],
        Cancellation::TurnsSaga { event, .. } | Cancellation::StartsSaga { event, .. } => {
            vec![event]
        }
    })
}

/// The states of an order of which all this is asked, with what each ask gave.
fn live(asks: Vec<Ask>) -> Vec<(Order, Ask, Vec<OrderEvent>, Order)> {
    let mut state = Order::default();
    state.evolve(&created(), at(0));
    let mut steps = Vec::new();
    for (second, ask) in (1..).zip(asks) {
        let before = state.clone();
        let events = decide(&state, ask).unwrap_or_default();
        for event in &events {
            state.evolve(event, at(second));
        }
        steps.push((before, ask, events, state.clone()));
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
    fn the_same_ask_twice_gives_no_second_event(asks in asks()) {
        for (_, ask, _, after) in live(asks) {
            let again = decide(&after, ask).unwrap_or_default();
            prop_assert_eq!(again, vec![], "{:?}", ask);
        }
    }

    #[test]
    fn a_status_only_moves_on(asks in asks()) {
        for (before, ask, _, after) in live(asks) {
            let (before, after) = (before.values().unwrap(), after.values().unwrap());
            let moved = rank(after.status) > rank(before.status);
            prop_assert!(moved || before.status == after.status, "{:?}", ask);
        }
    }

    #[test]
    fn who_wants_to_cancel_is_heard_until_it_is_shipped_and_then_it_is_not_shipped(asks in asks()) {
        for (before, ask, events, after) in live(asks) {
            let before = before.values().unwrap();
            if before.cancellation.is_some() {
                let goes_on = matches!(
                    events.as_slice(),
                    [OrderEvent::Confirmed(_) | OrderEvent::Shipped(_) | OrderEvent::CancellationRequested(_)]
                );
                prop_assert!(!goes_on, "{:?}", ask);
            }
            let can = matches!(before.status, OrderStatus::Processing | OrderStatus::Confirmed);
            if can && matches!(ask, Ask::Cancel) {
                prop_assert!(after.values().unwrap().cancellation.is_some());
            }
        }
    }

    #[test]
    fn a_snapshot_is_the_state(asks in asks()) {
        if let Some((.., last)) = live(asks).pop() {
            let stored = serde_json::to_string(&last).unwrap();
            prop_assert_eq!(serde_json::from_str::<Order>(&stored).unwrap(), last);
        }
    }
}
