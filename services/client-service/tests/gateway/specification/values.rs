//! Section 2.9: literals.

use anyhow::Result;
use serde_json::json;

use super::{Data, Expected, INVALID, PARSE, Refused, check_literals, text_of};
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
    let stage = TestGateway::open().await?;
    let table = [
        ("7", no_products()),
        ("007", Refused(PARSE)),
        ("00", Refused(PARSE)),
        ("[00]", Refused(PARSE)),
        ("[-01]", Refused(PARSE)),
        ("+1", Refused(PARSE)),
        ("-", Refused(PARSE)),
        ("- 1", Refused(PARSE)),
        ("0x1", Refused(PARSE)),
        ("123L", Refused(PARSE)),
        ("1_000", Refused(PARSE)),
        ("[1.]", Refused(PARSE)),
        ("2147483648", Refused(INVALID)),
        ("-2147483649", Refused(INVALID)),
        ("99999999999999999999999999", Refused(INVALID)),
    ];
    check_literals(&stage, PRODUCTS, &table).await?;
    for (literal, quantity) in [("-0", 0), ("0", 0), ("2147483", 2_147_483)] {
        let query = format!(
            "mutation {{ createProduct(input: {{name: \"p\", price: 1, stockQuantity: {literal}}}) {{ stockQuantity }} }}"
        );
        let made = stage.data(&query, json!({})).await?;
        assert_eq!(
            made["createProduct"]["stockQuantity"], quantity,
            "{literal}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn s2_9_2_float_values() -> Result<()> {
    let stage = TestGateway::open().await?;
    let table = [
        ("1.0", none_in_range()),
        ("-1.5e3", none_in_range()),
        ("1e0", none_in_range()),
        ("6.0221413E+23", Refused("VALIDATION_ERROR")),
        ("0e-0", none_in_range()),
        ("5", none_in_range()),
        ("18446744073709551616", Refused("VALIDATION_ERROR")),
        ("1.", Refused(PARSE)),
        (".5", Refused(PARSE)),
        ("1.e5", Refused(PARSE)),
        ("1e", Refused(PARSE)),
        ("1e+", Refused(PARSE)),
        ("1.2.3", Refused(PARSE)),
        ("1.5f", Refused(PARSE)),
        ("1e5x", Refused(PARSE)),
        ("01.5", Refused(PARSE)),
        ("0x1.2p3", Refused(PARSE)),
        ("NaN", Refused(INVALID)),
        ("1e400", Refused(INVALID)),
    ];
    let (rules, table): (Vec<_>, Vec<_>) = table
        .into_iter()
        .partition(|(_, expected)| matches!(expected, Refused("VALIDATION_ERROR")));
    check_literals(&stage, RANGE, &table).await?;
    // Well-typed, and above the other limit.
    for (literal, _) in rules {
        let error = stage.error(&RANGE.replace('$', literal), json!({})).await?;
        assert_eq!(error["code"], "VALIDATION_ERROR", "{literal}");
    }
    Ok(())
}

#[tokio::test]
async fn s2_9_3_boolean_values() -> Result<()> {
    let stage = TestGateway::open().await?;
    let include = "{ a: __typename b: __typename @include(if: $) }";
    let table = [
        ("true", Data(json!({"a": "Query", "b": "Query"}))),
        ("false", Data(json!({"a": "Query"}))),
        ("TRUE", Refused(INVALID)),
        ("trueX", Refused(INVALID)),
        ("\"true\"", Refused(INVALID)),
        ("1", Refused(INVALID)),
        ("null", Refused(INVALID)),
    ];
    check_literals(&stage, include, &table).await
}

#[tokio::test]
async fn s2_9_4_string_values() -> Result<()> {
    let stage = TestGateway::open().await?;
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
        assert_eq!(text_of(&stage, literal).await?, text, "{literal}");
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
    let table: Vec<_> = wrong.iter().map(|it| (*it, Refused(PARSE))).collect();
    check_literals(&stage, "{ categoryByName(name: $) { id } }", &table).await
}

#[tokio::test]
async fn s2_9_5_null_is_not_an_absent_value() -> Result<()> {
    let stage = TestGateway::open().await?;
    let table = [
        ("null", no_products()),
        ("nullX", Refused(INVALID)),
        ("NULL", Refused(INVALID)),
        ("[null]", Refused(INVALID)),
    ];
    check_literals(&stage, PRODUCTS, &table).await?;
    let table = [("null", Refused(INVALID))];
    check_literals(&stage, "{ categoryExists(id: $) }", &table).await?;
    let id = stage.product("Pot", None).await?;
    let update = format!("mutation {{ updateProduct(input: {{id: \"{id}\", $}}) {{ name }} }}");
    let kept = Data(json!({"updateProduct": {"name": "Pot"}}));
    check_literals(&stage, &update, &[("", kept)]).await?;
    let error = stage
        .error(&update.replace('$', "name: null"), json!({}))
        .await?;
    assert_eq!(error["field"], "name");
    // Two fields, and not null followed by one.
    let glued = "description: nullname: \"x\"";
    check_literals(&stage, &update, &[(glued, Refused(PARSE))]).await
}

#[tokio::test]
async fn s2_9_6_enum_values_are_names() -> Result<()> {
    let stage = TestGateway::open().await?;
    let none = || Data(json!({"orders": []}));
    let table = [
        ("PENDING", none()),
        ("null", none()),
        ("\"PENDING\"", Refused(INVALID)),
        ("\"\"\"PENDING\"\"\"", Refused(INVALID)),
        ("pending", Refused(INVALID)),
        ("NONSENSE", Refused(INVALID)),
        ("true", Refused(INVALID)),
        ("1", Refused(INVALID)),
    ];
    check_literals(&stage, ORDERS, &table).await
}

#[tokio::test]
async fn s2_9_7_list_values() -> Result<()> {
    let stage = TestGateway::open().await?;
    let id = stage.product("Pot", None).await?;
    let item = format!("{{productId: \"{id}\", quantity: 1}}");
    for literal in [
        format!("[{item}]"),
        format!("[{item} {item}]"),
        format!("[,{item},,{item},]"),
    ] {
        stage
            .data(&TWO_ITEMS.replace('$', &literal), json!({}))
            .await?;
    }
    let table = [
        ("[1,", Refused(PARSE)),
        ("[1", Refused(PARSE)),
        ("1]", Refused(PARSE)),
        ("[1]", Refused(INVALID)),
        ("[null]", Refused(INVALID)),
        ("[[]]", Refused(INVALID)),
    ];
    check_literals(&stage, TWO_ITEMS, &table).await
}

#[tokio::test]
async fn s2_9_8_input_object_values() -> Result<()> {
    let stage = TestGateway::open().await?;
    let made = || Data(json!({"createProduct": {"name": "A", "price": 1}}));
    let create = "mutation { createProduct(input: $) { name price } }";
    let table = [
        ("{name: \"A\", price: 1}", made()),
        ("{price: 1 name: \"A\",}", made()),
        ("{name: \"A\", price: 1, name: \"B\"}", Refused(INVALID)),
        ("{name: \"A\", price: 1, name: \"A\"}", Refused(INVALID)),
        ("{name: \"A\", price: 1, nonsense: 1}", Refused(INVALID)),
        ("{name: \"A\"}", Refused(INVALID)),
        ("{}", Refused(INVALID)),
        ("{name \"A\", price: 1}", Refused(PARSE)),
        ("{\"name\": \"A\", price: 1}", Refused(PARSE)),
        ("{name: , price: 1}", Refused(PARSE)),
        ("{name: \"A\", price: 1", Refused(PARSE)),
    ];
    check_literals(&stage, create, &table).await
}
