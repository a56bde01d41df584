//! Section 7.1.2: the `locations` of errors.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::{Value, json};

use super::{INVALID, PARSE};
use crate::test_gateway::TestGateway;

async fn check_places(
    gateway: &TestGateway,
    table: &[(String, Value, &str, [u64; 2])],
) -> Result<()> {
    let mut wrong = Vec::new();
    for (query, variables, code, [line, column]) in table {
        let body = gateway.ask_after(query, variables.clone()).await?;
        let error = &body["errors"][0];
        let place = json!({"line": line, "column": column});
        let places = error["locations"].as_array();
        let is_there = places.is_some_and(|places| places.contains(&place));
        if error["extensions"]["code"] != *code || !is_there {
            let start: String = query.chars().take(80).collect();
            wrong.push(format!("{start} should be {code} at {place}: {body}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

fn rows(table: &[(&str, &'static str, [u64; 2])]) -> Vec<(String, Value, &'static str, [u64; 2])> {
    let row = |(query, code, place): &(&str, &'static str, _)| {
        ((*query).to_owned(), json!({}), *code, *place)
    };
    table.iter().map(row).collect()
}

#[tokio::test]
async fn s7_1_2_errors_of_the_text() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let table = [
        ("{ a ? }", PARSE, [1, 5]),
        ("{\r\n  a(b: 01)\r\n}", PARSE, [2, 8]),
        ("{\r  a(b: \"é\", c: \"\\x\") }", PARSE, [2, 17]),
        ("{ a(b: \"open) }", PARSE, [1, 8]),
        ("{\n  a", PARSE, [2, 4]),
        ("{ a(b: {c: 1,\n c: 2}) }", INVALID, [2, 2]),
        ("{ a(b: 1e999) }", INVALID, [1, 8]),
        ("query A { a }\nquery A { b }", INVALID, [2, 1]),
        ("{ a }\n\n { b }", INVALID, [3, 2]),
        // A number that was replaced to prevent rounding does not shift the locations after it.
        ("{ a(b: 19.990000000000000000000001 c: ?) }", PARSE, [1, 39]),
    ];
    check_places(&gateway, &rows(&table)).await?;
    let numbers = "{ categoryExists(id: 19.990000000000000000000001) __nonsense }";
    check_places(&gateway, &rows(&[(numbers, INVALID, [1, 22])])).await
}

#[tokio::test]
async fn s7_1_2_errors_of_limits() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let aliases = (0..31).fold(String::new(), |mut text, i| {
        let _ = write!(text, " a{i}: __typename");
        text
    });
    let levels = "{ products { category ".repeat(6);
    let nested = format!("{{ category(id: 1) {levels} {{ id }} {} }}", "}}".repeat(6));
    let deep = format!("\n  query Deep {nested}");
    let below = "{ __typename ...on Query ".repeat(40);
    let table = [
        (nested, "QUERY_TOO_DEEP", [1, 1]),
        (deep, "QUERY_TOO_DEEP", [2, 3]),
        (
            format!("{below} {{ a }}{}", "}".repeat(40)),
            "QUERY_TOO_DEEP",
            [1, 803],
        ),
        ("{ a".repeat(65), "QUERY_TOO_DEEP", [1, 193]),
        ("a ".repeat(3_001), "QUERY_TOO_COMPLEX", [1, 6_001]),
        (format!("\n{{{aliases} }}"), "QUERY_TOO_COMPLEX", [2, 1]),
        (
            format!("{{ __typename {} }}", "@include(if: true) ".repeat(21)),
            "QUERY_TOO_COMPLEX",
            [1, 1],
        ),
        (
            " { categories { products { category { products { id } } } } }".to_owned(),
            "QUERY_TOO_COMPLEX",
            // The list that a client can make smaller.
            [1, 17],
        ),
        (
            format!("{{ {} }}", "categoryExists(id: 1) ".repeat(61)),
            "QUERY_TOO_COMPLEX",
            [1, 1],
        ),
    ];
    let table = table.map(|(query, code, place)| (query, json!({}), code, place));
    check_places(&gateway, &table).await
}

#[tokio::test]
async fn s7_1_2_errors_of_validation() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let table = [
        ("{\n nonsense }", INVALID, [2, 2]),
        ("{ categories { id\n nonsense } }", INVALID, [2, 2]),
        ("{ categories }", INVALID, [1, 3]),
        ("{ __typename { id } }", INVALID, [1, 3]),
        ("{ category { id } }", INVALID, [1, 3]),
        ("{ category(id: 1,\n nonsense: 1) { id } }", INVALID, [2, 2]),
        ("{ category(id: 1, id: 2) { id } }", INVALID, [1, 19]),
        ("{ category(id:\n 1.5) { id } }", INVALID, [2, 2]),
        ("{ __typename @nonsense }", INVALID, [1, 14]),
        ("{ __typename @skip }", INVALID, [1, 14]),
        ("{ __typename @skip(if: 1) }", INVALID, [1, 24]),
        ("query @skip(if: true) { __typename }", INVALID, [1, 7]),
        ("{ ...f }", INVALID, [1, 3]),
        ("{ ...f }\nfragment f on Query { ...f }", INVALID, [2, 23]),
        (
            "{ __typename }\nfragment f on Query { __typename }",
            INVALID,
            [2, 1],
        ),
        ("{ ...f }\nfragment f on Nonsense { a }", INVALID, [2, 1]),
        ("{ ...f }\nfragment f on Int { a }", INVALID, [1, 3]),
        ("{ ... on Category { id } }", INVALID, [1, 3]),
        (
            "{ a: category(id: 1) { id } a: category(id: 2) { id } }",
            INVALID,
            [1, 3],
        ),
        ("query($a: Int) { __typename }", INVALID, [1, 7]),
        (
            "query($a: Category) { category(id: $a) { id } }",
            INVALID,
            [1, 7],
        ),
        (
            "query($a: Nonsense) { category(id: $a) { id } }",
            INVALID,
            [1, 7],
        ),
        (
            "query($a: ID = 1, $a: ID = 1) { category(id: $a) { id } }",
            INVALID,
            [1, 19],
        ),
        ("{ category(id: $a) { id } }", INVALID, [1, 16]),
        (
            "query($a: ID) { category(id: $a) { id } }",
            INVALID,
            [1, 30],
        ),
        ("{ __type(name: NAME) { name } }", INVALID, [1, 10]),
        ("{ __type { name } }", INVALID, [1, 3]),
        ("subscription { x }", INVALID, [1, 1]),
    ];
    check_places(&gateway, &rows(&table)).await
}

#[tokio::test]
async fn s7_1_2_errors_of_variables_and_of_fields() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let table = [
        (
            "query(\n$a: ID!) { category(id: $a) { id } }",
            json!({}),
            INVALID,
            [2, 1],
        ),
        (
            "query(\n$a: ID!) { category(id: $a) { id } }",
            json!({"a": null}),
            INVALID,
            [2, 1],
        ),
        (
            "query(\n$a: ID!) { category(id: $a) { id } }",
            json!({"a": 1.5}),
            INVALID,
            [2, 1],
        ),
        (
            "query($a: Int =\n\"x\") { products(limit: $a) { id } }",
            json!({}),
            INVALID,
            [2, 1],
        ),
        (
            "{\n category(id: \"none\") { id } }",
            json!({}),
            "NOT_FOUND",
            [2, 2],
        ),
        (
            "{\n products(limit: 0) { id } }",
            json!({}),
            "VALIDATION_ERROR",
            [2, 2],
        ),
        (
            "{\n category(id: \"\") { id } }",
            json!({}),
            "VALIDATION_ERROR",
            [2, 2],
        ),
        (
            "mutation {\n  deleteCategory(id: \"none\") }",
            json!({}),
            "NOT_FOUND",
            [2, 3],
        ),
        (
            "mutation {\n  a: createCategory(input: {name: \"\"}) { id } }",
            json!({}),
            "VALIDATION_ERROR",
            [2, 3],
        ),
    ];
    let table =
        table.map(|(query, variables, code, place)| (query.to_owned(), variables, code, place));
    check_places(&gateway, &table).await
}
