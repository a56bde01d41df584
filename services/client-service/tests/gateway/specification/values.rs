//! Section 2.9: literals.

use anyhow::Result;
use serde_json::json;

use super::{Data, Expected, INVALID, PARSE, Rejected, check_literals, text_of};
use crate::test_gateway::TestGateway;

const PRODUCTS: &str = "{ products(limit: $) { id } }";
const RANGE: &str = "{ productsByPriceRange(minPrice: $, maxPrice: 1e9) { id } }";
const ORDERS: &str = "{ orders(status: $) { id } }";
const TWO_ITEMS: &str = "mutation { createOrder(input: {userId: \"u\", items: $}) { id } }";

fn no_products() -> Expected {
    Data(json!({"products": []}))
}

fn none_in_range() -> Expected {
    Data(json!({"productsByPriceRange": []}))
}

#[tokio::test]
async fn s2_9_1_int_values() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let table = [
        ("7", no_products()),
        ("007", Rejected(PARSE)),
        ("00", Rejected(PARSE)),
        ("[00]", Rejected(PARSE)),
        ("[-01]", Rejected(PARSE)),
        ("+1", Rejected(PARSE)),
        ("-", Rejected(PARSE)),
        ("- 1", Rejected(PARSE)),
        ("0x1", Rejected(PARSE)),
        ("123L", Rejected(PARSE)),
        ("1_000", Rejected(PARSE)),
        ("[1.]", Rejected(PARSE)),
        ("2147483648", Rejected(INVALID)),
        ("-2147483649", Rejected(INVALID)),
        ("99999999999999999999999999", Rejected(INVALID)),
    ];
    check_literals(&gateway, PRODUCTS, &table).await?;
    for (literal, quantity) in [("-0", 0), ("0", 0), ("2147483", 2_147_483)] {
        let query = format!(
            "mutation {{ createProduct(input: {{name: \"p\", price: 1, stockQuantity: {literal}}}) {{ stockQuantity }} }}"
        );
        let made = gateway.data(&query, json!({})).await?;
        assert_eq!(
            made["createProduct"]["stockQuantity"], quantity,
            "{literal}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn s2_9_2_float_values() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let table = [
        ("1.0", none_in_range()),
        ("-1.5e3", none_in_range()),
        ("1e0", none_in_range()),
        ("6.0221413E+23", Rejected("VALIDATION_ERROR")),
        ("0e-0", none_in_range()),
        ("5", none_in_range()),
        ("18446744073709551616", Rejected("VALIDATION_ERROR")),
        ("1.", Rejected(PARSE)),
        (".5", Rejected(PARSE)),
        ("1.e5", Rejected(PARSE)),
        ("1e", Rejected(PARSE)),
        ("1e+", Rejected(PARSE)),
        ("1.2.3", Rejected(PARSE)),
        ("1.5f", Rejected(PARSE)),
        ("1e5x", Rejected(PARSE)),
        ("01.5", Rejected(PARSE)),
        ("0x1.2p3", Rejected(PARSE)),
        ("NaN", Rejected(INVALID)),
        ("1e400", Rejected(INVALID)),
    ];
    let (rules, table): (Vec<_>, Vec<_>) = table
        .into_iter()
        .partition(|(_, expected)| matches!(expected, Rejected("VALIDATION_ERROR")));
    check_literals(&gateway, RANGE, &table).await?;
    // Well-typed, but above the other bound of the range.
    for (literal, _) in rules {
        let error = gateway
            .error(&RANGE.replace('$', literal), json!({}))
            .await?;
        assert_eq!(error["code"], "VALIDATION_ERROR", "{literal}");
    }
    Ok(())
}

#[tokio::test]
async fn s2_9_3_boolean_values() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let include = "{ a: __typename b: __typename @include(if: $) }";
    let table = [
        ("true", Data(json!({"a": "Query", "b": "Query"}))),
        ("false", Data(json!({"a": "Query"}))),
        ("TRUE", Rejected(INVALID)),
        ("trueX", Rejected(INVALID)),
        ("\"true\"", Rejected(INVALID)),
        ("1", Rejected(INVALID)),
        ("null", Rejected(INVALID)),
    ];
    check_literals(&gateway, include, &table).await
}

