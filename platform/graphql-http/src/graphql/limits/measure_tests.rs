use std::fmt::Write as _;

use async_graphql::Variables;
use serde_json::json;

use super::super::super::TEST_SDL;
use super::super::super::document::{operation, parse};
use super::super::super::schema_index::SchemaIndex;
use super::super::Limits;
use super::measure;
use crate::errors::{ApiError, Code};

const LIMITS: Limits = Limits {
    depth: 10,
    complexity: 1_000,
    response_bytes: 1_000,
    introspection: true,
};

fn check_with(query: &str, variables: serde_json::Value, limits: &Limits) -> Result<(), ApiError> {
    let index = SchemaIndex::from_sdl(TEST_SDL).expect("our own schema");
    let document = parse(query).expect("GraphQL").document;
    let selected = operation(&document, None)?;
    let variables = Variables::from_json(variables);
    measure(&document, selected, &variables, &index, limits).map(|_| ())
}

fn complexity(query: &str, variables: serde_json::Value) -> u64 {
    let index = SchemaIndex::from_sdl(TEST_SDL).expect("our own schema");
    let document = parse(query).expect("GraphQL").document;
    let selected = operation(&document, None).expect("one operation");
    let limits = Limits {
        complexity: u32::MAX,
        ..LIMITS
    };
    let variables = Variables::from_json(variables);
    let measured = measure(&document, selected, &variables, &index, &limits);
    measured.expect("within the limits").complexity
}

fn message(query: &str) -> String {
    check(query).expect_err("too complex").message
}

fn check(query: &str) -> Result<(), ApiError> {
    check_with(query, json!({}), &LIMITS)
}

fn code(query: &str) -> Option<Code> {
    check(query).err().map(|error| error.code)
}

/// `{ category { products { category { … } } } }`, this many levels deep.
fn nested(levels: usize) -> String {
    let mut query = "{ category(id: 1) ".to_owned();
    for level in 1..levels - 1 {
        query += if level % 2 == 1 {
            "{ products(limit: 1) "
        } else {
            "{ category "
        };
    }
    query + "{ id }" + &"}".repeat(levels - 1)
}

#[test]
fn a_query_is_at_most_10_deep() {
    let generous = Limits {
        complexity: u32::MAX,
        ..LIMITS
    };
    assert_eq!(check_with(&nested(10), json!({}), &generous), Ok(()));
    let error = check_with(&nested(11), json!({}), &generous).expect_err("too deep");
    assert_eq!(error.code, Code::QueryTooDeep);
    assert!(error.message.contains("10") && error.message.contains("11"));
}

#[test]
fn fragments_do_not_hide_depth() {
    let query = "query { category(id: 1) { ...a } }
        fragment a on Category { products { category { products { category { ...b } } } } }
        fragment b on Category { products { category { products { category { products { id } } } } } }";
    assert_eq!(code(query), Some(Code::QueryTooDeep));
}

#[test]
fn introspection_has_its_own_depth() {
    let of_type = |levels: usize| {
        format!(
            "{{ __schema {{ types {{ {} name {} }} }} }}",
            "ofType { ".repeat(levels),
            "}".repeat(levels)
        )
    };
    assert_eq!(code(&of_type(17)), None);
    assert_eq!(code(&of_type(18)), Some(Code::QueryTooDeep));
    let off = Limits {
        introspection: false,
        ..LIMITS
    };
    let error = check_with("{ __schema { types { name } } }", json!({}), &off).expect_err("off");
    assert_eq!(error.code, Code::GraphqlValidationFailed);
    assert_eq!(check_with("{ __typename }", json!({}), &off), Ok(()));
}

