//! Section 2.1 and the grammar of documents.

use anyhow::Result;
use serde_json::json;

use super::{Data, INVALID, PARSE, Rejected, check, text_of};
use crate::test_gateway::TestGateway;

#[tokio::test]
async fn s2_1_source_text_is_unicode() -> Result<()> {
    let gateway = TestGateway::open().await?;
    assert_eq!(
        text_of(&gateway, "\"日本 😀 \u{1}\u{7f}\"").await?,
        "日本 😀 \u{1}\u{7f}"
    );
    let ok = || Data(json!({"__typename": "Query"}));
    let table = [
        ("{ __typename # ünï \u{1} 😀\n }", json!({}), ok()),
        ("{ __typename é }", json!({}), Rejected(PARSE)),
        ("{ __typename \u{0} }", json!({}), Rejected(PARSE)),
        ("{ __typename ; }", json!({}), Rejected(PARSE)),
        ("{ ? }", json!({}), Rejected(PARSE)),
    ];
    check(&gateway, &table).await
}

#[tokio::test]
async fn s2_1_ignored_tokens_are_allowed_anywhere() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let ok = || Data(json!({"__typename": "Query"}));
    let exists = || Data(json!({"categoryExists": false}));
    let table = [
        ("\u{feff}{ __typename }", json!({}), ok()),
        ("{\u{feff} __typename }\u{feff}", json!({}), ok()),
        ("\t{\r\n __typename\r}\n", json!({}), ok()),
        (",,{,,__typename,,},,", json!({}), ok()),
        (
            "# first\n{#second\r__typename # third\r\n}#",
            json!({}),
            ok(),
        ),
        (
            "query ( $ a : ID ! ) { categoryExists ( id : $ a ) }",
            json!({"a": "1"}),
            exists(),
        ),
        (
            "query($a: [ Int ! ] ! = [ 1 , 2 ]) { ... on # here\n Query { __typename } }",
            json!({}),
            Rejected(INVALID),
        ),
        (
            "{ ... on # here\n Query { __typename } ...#there\non,Query { __typename } }",
            json!({}),
            ok(),
        ),
        ("{ __type\u{a0}name }", json!({}), Rejected(PARSE)),
        (
            "{ . . . on Query { __typename } }",
            json!({}),
            Rejected(PARSE),
        ),
    ];
    check(&gateway, &table).await
}

#[tokio::test]
async fn s2_1_9_a_name_is_as_long_as_it_can_be() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let exists = || Data(json!({"categoryExists": false}));
    let table = [
        ("queryA { __typename }", json!({}), Rejected(PARSE)),
        ("mutationA { __typename }", json!({}), Rejected(PARSE)),
        (
            "{ ...A } fragmentA on Query { __typename }",
            json!({}),
            Rejected(PARSE),
        ),
        (
            "query query { __typename }",
            json!({}),
            Data(json!({"__typename": "Query"})),
        ),
        (
            "{ type: __typename }",
            json!({}),
            Data(json!({"type": "Query"})),
        ),
        (
            "query($true: ID!) { categoryExists(id: $true) }",
            json!({"true": 1}),
            exists(),
        ),
        (
            "{ ...onA } fragment onA on Query { __typename }",
            json!({}),
            Data(json!({"__typename": "Query"})),
        ),
        (
            "{ ...on } fragment on on Query { __typename }",
            json!({}),
            Rejected(PARSE),
        ),
        (
            "fragment on on Query { __typename } { __typename }",
            json!({}),
            Rejected(PARSE),
        ),
    ];
    check(&gateway, &table).await
}

