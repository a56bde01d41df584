use domain::value::{Money, Price};
use proptest::prelude::*;

fn rejection(text: &str) -> String {
    Price::parse("price", text)
        .expect_err("a rejection")
        .message
}

#[test]
fn amounts_are_parsed_in_any_decimal_notation() {
    let spellings = [
        ("19.90", 1990),
        ("19.9", 1990),
        ("19.900", 1990),
        ("1.99e1", 1990),
        ("1990E-2", 1990),
        ("0019.90", 1990),
        ("1e2", 10_000),
        ("1e+2", 10_000),
        ("0.01", 1),
        ("999999.99", 99_999_999),
        ("0.0000000000000000000000000000000001e34", 100),
    ];
    for (text, cents) in spellings {
        assert_eq!(
            Price::parse("price", text).map(Price::cents),
            Ok(cents),
            "{text}"
        );
    }
}

#[test]
fn zero_is_an_amount_but_not_a_price() {
    assert_eq!(Money::parse("total", "0.000"), Ok(Money::from_cents(0)));
    assert_eq!(Money::parse("total", "0e999999"), Ok(Money::from_cents(0)));
    assert_eq!(rejection("0"), "price must be 0.01 to 999999.99, got \"0\"");
}

#[test]
fn a_price_outside_its_limits_is_rejected_with_the_limits() {
    for text in [
        "0.00",
        "-0.01",
        "-1",
        "1000000",
        "999999.991e1",
        "1e9",
        "1e300",
        "-1e300",
        "9999999999999999999999",
    ] {
        assert_eq!(
            rejection(text),
            format!("price must be 0.01 to 999999.99, got {text:?}")
        );
    }
}

#[test]
fn a_third_decimal_is_rejected() {
    for text in ["19.999", "0.001", "1e-3", "-0.005", "0.30000000000000004"] {
        assert_eq!(
            rejection(text),
            format!("price must have at most 2 decimals, got {text:?}")
        );
    }
}

#[test]
fn a_text_that_is_not_a_number_is_rejected() {
    let others = [
        "", " ", "-", ".", "1.", ".5", "1,5", "12,50", "abc", "1e", "e1", "0x10", "NaN", "inf",
        "1_000", "１", "١", "+1", "1 ", "--1", "1.2.3", "1e1e1", "\0", "1\0",
    ];
    for text in others {
        assert_eq!(
            rejection(text),
            format!("price must be a decimal number, got {text:?}")
        );
    }
}

#[test]
fn a_megabyte_of_digits_is_rejected_with_a_short_message() {
    let message = rejection(&"9".repeat(1 << 20));
    assert!(message.starts_with("price must be 0.01 to 999999.99, got \"999"));
    assert!(message.chars().count() < 150, "{message}");
}

proptest! {
    #[test]
    fn a_formatted_amount_is_parsed_to_the_same(cents in -i64::MAX..i64::MAX) {
        let money = Money::from_cents(cents);
        prop_assert_eq!(Money::parse("total", &money.to_string()), Ok(money));
    }

    #[test]
    fn an_exponent_only_shifts_the_point(cents in 1_i64..99_999_999, zeros in 0_i32..20) {
        let moved = format!("{cents}{}e-{}", "0".repeat(zeros.unsigned_abs() as usize), zeros + 2);
        prop_assert_eq!(Price::parse("price", &moved).map(Price::cents), Ok(cents));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,60}") {
        let _ = Money::parse("total", &text);
    }

    #[test]
    fn no_number_like_text_makes_the_parser_panic(text in "-?[0-9]{0,30}\\.?[0-9]{0,30}([eE][+-]?[0-9]{0,12})?") {
        let _ = Money::parse("total", &text);
    }

    #[test]
    fn more_than_ten_percent_is_decided_exactly(old in 1_i64..=99_999_999, new in 1_i64..=99_999_999) {
        let price = |cents| Price::parse("price", &Money::from_cents(cents).to_string()).expect("a price");
        let much = (i128::from(old) - i128::from(new)).abs() * 10 > i128::from(old);
        prop_assert_eq!(price(old).changes_much(price(new)), much);
    }
}
