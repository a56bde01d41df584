use std::fmt::Write as _;

use async_graphql::Variables;
use serde_json::json;

use super::super::super::TEST_SDL;
use super::super::super::document::parse;
use super::super::super::schema_index::SchemaIndex;
use super::super::Limits;
use super::measure;
use crate::errors::{ApiError, Code};

const LIMITS: Limits = Limits {
    depth: 10,
    complexity: 1_000,
    introspection: true,
};

fn check_with(query: &str, variables: serde_json::Value, limits: &Limits) -> Result<(), ApiError> {
    let index = SchemaIndex::from_sdl(TEST_SDL).expect("our own schema");
    let document = parse(query).expect("GraphQL").document;
    measure(&document, &Variables::from_json(variables), &index, limits)
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
            "{ products "
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
fn lists_multiply_by_their_limit_or_20() {
    let at = |complexity| Limits {
        complexity,
        ..LIMITS
    };
    let cases = [
        ("{ categoryExists(id: 1) }", json!({}), 0),
        ("{ category(id: 1) { id name } }", json!({}), 1),
        ("{ categories { id } }", json!({}), 20),
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
            20,
        ),
        ("{ categories { products { id } } }", json!({}), 420),
        (
            "{ categories { ...p } } fragment p on Category { products { id } }",
            json!({}),
            420,
        ),
    ];
    for (query, variables, cost) in cases {
        assert_eq!(
            check_with(query, variables.clone(), &at(cost)),
            Ok(()),
            "{query}"
        );
        if cost > 0 {
            let error = check_with(query, variables, &at(cost - 1)).expect_err(query);
            assert_eq!(error.code, Code::QueryTooComplex);
        }
    }
}

#[test]
fn a_limit_that_the_field_rejects_does_not_count() {
    assert_eq!(code("{ products(limit: 100000) { id } }"), None);
    assert_eq!(code("{ products(limit: -1) { id } }"), None);
    assert_eq!(
        code("{ products(limit: 500) { id category { id } } }"),
        None
    );
    let query = "{ products(limit: 500) { id category { id } } categories { id } }";
    assert_eq!(code(query), Some(Code::QueryTooComplex));
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