#[test]
fn the_lists_of_an_introspection_are_nested_at_most_3_deep() {
    let usual = "{ __schema { types { ...T } directives { args { type { name } } } } }
        fragment T on __Type { fields { args { type { ofType { ofType { ofType { name } } } } } } inputFields { name } }";
    assert_eq!(check(usual), Ok(()));
    let spread = "{ __type(name: \"Node\") { ...A } }
        fragment A on __Type { possibleTypes { interfaces { ...B } } }
        fragment B on __Type { ... on __Type { possibleTypes { ofType { interfaces { name } } } } }";
    let error = check(spread).expect_err("4 lists");
    assert_eq!(error.code, Code::QueryTooDeep);
    assert_eq!(
        error.message,
        "an introspection nests at most 3 lists, got 4 from possibleTypes"
    );
    assert_eq!(error.location.map(|place| place.line), Some(2));
    // Each list counts, whatever it is of.
    for list in [
        "fields",
        "interfaces",
        "possibleTypes",
        "inputFields",
        "enumValues",
    ] {
        let query = format!(
            "{{ __schema {{ types {{ fields {{ args {{ type {{ {list} {{ name }} }} }} }} }} }} }}"
        );
        assert_eq!(code(&query), Some(Code::QueryTooDeep), "{list}");
    }
}

#[test]
fn the_selections_of_all_introspections_of_a_query_are_limited() {
    let with = |names: usize| {
        let names = "name ".repeat(names);
        format!("{{ __schema {{ types {{ {names} }} }} __type(name: \"Node\") {{ {names} }} }}")
    };
    // The types are a selection too.
    assert_eq!(code(&with(249)), None);
    assert_eq!(
        check(&with(250)).expect_err("501 selections").message,
        "the query's number of introspection selections is at most 500, got 501"
    );
    let others = format!("{{ category(id: 1) {{ {} }} }}", "name ".repeat(600));
    assert_eq!(code(&others), None);
}

#[test]
fn what_a_condition_excludes_is_not_counted() {
    let include = |declared: &str| {
        format!(
            "query({declared}) {{ categories {{ id products(limit: 2) @include(if: $b) {{ id }} }} }}"
        )
    };
    let skip = "query($b: Boolean!) { categories { id ...P @skip(if: $b) } }
        fragment P on Category { products(limit: 2) { id } }";
    let inline = "query($b: Boolean!) {
        categories { id ... @include(if: true) @skip(if: $b) { products(limit: 2) { id } } } }";
    for (query, variables, objects) in [
        (include("$b: Boolean!"), json!({ "b": false }), 500),
        (include("$b: Boolean!"), json!({ "b": true }), 1_500),
        (include("$b: Boolean = false"), json!({}), 500),
        (include("$b: Boolean = false"), json!({ "b": true }), 1_500),
        // What is not known is counted.
        (include("$b: Boolean"), json!({}), 1_500),
        (include("$b: Boolean = false"), json!({ "b": null }), 1_500),
        (skip.to_owned(), json!({ "b": true }), 500),
        (skip.to_owned(), json!({ "b": false }), 1_500),
        (inline.to_owned(), json!({ "b": true }), 500),
        (inline.to_owned(), json!({ "b": false }), 1_500),
        (
            "{ categories @skip(if: true) { id } category(id: 1) { id } }".to_owned(),
            json!({}),
            1,
        ),
    ] {
        assert_eq!(complexity(&query, variables), objects, "{query}");
    }
    // A fragment is excluded where the condition is, and only there.
    let twice = "{ a: category(id: 1) { ...P @skip(if: true) } b: category(id: 1) { ...P } }
        fragment P on Category { products(limit: 2) { id } }";
    assert_eq!(complexity(twice, json!({})), 4);
    // Other limits are those of the document.
    assert_eq!(
        code(&nested(11).replace("(id: 1) {", "(id: 1) @skip(if: true) {")),
        Some(Code::QueryTooDeep)
    );
}

/// The engine resolves each selection, and merges the results.
#[test]
fn a_field_counts_as_often_as_it_is_selected() {
    let twice = "{ category(id: 1) { ...A ...B } }
        fragment A on Category { products(limit: 30) { id } }
        fragment B on Category { products(limit: 30) { price } }";
    assert_eq!(complexity(twice, json!({})), 1 + 2 * 30);
}

