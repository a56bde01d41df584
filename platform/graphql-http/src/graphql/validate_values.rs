//! Validates the types of all values of a document before anything is executed.
//!
//! The engine validates values roughly with the document, and exactly only when it executes the field that takes them. So a
//! number beyond 32 bits, or a string in place of an input object, would be found only when its mutation is executed, after
//! earlier mutations have committed. Here every value is validated exactly, first: variables against their declared types,
//! and arguments with the variables substituted.
//!
//! The engine also does not validate the values of operations that are not executed, the types of variables within input
//! objects and in the conditions of directives, the directives of variables, and the arguments and selections of
//! `__typename`; and it panics at the default value of a variable whose type is a list of an unknown type. All of this is
//! validated here.

use std::collections::HashSet;

use async_graphql::parser::types::{
    BaseType, Directive, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet,
    Type, VariableDefinition,
};
use async_graphql::{Name, Positioned, Variables};

use super::document::in_order;
use super::input_coercion::{Source, Values, is_scalar};
use super::number_precision::ReplacedNumbers;
use super::schema_index::SchemaIndex;
use crate::errors::ApiError;

/// Rejects a document with a value of the wrong type; `executed` is the operation to execute, if there is one yet, with its
/// coerced variables.
///
/// # Errors
/// The error names the argument or variable, the expected type, and the value.
pub fn validate(
    document: &ExecutableDocument,
    executed: Option<(&OperationDefinition, &Variables)>,
    index: &SchemaIndex,
    replaced: &ReplacedNumbers,
) -> Result<(), ApiError> {
    for (_, each) in in_order(document) {
        let unknown = Values::unknown(index, &each.node, replaced);
        for definition in &each.node.variable_definitions {
            declaration(&unknown, definition)?;
        }
        let own = executed.filter(|(operation, _)| std::ptr::eq(&raw const each.node, *operation));
        let mut walk = Walk {
            document,
            values: Values {
                variables: own.map(|(_, variables)| variables),
                ..unknown
            },
            condition: Type {
                base: BaseType::Named(Name::new("Boolean")),
                nullable: false,
            },
            seen: HashSet::new(),
        };
        let root = SchemaIndex::root(each.node.ty);
        walk.set(&each.node.selection_set.node, Some(root))?;
    }
    Ok(())
}

/// Validates the type and the default value of a variable.
fn declaration(
    values: &Values<'_>,
    definition: &Positioned<VariableDefinition>,
) -> Result<(), ApiError> {
    let Positioned { node, pos } = definition;
    let (name, ty) = (&node.name.node, &node.var_type.node);
    if let Some(Positioned { node, pos }) = node.directives.first() {
        let message = format!("@{} is not allowed on a variable", node.name.node);
        return Err(ApiError::invalid_document(message, *pos));
    }
    let named = SchemaIndex::named(ty);
    if values.index.input(named).is_none() && !is_scalar(named) {
        let message = format!("${name}: there is no input type {named}");
        return Err(ApiError::invalid_document(message, *pos));
    }
    if let Some(Positioned { node: value, pos }) = &node.default_value {
        let given = value.clone().into_value();
        let fits = values.coerce(ty, &given, Source::Document);
        fits.map_err(|misfit| misfit.error(&format!("${name}"), *pos))?;
    }
    Ok(())
}

/// Visits each fragment once. Errors of the selections themselves are reported by the engine.
struct Walk<'a> {
    document: &'a ExecutableDocument,
    values: Values<'a>,
    /// The type of the argument of `@skip` and `@include`.
    condition: Type,
    seen: HashSet<&'a Name>,
}

impl<'a> Walk<'a> {
    fn set(&mut self, set: &'a SelectionSet, object: Option<&'a str>) -> Result<(), ApiError> {
        for Positioned { node, .. } in &set.items {
            match node {
                Selection::Field(Positioned { node: field, pos }) => {
                    let is_leaf =
                        field.arguments.is_empty() && field.selection_set.node.items.is_empty();
                    if field.name.node == "__typename" && !is_leaf {
                        let message = "__typename has neither arguments nor fields";
                        return Err(ApiError::invalid_document(message, *pos));
                    }
                    self.arguments(field, object)?;
                    self.directives(&field.directives)?;
                    let below = &field.selection_set.node;
                    if !below.items.is_empty() {
                        let name = field.name.node.as_str();
                        let ty = object.and_then(|object| self.values.index.field(object, name));
                        self.set(below, ty.map(SchemaIndex::named))?;
                    }
                }
                Selection::InlineFragment(inline) => {
                    self.directives(&inline.node.directives)?;
                    let condition = inline.node.type_condition.as_ref();
                    let object = condition.map_or(object, |on| Some(on.node.on.node.as_str()));
                    self.set(&inline.node.selection_set.node, object)?;
                }
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.node.directives)?;
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = self.document.fragments.get(name)
                        && self.seen.insert(name)
                    {
                        let object = fragment.node.type_condition.node.on.node.as_str();
                        self.set(&fragment.node.selection_set.node, Some(object))?;
                    }
                }
            }
        }
        Ok(())
    }

    fn arguments(&self, field: &Field, object: Option<&str>) -> Result<(), ApiError> {
        let Some(object) = object else {
            return Ok(());
        };
        for (name, value) in &field.arguments {
            let (argument, place) = (name.node.as_str(), value.pos);
            let index = self.values.index;
            let ty = index.argument(object, field.name.node.as_str(), argument);
            if let Some(ty) = ty {
                let fits = self.values.coerce(ty, &value.node, Source::Document);
                fits.map_err(|misfit| misfit.error(argument, place))?;
            }
        }
        Ok(())
    }

    /// Other directives and arguments are unknown, and reported by the engine.
    fn directives(&self, directives: &[Positioned<Directive>]) -> Result<(), ApiError> {
        for Positioned { node, .. } in directives {
            let directive = node.name.node.as_str();
            if !matches!(directive, "skip" | "include") {
                continue;
            }
            if let Some((_, value)) = node.arguments.iter().find(|(name, _)| name.node == "if") {
                let fits = self
                    .values
                    .coerce(&self.condition, &value.node, Source::Document);
                fits.map_err(|misfit| misfit.error(&format!("@{directive}.if"), value.pos))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "validate_values_tests.rs"]
mod tests;
