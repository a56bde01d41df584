//! Coerces the values of variables (section 6.1.2 of the specification).
//!
//! Where a nullable variable without a value is used, its argument or input field counts as absent, which differs from
//! null. The engine would pass null, so such usages are removed from the document before it is executed. A missing value of
//! a non-null variable rejects the whole request, before any of its mutations is executed.

use std::collections::HashSet;

use async_graphql::parser::types::{
    ExecutableDocument, OperationDefinition, Selection, SelectionSet, VariableDefinition,
};
use async_graphql::{Name, Positioned, Value, Variables};
use async_graphql_value::Value as Given;

use super::document::operations_mut;
use super::input_coercion::{Source, Values, definition};
use super::number_precision::ReplacedNumbers;
use super::schema_index::SchemaIndex;
use crate::errors::ApiError;

/// Rejects an operation if a required variable has no value.
///
/// # Errors
/// The error names the variable.
pub fn require(operation: &OperationDefinition, variables: &Variables) -> Result<(), ApiError> {
    for Positioned { node, pos } in &operation.variable_definitions {
        let name = &node.name.node;
        let problem = match variables.get(name) {
            None if node.default_value.is_none() => "is required but not provided",
            Some(Value::Null) => "must not be null",
            _ => continue,
        };
        if !node.var_type.node.nullable {
            let message = format!(
                "Variable \"${name}\" of type \"{}\" {problem}",
                node.var_type.node
            );
            return Err(ApiError::invalid_document(message, *pos));
        }
    }
    Ok(())
}

/// Coerces the variables of an operation into the form that the engine accepts.
///
/// # Errors
/// A value does not match the declared type. The error names the variable, the type, and the value.
pub fn coerce(
    operation: &OperationDefinition,
    variables: &mut Variables,
    index: &SchemaIndex,
    replaced: &ReplacedNumbers,
) -> Result<(), ApiError> {
    let values = Values::unknown(index, operation, replaced);
    for Positioned { node, pos } in &operation.variable_definitions {
        let name = &node.name.node;
        if let Some(value) = variables.get_mut(name) {
            let given = std::mem::take(value).into_value();
            let coerced = values.coerce(&node.var_type.node, &given, Source::Variables);
            *value = coerced.map_err(|misfit| misfit.error(&format!("${name}"), *pos))?;
        }
    }
    Ok(())
}

/// The variable's value, or its default.
pub fn variable<'a>(
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    name: &Name,
) -> Option<&'a Value> {
    variables.get(name).or_else(|| {
        let definition = definition(operation, name)?;
        definition.default_value.as_ref().map(|it| &it.node)
    })
}

/// Gives variables without a value their defaults, which the engine would not use in `@skip` and `@include`.
pub fn add_defaults(operation: &OperationDefinition, variables: &mut Variables) {
    for Positioned { node, .. } in &operation.variable_definitions {
        let name = &node.name.node;
        if let Some(default) = &node.default_value
            && !variables.contains_key(name)
        {
            variables.insert(name.clone(), default.node.clone());
        }
    }
}

/// The operation's variables that are absent.
#[must_use]
pub fn absent(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
) -> HashSet<Name> {
    let optional = |definition: &VariableDefinition| {
        definition.var_type.node.nullable && definition.default_value.is_none()
    };
    let mut absent: HashSet<Name> = operation
        .variable_definitions
        .iter()
        .filter(|it| optional(&it.node) && !variables.contains_key(&it.node.name.node))
        .map(|it| it.node.name.node.clone())
        .collect();
    // The engine validates all operations of a document, so a variable that another one requires must stay.
    for (_, other) in document.operations.iter() {
        for Positioned { node, .. } in &other.node.variable_definitions {
            if !optional(node) {
                absent.remove(&node.name.node);
            }
        }
    }
    absent
}

/// Removes absent variables from the document: their usages, and then their definitions.
pub fn remove_absent(document: &mut ExecutableDocument, absent: &HashSet<Name>) {
    let mut found = HashSet::new();
    let mut places = Places {
        absent,
        found: &mut found,
    };
    for fragment in document.fragments.values_mut() {
        places.set(&mut fragment.node.selection_set.node);
    }
    for operation in operations_mut(document) {
        places.set(&mut operation.selection_set.node);
    }
    for operation in operations_mut(document) {
        let definitions = &mut operation.variable_definitions;
        definitions.retain(|it| !found.contains(&it.node.name.node));
    }
}

struct Places<'a> {
    absent: &'a HashSet<Name>,
    found: &'a mut HashSet<Name>,
}

impl Places<'_> {
    fn set(&mut self, set: &mut SelectionSet) {
        for item in &mut set.items {
            match &mut item.node {
                Selection::Field(field) => {
                    let arguments = &mut field.node.arguments;
                    arguments.retain(|(_, value)| !self.is_absent(&value.node));
                    for (_, value) in arguments {
                        self.value(&mut value.node);
                    }
                    self.set(&mut field.node.selection_set.node);
                }
                Selection::InlineFragment(inline) => {
                    self.set(&mut inline.node.selection_set.node);
                }
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn value(&mut self, value: &mut Given) {
        match value {
            Given::Object(fields) => {
                fields.retain(|_, value| !self.is_absent(value));
                fields.values_mut().for_each(|value| self.value(value));
            }
            Given::List(items) => {
                for item in items {
                    // An item of a list cannot be absent; the specification makes it null.
                    if self.is_absent(item) {
                        *item = Given::Null;
                    }
                    self.value(item);
                }
            }
            Given::Variable(_)
            | Given::Null
            | Given::Number(_)
            | Given::String(_)
            | Given::Boolean(_)
            | Given::Binary(_)
            | Given::Enum(_) => {}
        }
    }

    fn is_absent(&mut self, value: &Given) -> bool {
        let Given::Variable(name) = value else {
            return false;
        };
        let absent = self.absent.contains(name);
        if absent {
            self.found.insert(name.clone());
        }
        absent
    }
}