#[test]
fn a_query_counts_the_objects_that_it_can_return() {
    let cases = [
        ("{ categoryExists(id: 1) }", json!({}), 0),
        ("{ category(id: 1) { id name } }", json!({}), 1),
        ("{ categories { id } }", json!({}), 500),
        ("{ products { id } }", json!({}), 100),
        (
            "{ products(limit: 100) { id category { id } } }",
            json!({}),
            200,
        ),
        (
            "{ categoriesPaginated(page: 1, perPage: 7) { id } }",
            json!({}),
            7,
        ),
        (
            "query($n: Int) { products(limit: $n) { id } }",
            json!({"n": 30}),
            30,
        ),
        (
            "query($n: Int = 40) { products(limit: $n) { id } }",
            json!({}),
            40,
        ),
        (
            "query($n: Int) { products(limit: $n) { id } }",
            json!({}),
            100,
        ),
        ("{ categories { products { id } } }", json!({}), 250_500),
        (
            "{ categories { products(limit: 3) { id } } }",
            json!({}),
            2_000,
        ),
        (
            "{ categories { ...p } } fragment p on Category { products { id } }",
            json!({}),
            250_500,
        ),
    ];
    for (query, variables, objects) in cases {
        assert_eq!(complexity(query, variables), objects, "{query}");
    }
}

#[test]
fn a_list_that_is_stored_in_its_parent_counts_as_its_parent() {
    assert_eq!(
        complexity("{ products { sizes { name } } }", json!({})),
        100
    );
    let with_makers = "{ products { sizes { maker { id } } } }";
    assert_eq!(complexity(with_makers, json!({})), 100 + 100 * 10);
}

#[test]
fn a_connection_counts_its_nodes() {
    let of = |arguments: &str| {
        format!(
            "{{ productsConnection{arguments} {{ edges {{ node {{ id category {{ id }} }} }} }} }}"
        )
    };
    for (arguments, size) in [("", 20), ("(first: 7)", 7), ("(last: 9)", 9)] {
        assert_eq!(complexity(&of(arguments), json!({})), 1 + size * 2);
    }
    // One fragment on connections of different sizes.
    let shared =
        "{ a: productsConnection(first: 1) { ...e } b: productsConnection(first: 5) { ...e } }
        fragment e on ProductConnection { edges { node { id } } }";
    assert_eq!(complexity(shared, json!({})), 2 + 1 + 5);
}

#[test]
fn a_list_argument_counts_by_its_length() {
    let all = json!({ "ids": ["a", "b", "c"], "id": "a", "number": 7 });
    for (declared, ids, objects) in [
        ("", "[\"a\", \"b\"]", 2),
        ("", "[]", 0),
        // A single value is a list of one, and an id may be written as a number.
        ("", "\"a\"", 1),
        ("", "7", 1),
        ("($ids: [ID!]!)", "$ids", 3),
        ("($id: ID!)", "$id", 1),
        ("($number: ID!)", "$number", 1),
        ("($id: ID!, $other: ID)", "[$id, $other, $id, \"d\"]", 4),
        ("($ids: [ID!]! = [\"x\"])", "$ids", 3),
        ("($more: [ID!]! = [\"x\", \"y\"])", "$more", 2),
        // The field rejects a missing list.
        ("($other: [ID!])", "$other", 100),
    ] {
        let query = format!("query{declared} {{ nodes(ids: {ids}) {{ nodeId }} }}");
        assert_eq!(complexity(&query, all.clone()), objects, "{query}");
    }
    let with_products = |ids: &[&str]| {
        let query =
            "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Category { products { id } } } }";
        check_with(query, json!({ "ids": ids }), &LIMITS)
    };
    assert_eq!(with_products(&["a"]), Ok(()));
    assert_eq!(
        with_products(&["a", "b"]).expect_err("too complex").message,
        "the query's complexity is at most 1000, got 1002: nodes counts 2 items of 501; ids of length 1 would pass"
    );
}

#[test]
fn a_query_is_rejected_above_its_limit_only() {
    let at = |complexity| Limits {
        complexity,
        ..LIMITS
    };
    let query = "{ products(limit: 5) { id category { id } } }";
    assert_eq!(check_with(query, json!({}), &at(10)), Ok(()));
    let error = check_with(query, json!({}), &at(9)).expect_err("too complex");
    assert_eq!(error.code, Code::QueryTooComplex);
    assert_eq!(error.location.map(|place| place.column), Some(3));
}