#[tokio::test]
async fn s2_2_and_2_3_documents_have_operations_with_descriptions() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let ok = || Data(json!({"__typename": "Query"}));
    let one = || Data(json!({"categoryExists": false}));
    let described = "\"\"\"What it asks.\"\"\" query Q(\"The id.\" $id: ID!) { ...f }
        \"What is asked.\" fragment f on Query { categoryExists(id: $id) }";
    let table = [
        (described, json!({"id": "1"}), one()),
        ("\"no\" { __typename }", json!({}), Rejected(PARSE)),
        ("", json!({}), Rejected("BAD_REQUEST")),
        (
            "query Q { __typename } query Q { __typename }",
            json!({}),
            Rejected(INVALID),
        ),
        (
            "{ __typename } { __typename }",
            json!({}),
            Rejected(INVALID),
        ),
        (
            "query Q { __typename } { __typename }",
            json!({}),
            Rejected(INVALID),
        ),
        (
            "{ ...f } fragment f on Query { __typename } fragment f on Query { __typename }",
            json!({}),
            Rejected(INVALID),
        ),
        ("query Only { __typename }", json!({}), ok()),
        ("query () { __typename }", json!({}), Rejected(PARSE)),
        ("{ categoryExists() }", json!({}), Rejected(PARSE)),
        ("{ __typename { } }", json!({}), Rejected(PARSE)),
        ("{ }", json!({}), Rejected(PARSE)),
        ("{ __typename", json!({}), Rejected(PARSE)),
        ("{ __typename } }", json!({}), Rejected(PARSE)),
        ("type Query { a: Int }", json!({}), Rejected(PARSE)),
    ];
    let (bad_request, table): (Vec<_>, Vec<_>) =
        table.into_iter().partition(|(query, ..)| query.is_empty());
    check(&gateway, &table).await?;
    for (query, variables, _) in bad_request {
        assert_eq!(
            gateway.error(query, variables).await?["code"],
            "BAD_REQUEST"
        );
    }
    for (query, name) in [
        ("query A { __typename } query B { __typename }", None),
        ("query A { __typename } query B { __typename }", Some("C")),
        ("{ __typename }", Some("A")),
        ("fragment f on Query { __typename }", None),
    ] {
        let body = json!({"query": query, "operationName": name}).to_string();
        let reply = gateway
            .send(&test_shop::Request::post_json("/graphql", body))
            .await?;
        let body = reply.json()?;
        assert_eq!(body["errors"][0]["extensions"]["code"], INVALID, "{query}");
        assert!(body.get("data").is_none(), "{query}");
    }
    Ok(())
}

#[tokio::test]
async fn s2_10_and_2_11_variables_have_types_and_then_defaults() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let none = || Data(json!({"products": []}));
    let table = [
        (
            "query($n: Int = 5) { products(limit: $n) { id } }",
            json!({}),
            none(),
        ),
        (
            "query($n: Int! = 5) { products(limit: $n) { id } }",
            json!({}),
            none(),
        ),
        (
            "query($n: Int = 5) { products(limit: $n) { id } }",
            json!({"n": null}),
            none(),
        ),
        (
            "query($n: Int! = 5) { products(limit: $n) { id } }",
            json!({"n": null}),
            Rejected(INVALID),
        ),
        (
            "query($n: Int = $m, $m: Int) { products(limit: $n) { id } }",
            json!({}),
            Rejected(PARSE),
        ),
        (
            "query($n: Int = [$m], $m: Int) { products(limit: $n) { id } }",
            json!({}),
            Rejected(PARSE),
        ),
        (
            "query($n: Int @x = 5) { products(limit: $n) { id } }",
            json!({}),
            Rejected(PARSE),
        ),
        (
            "query($n: Int = 5 @x) { products(limit: $n) { id } }",
            json!({}),
            Rejected(INVALID),
        ),
        (
            "query($n: Int @x(a: $n)) { products(limit: $n) { id } }",
            json!({}),
            Rejected(PARSE),
        ),
        (
            "query($n: [Int) { products(limit: $n) { id } }",
            json!({}),
            Rejected(PARSE),
        ),
        (
            "query($n: Int!!) { products(limit: $n) { id } }",
            json!({}),
            Rejected(PARSE),
        ),
    ];
    check(&gateway, &table).await
}

#[tokio::test]
async fn s2_11_variables_have_existing_types_and_matching_defaults() -> Result<()> {
    let gateway = TestGateway::open().await?;
    let table = [
        (
            "query($n: Nonsense) { products(limit: $n) { id } }",
            json!({}),
            Rejected(INVALID),
        ),
        (
            "query($n: [Nonsense] = [1]) { products(limit: $n) { id } }",
            json!({}),
            Rejected(INVALID),
        ),
        (
            "query($n: [Category!] = [{}]) { products(limit: $n) { id } }",
            json!({}),
            Rejected(INVALID),
        ),
        (
            "query($n: Int = \"5\") { products(limit: $n) { id } }",
            json!({"n": 5}),
            Rejected(INVALID),
        ),
        (
            "query($n: Int = 2147483648) { products(limit: $n) { id } }",
            json!({"n": 5}),
            Rejected(INVALID),
        ),
    ];
    check(&gateway, &table).await
}
