use domain::stock::{Stock, StockClosed, StockEvent, StockUpdated};
use domain::value::StockLevel;
use domain::{Conflict, DomainError, Entity};
use event_sourcing::testing::given;

use crate::support::{id, level};

fn updated(on_hand: i64, reserved: i64) -> StockEvent {
    StockEvent::Updated(StockUpdated {
        product_id: id("sencha"),
        on_hand: level(on_hand),
        reserved: level(reserved),
    })
}

fn closed() -> StockEvent {
    StockEvent::Closed(StockClosed {
        product_id: id("sencha"),
    })
}

fn not_found() -> DomainError {
    DomainError::NotFound {
        entity: Entity::Product,
        id: id("sencha"),
    }
}

#[test]
fn stock_is_opened_with_an_event_even_at_zero() {
    given::<Stock>([])
        .when(|stock| stock.open(&id("sencha"), StockLevel::ZERO))
        .then([updated(0, 0)]);
}

#[test]
fn stock_is_opened_once() {
    given::<Stock>([updated(1, 0)])
        .when(|stock| stock.open(&id("sencha"), level(2)))
        .then_rejected(DomainError::Conflict(Conflict::AlreadyExists {
            entity: Entity::Product,
            id: id("sencha"),
        }));
}

#[test]
fn an_update_sets_the_level_on_hand_and_keeps_the_reserved_level() {
    given::<Stock>([updated(10, 3)])
        .when(|stock| stock.update(&id("sencha"), level(7)))
        .then([updated(7, 3)]);
}

#[test]
fn an_unchanged_level_appends_no_event() {
    given::<Stock>([updated(10, 3)])
        .when(|stock| stock.update(&id("sencha"), level(10)))
        .then_nothing();
}

#[test]
fn the_level_cannot_fall_below_the_reserved_level() {
    let rejection = DomainError::Conflict(Conflict::BelowReserved {
        reserved: level(3),
        given: level(2),
    });
    assert_eq!(
        rejection.to_string(),
        "quantity must be at least 3, which is reserved, got 2"
    );
    given::<Stock>([updated(10, 3)])
        .when(|stock| stock.update(&id("sencha"), level(2)))
        .then_rejected(rejection);
    given::<Stock>([updated(10, 3)])
        .when(|stock| stock.update(&id("sencha"), level(3)))
        .then([updated(3, 3)]);
}

#[test]
fn stock_of_an_unknown_or_deleted_product_is_not_found() {
    for history in [vec![], vec![updated(1, 0), closed()]] {
        let stock = given::<Stock>(history).state();
        assert_eq!(stock.update(&id("sencha"), level(1)), Err(not_found()));
        assert_eq!(stock.close(&id("sencha")), Err(not_found()));
    }
}

#[test]
fn closing_keeps_the_last_values() {
    given::<Stock>([updated(5, 2)])
        .when(|stock| stock.close(&id("sencha")))
        .then([closed()]);
    let stock = given::<Stock>([updated(5, 2), closed()]).state();
    assert!(stock.lifecycle().active().is_none());
    assert_eq!(stock.lifecycle().last().unwrap().available(), level(3));
}
