//! Rules of subscriptions (section 5.2.4 of the specification), and the argument with the position.

use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Pos, Positioned, Value, Variables};
use async_graphql_value::Value as Given;

use crate::errors::{ApiError, Code};

/// The argument of every subscription with the position to resume at.
const AFTER: &str = "after";

/// Each subscription keeps its document, and there may be thousands.
const MAX_TEXT_BYTES: usize = 16 * 1024;

/// Rejects a document that is too long for a subscription.
///
/// # Errors
/// The error names the limit.
pub fn limit_text(text: &str) -> Result<(), ApiError> {
    if text.len() <= MAX_TEXT_BYTES {
        return Ok(());
    }
    let message = format!(
        "the document of a subscription has at most {MAX_TEXT_BYTES} bytes, got {}",
        text.len()
    );
    Err(ApiError::new(Code::QueryTooComplex, message))
}

/// Rejects a subscription without exactly one root field, or with a condition on it.
///
/// # Errors
/// The error names the rule.
pub fn validate(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
) -> Result<(), ApiError> {
    root_field(document, operation).map(drop)
}

fn root_field<'a>(
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
) -> Result<&'a Field, ApiError> {
    let mut fields = Vec::new();
    let set = &operation.selection_set;
    collect(document, &set.node, &mut fields)?;
    let Some((first, place)) = fields.first() else {
        return Err(invalid("a subscription has one root field", set.pos));
    };
    let key = &first.response_key().node;
    let other = |(field, _): &&(&Field, Pos)| field.response_key().node != *key;
    if let Some((_, place)) = fields.iter().find(other) {
        return Err(invalid("a subscription has only one root field", *place));
    }
    if first.name.node.starts_with("__") {
        let message = "the root field of a subscription must not be an introspection field";
        return Err(invalid(message, *place));
    }
    Ok(first)
}

fn collect<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    fields: &mut Vec<(&'a Field, Pos)>,
) -> Result<(), ApiError> {
    for Positioned { node, pos } in &set.items {
        let directives = match node {
            Selection::Field(field) => {
                fields.push((&field.node, *pos));
                &field.node.directives
            }
            Selection::InlineFragment(inline) => {
                collect(document, &inline.node.selection_set.node, fields)?;
                &inline.node.directives
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    collect(document, &fragment.node.selection_set.node, fields)?;
                }
                &spread.node.directives
            }
        };
        let is_condition = |name: &str| matches!(name, "skip" | "include");
        let mut names = directives.iter().map(|it| it.node.name.node.as_str());
        if names.any(is_condition) {
            let message = "the root field of a subscription must not have @skip or @include";
            return Err(invalid(message, *pos));
        }
    }
    Ok(())
}

fn invalid(message: &str, place: Pos) -> ApiError {
    ApiError::invalid_document(message, place)
}

/// Replaces the position, if it is the value of a variable that nothing else uses. Subscriptions that differ only in where
/// they begin are then equal.
pub fn forget_position(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &mut Variables,
) {
    let Ok(field) = root_field(document, operation) else {
        return;
    };
    let mut arguments = field.arguments.iter();
    let after = arguments.find(|(name, _)| name.node == AFTER);
    let Some(Given::Variable(name)) = after.map(|(_, value)| &value.node) else {
        return;
    };
    let fragments = document.fragments.values();
    let sets = fragments.map(|it| &it.node.selection_set.node);
    let sets = sets.chain([&operation.selection_set.node]);
    if sets.map(|set| usages(set, name)).sum::<usize>() == 1
        && let Some(value) = variables.get_mut(name)
    {
        *value = Value::String(String::new());
    }
}

/// How often a variable is used in these selections.
fn usages(set: &SelectionSet, variable: &Name) -> usize {
    let in_values = |values: &[(Positioned<Name>, Positioned<Given>)]| -> usize {
        let values = values.iter();
        values
            .map(|(_, value)| in_value(&value.node, variable))
            .sum()
    };
    let of_item = |item: &Positioned<Selection>| {
        let (directives, own) = match &item.node {
            Selection::Field(field) => {
                let field = &field.node;
                let below = usages(&field.selection_set.node, variable);
                (&field.directives, below + in_values(&field.arguments))
            }
            Selection::InlineFragment(inline) => {
                let inline = &inline.node;
                (
                    &inline.directives,
                    usages(&inline.selection_set.node, variable),
                )
            }
            Selection::FragmentSpread(spread) => (&spread.node.directives, 0),
        };
        let directives = directives.iter().map(|it| in_values(&it.node.arguments));
        own + directives.sum::<usize>()
    };
    set.items.iter().map(of_item).sum()
}

fn in_value(value: &Given, variable: &Name) -> usize {
    match value {
        Given::Variable(name) => usize::from(name == variable),
        Given::List(items) => items.iter().map(|item| in_value(item, variable)).sum(),
        Given::Object(fields) => {
            let values = fields.values();
            values.map(|value| in_value(value, variable)).sum()
        }
        Given::Null
        | Given::Number(_)
        | Given::String(_)
        | Given::Boolean(_)
        | Given::Binary(_)
        | Given::Enum(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::document;
    use super::*;

    fn rule(text: &str) -> Option<String> {
        let parsed = document::parse(text).expect("GraphQL").document;
        let operation = document::operation(&parsed, None).expect("an operation");
        let error = validate(&parsed, operation).err()?;
        assert_eq!(error.code, Code::GraphqlValidationFailed);
        Some(error.message)
    }

    #[test]
    fn a_subscription_has_one_root_field_without_conditions() {
        for valid in [
            "subscription { a { id } }",
            "subscription { a { id } a { name } }",
            "subscription { ...f } fragment f on Subscription { ... { a { id @skip(if: true) } } }",
        ] {
            assert_eq!(rule(valid), None, "{valid}");
        }
        for (bad, part) in [
            ("subscription { a { id } b { id } }", "only one"),
            ("subscription { a { id } other: a { id } }", "only one"),
            ("subscription { a { id } ... { b { id } } }", "only one"),
            (
                "subscription { ...f } fragment f on Subscription { a { id } b { id } }",
                "only one",
            ),
            ("subscription { __typename }", "introspection"),
            ("subscription { a @skip(if: false) { id } }", "@skip"),
            (
                "subscription { ... @include(if: true) { a { id } } }",
                "@include",
            ),
        ] {
            let message = rule(bad).expect(bad);
            assert!(message.contains(part), "{bad}: {message}");
        }
    }

    #[test]
    fn only_a_variable_with_the_position_alone_is_forgotten() {
        let forgotten = |text: &str| {
            let parsed = document::parse(text).expect("GraphQL").document;
            let operation = document::operation(&parsed, None).expect("an operation");
            let mut variables = Variables::from_json(json!({"p": "7", "id": "7"}));
            forget_position(&parsed, operation, &mut variables);
            assert_eq!(variables["id"], Value::from("7"));
            variables["p"] != Value::from("7")
        };
        assert!(forgotten(
            "subscription($p: String) { a(after: $p) { id } }"
        ));
        assert!(forgotten(
            "subscription($p: String!, $id: ID) { a(id: $id, after: $p) { id } }"
        ));
        for kept in [
            "subscription { a(after: \"7\") { id } }",
            "subscription($p: String) { a(after: $p, name: $p) { id } }",
            "subscription($p: String) { a(after: $p) { list(after: [$p]) } }",
            "subscription($p: String) { a(after: $p) { ...f } } fragment f on A { list(x: {y: $p}) }",
        ] {
            assert!(!forgotten(kept), "{kept}");
        }
    }
}
