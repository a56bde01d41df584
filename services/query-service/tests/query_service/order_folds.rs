//! The row of an order for given events of the order and its sagas.

use domain::value::OrderStatus;
use event_sourcing::projection::Handlers;
use event_sourcing::testing::{Log, Projected, at, given_log};
use event_sourcing::{EncodedEvent, Position, StoredEvent, StreamId};
use query_service::projections::{OrderRow, Orders};
use sagas::AnySagaEvent;
use sagas::event::ResumeKind;

use crate::order_events::{C, O, OrderOf, S, SagaOf};
use crate::support::Events;

fn log(history: &[Events]) -> Log {
    let events = history.iter().flat_map(|(stream, events)| {
        let events = events.iter().cloned();
        events.map(|event| (stream.clone(), event))
    });
    events.fold(given_log(), |log, (stream, event)| {
        log.with_encoded(stream, event)
    })
}

fn fold(history: &[Events]) -> Option<OrderRow> {
    let mut rows = log(history).when_projected::<Orders>().rows();
    rows.remove("o")
}

fn micros(second: usize) -> i64 {
    at(u32::try_from(second).expect("few events")).timestamp_micros()
}

/// Status, version, and the second of the last change, after each event.
fn course(history: &[Events]) -> Vec<(&'static str, i64, usize)> {
    let after = |length: usize| {
        let row = fold(&history[..length]).expect("a row");
        let changed = (0..length).find(|second| micros(*second) == row.updated_at);
        (
            row.status.name(),
            row.version,
            changed.expect("a second of the log"),
        )
    };
    (1..=history.len()).map(after).collect()
}

#[test]
fn an_order_has_the_values_it_was_created_with() {
    let row = fold(&[O.created()]).expect("a row");
    assert_eq!((row.id.as_str(), row.user_id.as_str()), ("o", "ann"));
    assert_eq!(row.status, OrderStatus::Pending);
    assert_eq!((row.total_cents, row.version), (3_985, 1));
    let items: Vec<_> = row
        .items
        .iter()
        .map(|item| {
            let product = (item.product_id.as_str(), item.product_name.as_str());
            (product, item.quantity.get(), item.price.cents())
        })
        .collect();
    let (lamp, rug) = (("p1", "Lamp"), ("p2", "Rug"));
    assert_eq!(items, [(lamp, 2, 1_990), (rug, 1, 5)]);
    let address = row.shipping_address.expect("an address");
    let parts = (address.street(), address.city(), address.postal_code());
    assert_eq!(parts, ("Main St. 1", "Öhringen", "74613"));
    assert_eq!(row.tracking_number, None);
    assert_eq!((row.created_at, row.updated_at), (micros(0), micros(0)));

    let row = fold(&[O.created_for(None)]).expect("a row");
    assert_eq!(row.shipping_address, None);
}

#[test]
fn a_successful_order_is_delivered() {
    let history = [
        O.created(),
        S.started(),
        O.paid(),
        O.shipping_arranged(),
        O.confirmed(),
        S.completed(),
        O.shipped(),
        O.delivered(),
    ];
    assert_eq!(
        course(&history),
        [
            ("PENDING", 1, 0),
            ("PROCESSING", 1, 1),
            ("PROCESSING", 2, 2),
            ("PROCESSING", 3, 3),
            ("CONFIRMED", 4, 4),
            ("CONFIRMED", 4, 4),
            ("SHIPPED", 5, 6),
            ("DELIVERED", 6, 7),
        ]
    );
    let row = fold(&history).expect("a row");
    assert_eq!(row.tracking_number.as_deref(), Some("track-1"));
    assert_eq!(row.created_at, micros(0));
}

#[test]
fn a_compensated_order_is_cancelled_and_has_no_shipment() {
    let history = [
        O.created(),
        S.started(),
        O.paid(),
        O.shipping_arranged(),
        O.cancellation_requested(),
        S.cancel_requested(),
        S.compensation_started("cancelled"),
        O.shipping_cancelled(),
        O.refunded(),
        S.compensated(),
        O.cancelled(),
    ];
    let statuses: Vec<_> = course(&history)
        .into_iter()
        .map(|(status, version, _)| (status, version))
        .collect();
    let mut expected = vec![("PENDING", 1)];
    expected.extend([1, 2, 3, 4, 4, 4, 5, 6, 6].map(|version| ("PROCESSING", version)));
    expected.push(("CANCELLED", 7));
    assert_eq!(statuses, expected);
    assert_eq!(fold(&history).expect("a row").tracking_number, None);
}

#[test]
fn a_suspended_saga_shows_the_order_as_failed_until_it_resumes() {
    // From PROCESSING.
    let history = [
        O.created(),
        S.started(),
        S.suspended("release_inventory"),
        S.resumed(ResumeKind::Resume),
        O.confirmed(),
    ];
    assert_eq!(
        course(&history)[2..],
        [("FAILED", 1, 2), ("PROCESSING", 1, 3), ("CONFIRMED", 2, 4)]
    );
    // From CONFIRMED, by the second saga.
    let history = [
        O.created(),
        S.started(),
        O.confirmed(),
        S.completed(),
        O.cancellation_requested(),
        C.started(),
        C.suspended("refund_payment"),
        C.resumed(ResumeKind::Resolve),
        C.completed(),
        O.cancelled(),
    ];
    assert_eq!(
        course(&history)[4..],
        [
            ("CONFIRMED", 3, 4),
            ("CONFIRMED", 3, 4),
            ("FAILED", 3, 6),
            ("CONFIRMED", 3, 7),
            ("CONFIRMED", 3, 7),
            ("CANCELLED", 4, 9),
        ]
    );
}

