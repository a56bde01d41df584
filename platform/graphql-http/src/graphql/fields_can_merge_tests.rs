use super::super::TEST_SDL;
use super::super::document::parse;
use super::*;

fn checked(text: &str) -> Result<(), ApiError> {
    let index = SchemaIndex::from_sdl(TEST_SDL).expect("a schema");
    validate(&parse(text).expect("GraphQL").document, &index)
}

#[test]
fn equal_fields_and_those_of_different_objects_are_merged() {
    for valid in [
        "{ categories { id } categories { id name } }",
        "query($n: Int) { products(limit: $n) { id } products(limit: $n) { price } }",
        "{ categoriesPaginated(page: 1, perPage: 2) { id } categoriesPaginated(perPage: 2, page: 1) { name } }",
        "{ nodes(ids: [1]) { ... on Product { x: id } ... on Category { x: id } } }",
        "{ nodes(ids: [1]) { ... on Product { x: category { id } } ... on Node { nodeId } } }",
        "{ nodes(ids: [1]) { ... on Product { products: nodeId } ... on Category { name: nodeId } } }",
        "{ ...F ...F } fragment F on Query { categories { ...C } } fragment C on Category { id products { category { ...C } } }",
        "{ a: __typename categories { a: __typename } }",
    ] {
        if let Err(error) = checked(valid) {
            panic!("{valid}: {error:?}");
        }
    }
}

#[test]
fn an_error_names_the_key_and_the_difference() {
    for (bad, message) in [
        (
            "{ a: categories { id } a: products { id } }",
            "two fields a select categories and products",
        ),
        (
            "{ products(limit: 1) { id } products { id } }",
            "two fields products have different arguments",
        ),
        (
            "query($n: Int, $m: Int) { products(limit: $n) { id } products(limit: $m) { id } }",
            "two fields products have different arguments",
        ),
        (
            "{ a: categories { x: id } a: categories { x: name } }",
            "two fields x select id and name",
        ),
        (
            "{ ...F ...G } fragment F on Query { categories { x: id } } fragment G on Query { categories { ... { x: name } } }",
            "two fields x select id and name",
        ),
        (
            "{ nodes(ids: [1]) { ... on Product { x: price } ... on Category { x: name } } }",
            "two fields x are of type Float! and String!",
        ),
        (
            "{ nodes(ids: [1]) { ... on Product { x: category { id } } ... on Category { x: products { id } } } }",
            "two fields x are of type Category and [Product!]!",
        ),
        (
            "{ nodes(ids: [1]) { x: nodeId ... on Product { x: id } } }",
            "two fields x select nodeId and id",
        ),
        (
            "{ a: __schema { x: types { name } x: queryType { name } } }",
            "two fields x select types and queryType",
        ),
        (
            "query A { __typename } query B { a: categories { id } a: products { id } }",
            "two fields a select categories and products",
        ),
    ] {
        let error = checked(bad).expect_err(bad);
        assert_eq!(error.code, Code::GraphqlValidationFailed);
        assert!(error.location.is_some());
        let expected = format!("{message}: give one of them an alias");
        assert_eq!(error.message, expected, "{bad}");
    }
}

#[test]
fn the_work_is_limited() {
    // Each fragment selects the next one under two names.
    let chain = (0..60).map(|n| {
        let next = format!("{{ ...F{} }}", n + 1);
        format!(
            "fragment F{n} on Category {{ products {{ a: category {next} b: category {next} }} }}"
        )
    });
    let chain: Vec<String> = chain.collect();
    let chain = format!(
        "{{ categories {{ ...F0 }} }} {} fragment F60 on Category {{ id }}",
        chain.join(" ")
    );
    checked(&chain).expect("each set is compared once");
    let many = format!("{{ {} }}", "__typename ".repeat(500));
    let error = checked(&many).expect_err("too many pairs");
    assert_eq!(error.code, Code::QueryTooComplex);
}