#[tokio::test]
async fn s2_9_4_string_values() -> Result<()> {
    let gateway = TestGateway::open().await?;
    for (literal, text) in [
        (r#""plain""#, "plain"),
        (r#""\"\\\/\b\f\n\r\tx""#, "\"\\/\u{8}\u{c}\n\r\tx"),
        (r#""\u0041\u{42}\u{1F600}\uD83D\uDE00""#, "AB😀😀"),
        (
            r#""""\u0041 "quoted" \""" end""""#,
            r#"\u0041 "quoted" """ end"#,
        ),
        (
            "\"\"\"\n    Hello,\r\n      World!\n  \n    Yours\n  \"\"\"",
            "Hello,\n  World!\n\nYours",
        ),
        ("\"\"\"a{[(# b\"\"\"", "a{[(# b"),
    ] {
        assert_eq!(text_of(&gateway, literal).await?, text, "{literal}");
    }
    let wrong = [
        r#""open"#,
        "\"two\nlines\"",
        r#""\x""#,
        r#""\u12""#,
        r#""\uDEAD""#,
        r#""\uD83D""#,
        r#""\uD83D\u0041""#,
        r#""\u{110000}""#,
        r#""\u{D83D}""#,
        r#""\u{}""#,
        r#""""open""#,
        r#"["""open"]"#,
        "'single'",
    ];
    let table: Vec<_> = wrong.iter().map(|it| (*it, Rejected(PARSE))).collect();
    check_literals(&gateway, "{ categoryByName(name: $) { id } }", &table).await
}

#[tokio::test]
async fn s2_9_5_null_is_not_an_absent_value() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let table = [
        ("null", no_products()),
        ("nullX", Rejected(INVALID)),
        ("NULL", Rejected(INVALID)),
        ("[null]", Rejected(INVALID)),
    ];
    check_literals(&gateway, PRODUCTS, &table).await?;
    let table = [("null", Rejected(INVALID))];
    check_literals(&gateway, "{ categoryExists(id: $) }", &table).await?;
    let id = gateway.product("Pot", None).await?;
    let update = format!("mutation {{ updateProduct(input: {{id: \"{id}\", $}}) {{ name }} }}");
    let unchanged = Data(json!({"updateProduct": {"name": "Pot"}}));
    check_literals(&gateway, &update, &[("", unchanged)]).await?;
    let error = gateway
        .error(&update.replace('$', "name: null"), json!({}))
        .await?;
    assert_eq!(error["field"], "name");
    // Two fields without a separator, rather than null followed by a field.
    let glued = "description: nullname: \"x\"";
    check_literals(&gateway, &update, &[(glued, Rejected(PARSE))]).await
}

#[tokio::test]
async fn s2_9_6_enum_values_are_names() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let none = || Data(json!({"orders": []}));
    let table = [
        ("PENDING", none()),
        ("null", none()),
        ("\"PENDING\"", Rejected(INVALID)),
        ("\"\"\"PENDING\"\"\"", Rejected(INVALID)),
        ("pending", Rejected(INVALID)),
        ("NONSENSE", Rejected(INVALID)),
        ("true", Rejected(INVALID)),
        ("1", Rejected(INVALID)),
    ];
    check_literals(&gateway, ORDERS, &table).await
}

#[tokio::test]
async fn s2_9_7_list_values() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let id = gateway.product("Pot", None).await?;
    let item = format!("{{productId: \"{id}\", quantity: 1}}");
    for literal in [
        format!("[{item}]"),
        format!("[{item} {item}]"),
        format!("[,{item},,{item},]"),
    ] {
        gateway
            .data(&TWO_ITEMS.replace('$', &literal), json!({}))
            .await?;
    }
    let table = [
        ("[1,", Rejected(PARSE)),
        ("[1", Rejected(PARSE)),
        ("1]", Rejected(PARSE)),
        ("[1]", Rejected(INVALID)),
        ("[null]", Rejected(INVALID)),
        ("[[]]", Rejected(INVALID)),
    ];
    check_literals(&gateway, TWO_ITEMS, &table).await
}

#[tokio::test]
async fn s2_9_8_input_object_values() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let made = || Data(json!({"createProduct": {"name": "A", "price": 1}}));
    let create = "mutation { createProduct(input: $) { name price } }";
    let table = [
        ("{name: \"A\", price: 1}", made()),
        ("{price: 1 name: \"A\",}", made()),
        ("{name: \"A\", price: 1, name: \"B\"}", Rejected(INVALID)),
        ("{name: \"A\", price: 1, name: \"A\"}", Rejected(INVALID)),
        ("{name: \"A\", price: 1, nonsense: 1}", Rejected(INVALID)),
        ("{name: \"A\"}", Rejected(INVALID)),
        ("{}", Rejected(INVALID)),
        ("{name \"A\", price: 1}", Rejected(PARSE)),
        ("{\"name\": \"A\", price: 1}", Rejected(PARSE)),
        ("{name: , price: 1}", Rejected(PARSE)),
        ("{name: \"A\", price: 1", Rejected(PARSE)),
    ];
    check_literals(&gateway, create, &table).await
}