#[test]
fn changes_during_a_suspension_show_when_the_saga_resumes() {
    let history = [
        O.created(),
        S.started(),
        S.suspended("notify"),
        O.shipping_arranged(),
        O.confirmed(),
        O.cancellation_requested(),
        S.resumed(ResumeKind::Retry),
    ];
    assert_eq!(
        course(&history)[2..],
        [
            ("FAILED", 1, 2),
            ("FAILED", 2, 3),
            ("FAILED", 3, 4),
            ("FAILED", 4, 5),
            ("CONFIRMED", 4, 6),
        ]
    );
}

#[test]
fn an_order_is_failed_until_all_its_suspended_sagas_resume() {
    for [first, second] in [[S, C], [C, S]] {
        let history = [
            O.created(),
            S.started(),
            O.confirmed(),
            C.started(),
            S.suspended("a"),
            C.suspended("b"),
            first.resumed(ResumeKind::Resume),
            second.resumed(ResumeKind::Resume),
        ];
        let course = course(&history);
        let shown: Vec<_> = course[4..].iter().map(|seen| seen.0).collect();
        assert_eq!(shown, ["FAILED", "FAILED", "FAILED", "CONFIRMED"]);
    }
}

#[test]
fn resuming_a_saga_that_is_not_suspended_changes_nothing() {
    let history = [
        O.created(),
        S.started(),
        S.resumed(ResumeKind::Retry),
        S.completed(),
        S.compensated(),
    ];
    assert_eq!(course(&history)[1..], [("PROCESSING", 1, 1); 4]);
}

#[test]
fn a_closed_order_is_failed_permanently() {
    let history = [
        O.created(),
        S.started(),
        S.suspended("process_payment"),
        S.closed(),
        O.failed(),
    ];
    let row = fold(&history).expect("a row");
    assert_eq!(row.status, OrderStatus::Failed);
    assert_eq!(row.suspended_sagas, Vec::<String>::new());
    assert_eq!(row.version, 2);
}

#[test]
fn a_saga_changes_only_its_own_order() {
    let other = OrderOf {
        id: "other",
        user: "bob",
    };
    let saga = SagaOf {
        id: "s2",
        order: "other",
        saga_type: "order",
    };
    let stranger = SagaOf {
        order: "unknown",
        ..saga
    };
    let history = [
        other.created(),
        O.created(),
        saga.started(),
        saga.suspended("x"),
        stranger.started(),
        stranger.suspended("x"),
    ];
    let rows = log(&history).when_projected::<Orders>().rows();
    assert_eq!(rows.len(), 2, "a saga creates no order");
    assert_eq!(rows["o"].status, OrderStatus::Pending);
    assert_eq!(rows["other"].status, OrderStatus::Failed);
}

#[test]
fn an_event_with_an_unknown_schema_parks_the_projection_before_it() {
    let unreadable = EncodedEvent {
        event_type: "SagaSuspended",
        schema_version: 9,
        data: "{}".to_owned(),
    };
    let log = log(&[O.created()]).with_encoded(StreamId::new("order_saga", "s"), unreadable);
    let Projected { rows, parked } = log.when_projected::<Orders>();
    assert_eq!(parked.expect("parked").position, Position(2));
    assert_eq!(rows.len(), 1);
}

/// The projection's filter must contain all saga events that its fold reacts to.
#[test]
fn each_event_of_a_saga_that_changes_an_order_is_read() {
    let filter = Handlers::<Orders>::of_projection().filter();
    let pending = fold(&[O.created()]).expect("a row");
    let suspended = fold(&[O.created(), S.started(), S.suspended("pay")]).expect("a row");
    let events = [
        S.started(),
        S.step_started("pay", false, 1),
        S.step_completed("pay"),
        S.step_failed("pay", 1, None),
        S.cancel_requested(),
        S.compensation_started("no"),
        S.step_compensated("pay"),
        S.completed(),
        S.compensated(),
        S.closed(),
        S.suspended("pay"),
        S.resumed(ResumeKind::Retry),
    ];
    let mut types = Vec::new();
    for (stream, events) in events {
        for stored in events {
            let name = stored.event_type;
            let event = AnySagaEvent::decode(name, stored.schema_version, &stored.data);
            let event = event.expect("an event of a saga");
            let is_read = filter.matches(stream.aggregate_type(), name);
            for row in [&pending, &suspended] {
                let is_changed = row.clone().after_saga_event(&event, row.updated_at) != *row;
                assert!(
                    is_read || !is_changed,
                    "{name} changes an order but is not read"
                );
            }
            types.push(name);
        }
    }
    types.sort_unstable();
    let mut all = AnySagaEvent::TYPES.to_vec();
    all.sort_unstable();
    assert_eq!(types, all, "one of each");
}
