//! Rules of the variables of a document (sections 5.8.1, 5.8.3 and 5.8.4 of the specification).
//!
//! The engine accepts two variables of one name, of which the last one counts, and does not distinguish the operations of a
//! document when it looks for variables that are undeclared or not used.

use std::collections::HashSet;

use async_graphql::parser::types::{Directive, ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Name, Pos, Positioned};
use async_graphql_value::Value as Given;

use super::document::in_order;
use crate::errors::ApiError;

/// Rejects an operation that declares a variable twice, does not declare one that it uses, or does not use one.
///
/// # Errors
/// The error names the variable.
pub fn validate(document: &ExecutableDocument) -> Result<(), ApiError> {
    for (name, operation) in in_order(document) {
        let operation = &operation.node;
        let by = name.map_or_else(String::new, |name| format!(" by the operation {name}"));
        let mut uses = Uses::in_document(document);
        uses.directives(&operation.directives);
        uses.set(&operation.selection_set.node);
        let mut declared = HashSet::new();
        for Positioned { node, pos } in &operation.variable_definitions {
            let variable = &node.name.node;
            if !declared.insert(variable) {
                let message = format!("${variable} is declared more than once{by}");
                return Err(ApiError::invalid_document(message, *pos));
            }
            if !uses.found.iter().any(|(used, _)| *used == variable) {
                let message = format!("${variable} is not used{by}");
                return Err(ApiError::invalid_document(message, *pos));
            }
        }
        let mut found = uses.found.iter();
        if let Some((variable, pos)) = found.find(|(used, _)| !declared.contains(used)) {
            let message = format!("${variable} is not declared{by}");
            return Err(ApiError::invalid_document(message, *pos));
        }
    }
    Ok(())
}

/// Collects the variables that an operation uses, each fragment once.
struct Uses<'a> {
    document: &'a ExecutableDocument,
    found: Vec<(&'a Name, Pos)>,
    seen: HashSet<&'a Name>,
}

impl<'a> Uses<'a> {
    fn in_document(document: &'a ExecutableDocument) -> Self {
        Self {
            document,
            found: Vec::new(),
            seen: HashSet::new(),
        }
    }

    fn set(&mut self, set: &'a SelectionSet) {
        for Positioned { node, .. } in &set.items {
            match node {
                Selection::Field(field) => {
                    self.arguments(&field.node.arguments);
                    self.directives(&field.node.directives);
                    self.set(&field.node.selection_set.node);
                }
                Selection::InlineFragment(inline) => {
                    self.directives(&inline.node.directives);
                    self.set(&inline.node.selection_set.node);
                }
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.node.directives);
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = self.document.fragments.get(name)
                        && self.seen.insert(name)
                    {
                        self.directives(&fragment.node.directives);
                        self.set(&fragment.node.selection_set.node);
                    }
                }
            }
        }
    }

    fn directives(&mut self, directives: &'a [Positioned<Directive>]) {
        for directive in directives {
            self.arguments(&directive.node.arguments);
        }
    }

    fn arguments(&mut self, arguments: &'a [(Positioned<Name>, Positioned<Given>)]) {
        for (_, Positioned { node, pos }) in arguments {
            self.value(node, *pos);
        }
    }

    fn value(&mut self, value: &'a Given, pos: Pos) {
        match value {
            Given::Variable(name) => self.found.push((name, pos)),
            Given::List(items) => items.iter().for_each(|item| self.value(item, pos)),
            Given::Object(fields) => fields.values().for_each(|value| self.value(value, pos)),
            Given::Null
            | Given::Number(_)
            | Given::String(_)
            | Given::Boolean(_)
            | Given::Binary(_)
            | Given::Enum(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::parse;
    use super::validate;
    use crate::errors::Code;

    fn rule(text: &str) -> Option<String> {
        let error = validate(&parse(text).expect("GraphQL").document).err()?;
        assert_eq!(error.code, Code::GraphqlValidationFailed);
        assert!(error.location.is_some(), "{text}");
        Some(error.message)
    }

    #[test]
    fn declared_and_used_variables_are_accepted() {
        for valid in [
            "query($a: Int, $b: Int) { f(n: $a) @skip(if: $b) }",
            "query($a: Int) { f(n: {x: [$a]}) f(n: {x: [$a]}) }",
            "query A($a: Int) { ...F } query B($a: Int) { ...F } fragment F on Query { ...G } fragment G on Query { f(n: $a) }",
            "query($a: Boolean!) { ... @include(if: $a) { f } ...F @skip(if: $a) } fragment F on Query { f }",
        ] {
            assert_eq!(rule(valid), None, "{valid}");
        }
    }

    #[test]
    fn each_operation_is_judged_alone() {
        for (bad, message) in [
            (
                "query($a: Int, $a: String) { f(n: $a) }",
                "$a is declared more than once",
            ),
            (
                "query A { f } query B($b: Int, $b: Int) { f(n: $b) }",
                "$b is declared more than once by the operation B",
            ),
            ("query($a: Int) { f }", "$a is not used"),
            (
                "query A($a: Int) { f } query B($a: Int) { f(n: $a) }",
                "$a is not used by the operation A",
            ),
            (
                "query A($a: Int) { f(n: $a) } query B { f(n: $a) }",
                "$a is not declared by the operation B",
            ),
            ("{ ... @skip(if: $a) { f } }", "$a is not declared"),
            (
                "query A { ...F } fragment F on Query { f(n: [{x: $a}]) }",
                "$a is not declared by the operation A",
            ),
        ] {
            assert_eq!(rule(bad).as_deref(), Some(message), "{bad}");
        }
    }
}
