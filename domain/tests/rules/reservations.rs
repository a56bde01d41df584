//! Reservations of stock by orders.

use std::collections::BTreeMap;

use domain::stock::{Stock, StockClosed, StockEvent, StockHeld, StockUpdated};
use domain::value::EntityId;
use domain::{Conflict, DomainError, Entity};
use event_sourcing::testing::{at, given};
use event_sourcing::{Aggregate, DomainEvent, StoredEvent};
use proptest::prelude::*;

use crate::support::{id, level, quantity};

fn product() -> EntityId {
    id("sencha")
}

fn updated(on_hand: i64, reserved: i64) -> StockEvent {
    StockEvent::Updated(StockUpdated {
        product_id: product(),
        on_hand: level(on_hand),
        reserved: level(reserved),
    })
}

fn held(order: &str, count: i64, on_hand: i64, in_all: i64) -> StockHeld {
    StockHeld {
        product_id: product(),
        order_id: id(order),
        quantity: quantity(count),
        on_hand: level(on_hand),
        reserved: level(in_all),
    }
}

fn reserved(order: &str, count: i64, on_hand: i64, in_all: i64) -> StockEvent {
    StockEvent::Reserved(held(order, count, on_hand, in_all))
}

fn released(order: &str, count: i64, on_hand: i64, in_all: i64) -> StockEvent {
    StockEvent::Released(held(order, count, on_hand, in_all))
}

fn deducted(order: &str, count: i64, on_hand: i64, in_all: i64) -> StockEvent {
    StockEvent::Deducted(held(order, count, on_hand, in_all))
}

fn closed() -> StockEvent {
    StockEvent::Closed(StockClosed {
        product_id: product(),
    })
}

type Decided = Result<Vec<StockEvent>, DomainError>;

fn reserve(order: &str, count: i64) -> impl Fn(&Stock) -> Decided {
    move |stock| stock.reserve(&product(), &id(order), quantity(count))
}

fn release(order: &str) -> impl Fn(&Stock) -> Decided {
    move |stock| Ok(stock.release(&product(), &id(order)))
}

fn deduct(order: &str) -> impl Fn(&Stock) -> Decided {
    move |stock| Ok(stock.deduct(&product(), &id(order)))
}

#[test]
fn a_reserved_quantity_is_not_available_to_the_next_order() {
    let stock = given::<Stock>([updated(10, 0), reserved("a", 7, 10, 7)]);
    stock.when(reserve("b", 3)).then([reserved("b", 3, 10, 10)]);
    let rejection = DomainError::Conflict(Conflict::OutOfStock {
        product: product(),
        available: level(3),
        wanted: quantity(4),
    });
    assert_eq!(
        rejection.to_string(),
        "product sencha has 3 available, 4 wanted"
    );
    given::<Stock>([updated(10, 0), reserved("a", 7, 10, 7)])
        .when(reserve("b", 4))
        .then_rejected(rejection);
}

#[test]
fn an_order_reserves_once() {
    let history = [updated(10, 0), reserved("a", 7, 10, 7)];
    given::<Stock>(history.clone())
        .when(reserve("a", 7))
        .then_nothing();
    given::<Stock>(history.into_iter().chain([closed()]))
        .when(reserve("a", 7))
        .then_nothing();
}

#[test]
fn a_missing_product_cannot_be_reserved() {
    for history in [vec![], vec![updated(10, 0), closed()]] {
        given::<Stock>(history)
            .when(reserve("a", 1))
            .then_rejected(DomainError::NotFound {
                entity: Entity::Product,
                id: product(),
            });
    }
}

#[test]
fn a_reservation_is_released_once() {
    let history = [
        updated(10, 0),
        reserved("a", 7, 10, 7),
        reserved("b", 2, 10, 9),
    ];
    given::<Stock>(history.clone())
        .when(release("a"))
        .then([released("a", 7, 10, 2)]);
    given::<Stock>(history.into_iter().chain([released("a", 7, 10, 2)]))
        .when(release("a"))
        .then_nothing();
    given::<Stock>([]).when(release("a")).then_nothing();
}

#[test]
fn a_reservation_is_deducted_once() {
    let history = [
        updated(10, 0),
        reserved("a", 7, 10, 7),
        reserved("b", 2, 10, 9),
    ];
    given::<Stock>(history.clone())
        .when(deduct("a"))
        .then([deducted("a", 7, 3, 2)]);
    let shipped = || history.clone().into_iter().chain([deducted("a", 7, 3, 2)]);
    given::<Stock>(shipped()).when(deduct("a")).then_nothing();
    given::<Stock>(shipped()).when(release("a")).then_nothing();
}

