use async_graphql::Variables;
use serde_json::{Value, json};

use super::super::coerce_variables::coerce;
use super::super::document::parse;
use super::super::number_precision::ReplacedNumbers;
use super::super::schema_index::SchemaIndex;
use super::validate;
use crate::errors::{ApiError, Code};

const SDL: &str = "
    enum Size { SMALL LARGE }
    input Line { id: ID!, count: Int!, size: Size, sizes: [Size!], note: String = \"none\" }
    input Box { lines: [Line!]!, price: Decimal, ratio: Float, gift: Boolean, at: DateTime }
    type Inner { f(size: Size, n: Int): Int, inner: Inner }
    type Query { f(n: Int, box: Box): Int @access(to: ANYONE), inner(n: Int): Inner @access(to: ANYONE) }
    type Mutation { put(box: Box!, n: Int): Int @access(to: ANYONE) }
    scalar Decimal
    scalar DateTime";

fn checked(query: &str, variables: Value) -> Result<(), ApiError> {
    let index = SchemaIndex::from_sdl(SDL).expect("a schema");
    let document = parse(query).expect("GraphQL").document;
    let (_, operation) = document.operations.iter().next().expect("an operation");
    let mut variables = Variables::from_json(variables);
    let replaced = ReplacedNumbers::default();
    coerce(&operation.node, &mut variables, &index, &replaced)?;
    let executed = Some((&operation.node, &variables));
    validate(&document, executed, &index, &replaced)
}

fn message(query: &str, variables: Value) -> String {
    let error = checked(query, variables).expect_err(query);
    assert_eq!(error.code, Code::GraphqlValidationFailed);
    assert!(error.location.is_some(), "{query}");
    error.message
}

const PUT: &str = "mutation($box: Box!) { put(box: $box) }";

#[test]
fn values_of_the_right_types_are_accepted() {
    let line = json!({"id": 7, "count": -2_147_483_648, "size": "SMALL", "sizes": "LARGE"});
    let full = json!({"lines": [line], "price": "19.90", "ratio": 1, "gift": true,
        "at": "2026-11-23T00:00:00Z"});
    for given in [
        full,
        json!({"lines": line}),
        json!({"lines": [], "price": null}),
    ] {
        checked(PUT, json!({ "box": given })).expect("it fits");
    }
    let literal = "mutation($n: Int = 5, $s: Size, $m: Int) {
        put(box: {lines: [{id: \"a\", count: $n, size: $s, sizes: [SMALL]}]}, n: $m) }";
    checked(literal, json!({})).expect("it fits");
}

#[test]
fn an_error_names_the_place_the_expected_type_and_the_value() {
    let with = |line: Value| json!({"box": {"lines": [{"id": 1, "count": 1}, line]}});
    for (line, expected) in [
        (
            json!({"id": 1, "count": 2_147_483_648_i64}),
            "[1].count: expected Int, got 2147483648",
        ),
        (
            json!({"id": 1, "count": 1.5}),
            "[1].count: expected Int, got 1.5",
        ),
        (
            json!({"id": 1, "count": "1"}),
            "[1].count: expected Int, got \"1\"",
        ),
        (json!({"id": 1}), "[1].count: expected Int!, got nothing"),
        (
            json!({"id": null, "count": 1}),
            "[1].id: expected ID!, got null",
        ),
        (
            json!({"id": 1.5, "count": 1}),
            "[1].id: expected ID, got 1.5",
        ),
        (
            json!({"id": 1, "count": 1, "size": "HUGE"}),
            "[1].size: expected Size, got \"HUGE\"",
        ),
        (
            json!({"id": 1, "count": 1, "size": 3}),
            "[1].size: expected Size, got 3",
        ),
        (
            json!({"id": 1, "count": 1, "sizes": [null]}),
            "[1].sizes[0]: expected Size!, got null",
        ),
        (
            json!({"id": 1, "count": 1, "note": 1}),
            "[1].note: expected String, got 1",
        ),
        (
            json!({"id": 1, "count": 1, "x": 1}),
            "[1]: Line has no field x",
        ),
        (json!(null), "[1]: expected Line!, got null"),
        (json!("text"), "[1]: expected Line, got \"text\""),
        (json!([]), "[1]: expected Line, got []"),
    ] {
        assert_eq!(message(PUT, with(line)), format!("$box.lines{expected}"));
    }
    for (field, value, expected) in [
        ("price", json!("1e2"), "Decimal, got \"1e2\""),
        ("ratio", json!("1"), "Float, got \"1\""),
        ("gift", json!(0), "Boolean, got 0"),
        ("at", json!("today"), "DateTime, got \"today\""),
    ] {
        let given = json!({"box": {"lines": [], field: value}});
        assert_eq!(
            message(PUT, given),
            format!("$box.{field}: expected {expected}")
        );
    }
    let long = message(PUT, json!({"box": "x".repeat(100)}));
    assert_eq!(
        long,
        format!("$box: expected Box, got \"{}…", "x".repeat(39))
    );
}

#[test]
fn literals_defaults_and_fragments_are_validated() {
    for (query, expected) in [
        ("{ f(n: 2147483648) }", "n: expected Int, got 2147483648"),
        (
            "query($n: Int = 3000000000) { f(n: $n) }",
            "$n: expected Int, got 3000000000",
        ),
        (
            "query($c: Float = 1.5) { f(box: {lines: {id: 1, count: $c}}) }",
            "box.lines.count: expected Int!, got $c of type Float",
        ),
        (
            "query($c: Int) { f(box: {lines: [{id: 1, count: $c}]}) }",
            "box.lines[0].count: expected Int!, got $c of type Int",
        ),
        (
            "query($s: [Line!]) { f(box: {lines: [{id: 1, count: 1}, $s]}) }",
            "box.lines[1]: expected Line!, got $s of type [Line!]",
        ),
        (
            "{ ...a } fragment a on Query { inner { ...b } } fragment b on Inner { inner { f(n: 1, size: HUGE) } }",
            "size: expected Size, got HUGE",
        ),
        (
            "{ inner { ... on Inner { f(n: \"1\") } } }",
            "n: expected Int, got \"1\"",
        ),
        (
            "{ inner { ... { f(n: true) } } }",
            "n: expected Int, got true",
        ),
    ] {
        assert_eq!(message(query, json!({})), expected, "{query}");
    }
}

#[test]
fn unknown_fields_arguments_and_types_are_left_to_the_engine() {
    for query in [
        "{ g(n: 2147483648) }",
        "{ f(m: 2147483648) }",
        "query($v: Nonsense) { f(n: $v) }",
        "{ ...a } fragment a on Nonsense { f(n: 2147483648) }",
    ] {
        checked(query, json!({"v": 1.5})).unwrap_or_else(|error| {
            assert!(query.contains("Nonsense) { f"), "{query}: {error:?}");
        });
    }
}

#[test]
fn a_condition_is_a_boolean_that_is_not_null() {
    for valid in [
        "query($c: Boolean!) { f @skip(if: $c) }",
        "query($c: Boolean = true) { ... @include(if: $c) { f } }",
        "{ ...F @skip(if: false) } fragment F on Query { f @include(if: true) }",
    ] {
        checked(valid, json!({"c": true})).expect(valid);
    }
    for (bad, given, got) in [
        (
            "query($c: Boolean) { f @skip(if: $c) }",
            json!({}),
            "@skip.if: expected Boolean!, got $c of type Boolean",
        ),
        (
            "query($c: String!) { ... @include(if: $c) { f } }",
            json!({"c": "x"}),
            "@include.if: expected Boolean!, got $c of type String!",
        ),
        (
            "query($c: Boolean = null) { ...F @skip(if: $c) } fragment F on Query { f }",
            json!({}),
            "@skip.if: expected Boolean!, got $c of type Boolean",
        ),
        (
            "query($c: Boolean = true) { f @skip(if: $c) }",
            json!({"c": null}),
            "@skip.if: expected Boolean!, got null",
        ),
        (
            "{ ...F } fragment F on Query { f @skip(if: 1) }",
            json!({}),
            "@skip.if: expected Boolean, got 1",
        ),
    ] {
        assert_eq!(message(bad, given), got, "{bad}");
    }
}
