use std::fmt::Debug;

use domain::order::{GivenLine, OrderLine, OrderLines};
use domain::value::{Money, OrderStatus, Price, Reason, ShippingAddress};
use domain::{DomainError, ValidationErrors};
use proptest::prelude::*;

use crate::support::quantity;

fn messages<T: Debug>(parsed: Result<T, ValidationErrors>) -> Vec<String> {
    let DomainError::Validation(errors) = parsed.expect_err("a rejection").into() else {
        unreachable!("findings are validation errors")
    };
    for error in &errors {
        assert!(error.message.starts_with(&format!("{} must ", error.field)));
    }
    errors.into_iter().map(|error| error.message).collect()
}

fn lines(given: &[(&str, i64)]) -> Result<OrderLines, ValidationErrors> {
    let given: Vec<GivenLine<'_>> = given
        .iter()
        .map(|&(product_id, quantity)| GivenLine {
            product_id,
            quantity,
            ..GivenLine::default()
        })
        .collect();
    OrderLines::parse("items", &given)
}

fn pairs(lines: &OrderLines) -> Vec<(String, u32)> {
    let pair = |line: &OrderLine| (line.product_id.to_string(), line.quantity.get());
    lines.iter().map(pair).collect()
}

#[test]
fn quantities_of_repeated_products_are_added() {
    let lines = lines(&[("sencha", 1), ("matcha", 2), ("sencha", 999)]).unwrap();
    assert_eq!(
        pairs(&lines),
        [("sencha".to_owned(), 1_000), ("matcha".to_owned(), 2)]
    );
}

#[test]
fn an_order_has_1_to_100_lines() {
    assert_eq!(
        messages(lines(&[])),
        ["items must have 1 to 100 entries, got 0"]
    );
    assert!(lines(&[("sencha", 1); 100]).is_ok());
    assert_eq!(
        messages(lines(&[("", -1); 101])),
        ["items must have 1 to 100 entries, got 101"]
    );
}

#[test]
fn every_error_names_its_line() {
    assert_eq!(
        messages(lines(&[
            ("sencha", 0),
            ("a b", 1_001),
            ("matcha", 600),
            ("matcha", 401)
        ])),
        [
            "items[0].quantity must be 1 to 1000, got 0",
            "items[1].productId must be 1 to 64 letters, digits, '-', '_' or '.', got \"a b\"",
            "items[1].quantity must be 1 to 1000, got 1001",
            "items[3].quantity must be 1 to 1000, got 1001",
        ]
    );
}

#[test]
fn an_address_has_limits_and_may_have_empty_parts() {
    let parse = |street: &str, city: &str, code: &str| {
        ShippingAddress::parse("shippingAddress", street, city, code)
    };
    let longest = "é".repeat(255);
    let address = parse(&longest, "", &"9".repeat(20)).unwrap();
    assert_eq!(
        (address.street(), address.city(), address.postal_code()),
        (longest.as_str(), "", "99999999999999999999")
    );
    // All that is wrong is named, each part by its place.
    assert_eq!(
        messages(parse(&"é".repeat(256), "a\0b", &"9".repeat(21))),
        [
            "shippingAddress.street must have at most 255 characters, got 256",
            "shippingAddress.city must not contain U+0000, got \"a\\0b\"",
            "shippingAddress.postalCode must have at most 20 characters, got 21",
        ]
    );
}

#[test]
fn a_status_is_parsed_from_its_name() {
    for status in OrderStatus::ALL {
        assert_eq!(OrderStatus::parse("status", status.name()), Ok(status));
        let stored = serde_json::to_string(&status).unwrap();
        assert_eq!(stored, format!("{:?}", status.name()));
    }
    assert_eq!(
        OrderStatus::parse("status", "confirmed")
            .unwrap_err()
            .message,
        "status must be one of PENDING, PROCESSING, CONFIRMED, SHIPPED, DELIVERED, CANCELLED, FAILED, got \"confirmed\""
    );
}

proptest! {
    #[test]
    fn any_text_becomes_a_valid_reason(text in "(?s).{0,1200}") {
        let short = Reason::shortened(&text);
        prop_assert_eq!(Reason::parse("reason", short.as_str()), Ok(short.clone()));
        if text.chars().count() <= 1_000 && !text.contains('\0') {
            prop_assert_eq!(short.as_str(), text);
        }
    }

    #[test]
    fn adding_lines_preserves_the_number_of_pieces(
        given in prop::collection::vec((0_usize..5, 1_i64..=10), 1..=100),
    ) {
        let ids = ["a", "b", "c", "d", "e"];
        let given: Vec<_> = given.into_iter().map(|(index, count)| (ids[index], count)).collect();
        let pairs = pairs(&lines(&given).unwrap());
        for id in ids {
            let wanted: i64 = given.iter().filter(|line| line.0 == id).map(|line| line.1).sum();
            let kept: Vec<_> = pairs.iter().filter(|line| line.0 == id).collect();
            prop_assert_eq!(kept.iter().map(|line| i64::from(line.1)).sum::<i64>(), wanted);
            prop_assert!(kept.len() <= 1);
        }
    }

    #[test]
    fn the_price_of_pieces_is_a_multiple_of_the_unit_price(
        cents in 1_i64..=99_999_999,
        count in 1_i64..=1_000,
    ) {
        let price = Price::parse("price", &Money::from_cents(cents).to_string()).unwrap();
        prop_assert_eq!(price.times(quantity(count)).cents(), cents * count);
    }
}