#[test]
fn reservations_survive_the_deletion_of_the_product() {
    let history = [
        updated(10, 0),
        reserved("a", 7, 10, 7),
        reserved("b", 2, 10, 9),
    ];
    given::<Stock>(history.clone())
        .when(|stock| stock.close(&product()))
        .then([closed()]);
    let gone = history.into_iter().chain([closed()]);
    given::<Stock>(gone.clone())
        .when(release("a"))
        .then([released("a", 7, 10, 2)]);
    let gone = gone.chain([released("a", 7, 10, 2)]);
    given::<Stock>(gone.clone())
        .when(deduct("b"))
        .then([deducted("b", 2, 8, 0)]);
    let stock = given::<Stock>(gone.chain([deducted("b", 2, 8, 0)])).state();
    assert!(stock.lifecycle().active().is_none());
    let last = stock.lifecycle().last().unwrap();
    assert_eq!((last.on_hand, last.reserved), (level(8), level(0)));
    assert_eq!(stock.reservations().count(), 0);
}

/// A decision copies the state; the copy must share thousands of reservations.
#[test]
fn a_copy_of_the_state_shares_its_reservations() {
    let mut stock = given::<Stock>([updated(10, 0), reserved("a", 7, 10, 7)]).state();
    let copy = stock.clone();
    stock.evolve(&released("a", 7, 10, 0), at(9));
    assert_eq!(copy.reservation(&id("a")), Some(quantity(7)));
    assert_eq!(stock.reservation(&id("a")), None);
}

#[derive(Clone, Debug)]
enum Request {
    Update(i64),
    Reserve(usize, i64),
    Release(usize),
    Deduct(usize),
    Close,
}

const ORDERS: [&str; 4] = ["a", "b", "c", "d"];

fn requests() -> impl Strategy<Value = Vec<Request>> {
    let order = 0..ORDERS.len();
    let request = prop_oneof![
        3 => prop_oneof![0_i64..30, Just(1_000_000_000)].prop_map(Request::Update),
        8 => (order.clone(), prop_oneof![1_i64..=8, Just(1_000)])
            .prop_map(|(order, count)| Request::Reserve(order, count)),
        4 => order.clone().prop_map(Request::Release),
        4 => order.prop_map(Request::Deduct),
        1 => Just(Request::Close),
    ];
    prop::collection::vec(request, 0..40)
}

fn decide(stock: &Stock, request: &Request) -> Decided {
    match request {
        Request::Update(on_hand) => stock.update(&product(), level(*on_hand)),
        Request::Reserve(order, count) => reserve(ORDERS[*order], *count)(stock),
        Request::Release(order) => release(ORDERS[*order])(stock),
        Request::Deduct(order) => deduct(ORDERS[*order])(stock),
        Request::Close => stock.close(&product()),
    }
}

/// A simple model of the stock.
#[derive(Default)]
struct Model {
    on_hand: i64,
    held: BTreeMap<&'static str, i64>,
}

impl Model {
    fn apply(&mut self, request: &Request, has_events: bool) {
        if !has_events {
            return;
        }
        match request {
            Request::Update(on_hand) => self.on_hand = *on_hand,
            Request::Reserve(order, count) => {
                self.held.insert(ORDERS[*order], *count);
            }
            Request::Release(order) => {
                self.held.remove(ORDERS[*order]);
            }
            Request::Deduct(order) => {
                self.on_hand -= self.held.remove(ORDERS[*order]).unwrap_or_default();
            }
            Request::Close => {}
        }
    }
}

proptest! {
    #[test]
    fn stock_is_conserved_by_any_sequence_of_commands(requests in requests()) {
        let mut stock = given::<Stock>([updated(20, 0)]).state();
        let mut model = Model { on_hand: 20, ..Model::default() };
        for (second, request) in (1..).zip(&requests) {
            let events = decide(&stock, request).unwrap_or_default();
            for event in &events {
                let written = event.encode();
                let read = StockEvent::decode(written.event_type, 1, &written.data).unwrap();
                stock.evolve(&read, at(second));
            }
            model.apply(request, !events.is_empty());
            prop_assert!(model.on_hand >= 0);

            let values = stock.lifecycle().last().unwrap();
            prop_assert_eq!(i64::from(values.on_hand.get()), model.on_hand);
            let in_all: i64 = model.held.values().sum();
            prop_assert_eq!(i64::from(values.reserved.get()), in_all);
            prop_assert!(in_all <= model.on_hand, "oversold");
            let held: BTreeMap<_, _> = stock
                .reservations()
                .map(|(order, held)| (order.as_str(), i64::from(held.get())))
                .collect();
            prop_assert_eq!(&held, &model.held);
        }
    }

    #[test]
    fn a_repeated_request_appends_no_second_event(requests in requests()) {
        let mut stock = given::<Stock>([updated(20, 0)]).state();
        for (second, request) in (1..).zip(&requests) {
            for event in decide(&stock, request).unwrap_or_default() {
                stock.evolve(&event, at(second));
            }
            prop_assert_eq!(decide(&stock, request).unwrap_or_default(), vec![], "{:?}", request);
        }
    }

    #[test]
    fn a_snapshot_is_the_state(requests in requests()) {
        let mut stock = given::<Stock>([updated(20, 0)]).state();
        for request in &requests {
            for event in decide(&stock, request).unwrap_or_default() {
                stock.evolve(&event, at(1));
            }
        }
        let stored = serde_json::to_string(&stock).unwrap();
        prop_assert_eq!(serde_json::from_str::<Stock>(&stored).unwrap(), stock);
    }
}