#[test]
fn a_rejection_says_which_list_counts_how_much_and_which_size_would_pass() {
    assert_eq!(
        message(
            "{ category(id: 1) { id } products(limit: 500) { category { id } sizes { maker { id } } } }"
        ),
        "the query's complexity is at most 1000, got 6001: products counts 500 items of 12; limit: 83 would pass"
    );
    assert_eq!(
        message("{ categories { products { id } } }"),
        "the query's complexity is at most 1000, got 250500: products counts 500 items of 1, 500 times; limit: 1 would pass"
    );
    let without = "{ categories { id } more: categories { id } }";
    assert_eq!(code(without), None);
    assert_eq!(
        message("{ categories { id } more: categories { id } last: category(id: 1) { id } }"),
        "the query's complexity is at most 1000, got 1001: categories counts 500 items of 1"
    );
}

#[test]
fn the_size_that_is_said_to_pass_does_pass() {
    for (query, passing) in [
        (
            "{ products(limit: 500) { category { id } sizes { maker { id } } } }",
            83,
        ),
        ("{ categories { products(limit: 500) { id } } }", 1),
        (
            "{ productsConnection(first: 100) { edges { node { sizes { maker { id } } } } } }",
            90,
        ),
    ] {
        assert!(
            message(query).ends_with(&format!(": {passing} would pass")),
            "{query}"
        );
        let at = |size: u32| {
            query
                .replace("500", &size.to_string())
                .replace("100", &size.to_string())
        };
        assert_eq!(code(&at(passing)), None, "{query}");
        assert_eq!(
            code(&at(passing + 1)),
            Some(Code::QueryTooComplex),
            "{query}"
        );
    }
}

#[test]
fn a_size_that_the_field_rejects_does_not_count() {
    assert_eq!(code("{ products(limit: 100000) { id } }"), None);
    assert_eq!(code("{ products(limit: -1) { id } }"), None);
}

#[test]
fn a_schema_with_a_list_without_a_size_is_not_served() {
    let sdl = "type Query { all: [Thing!]! } type Thing { name: String! }";
    let error = SchemaIndex::from_sdl(sdl).expect_err("no size");
    assert!(error.to_string().contains("Query.all"), "{error}");
}

#[test]
fn aliases_directives_and_root_fields_are_limited() {
    let aliases = |n: usize| {
        let fields = (0..n).fold(String::new(), |mut text, i| {
            let _ = write!(text, "a{i}: __typename ");
            text
        });
        format!("{{ {fields} }}")
    };
    assert_eq!(code(&aliases(30)), None);
    assert_eq!(code(&aliases(31)), Some(Code::QueryTooComplex));
    let directives = |n| format!("{{ __typename {} }}", "@include(if: true) ".repeat(n));
    assert_eq!(code(&directives(20)), None);
    assert_eq!(code(&directives(21)), Some(Code::QueryTooComplex));
    let fields = |n| format!("{{ {} }}", "categoryExists(id: 1) ".repeat(n));
    assert_eq!(code(&fields(60)), None);
    assert_eq!(code(&fields(61)), Some(Code::QueryTooComplex));
}

#[test]
fn an_exponential_fragment_bomb_is_measured_quickly() {
    let mut query = "{ ...f0 }".to_owned();
    for i in 0..25 {
        let _ = write!(
            query,
            " fragment f{i} on Query {{ ...f{n} ...f{n} }}",
            n = i + 1
        );
    }
    query += " fragment f25 on Query { __typename }";
    assert_eq!(code(&query), Some(Code::QueryTooComplex));
}

#[test]
fn a_fragment_that_spreads_itself_or_is_missing_is_invalid() {
    let cycle = "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }";
    assert_eq!(code(cycle), Some(Code::GraphqlValidationFailed));
    assert_eq!(code("{ ...a }"), Some(Code::GraphqlValidationFailed));
}
