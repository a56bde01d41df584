//! Measures a parsed document.

use std::collections::HashMap;

use async_graphql::parser::types::{
    BaseType, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet, Type,
};
use async_graphql::{Name, Pos, Positioned, Value, Variables};

use super::super::coerce_variables::variable;
use super::super::schema_index::SchemaIndex;
use super::cost::{Cost, Limits, MAX_NESTING};
use crate::errors::{ApiError, Code};

/// The assumed length of a list without a limit.
const DEFAULT_LENGTH: u64 = 20;
/// The maximum length of a list; a higher limit is rejected by the field itself.
const MAX_LENGTH: i64 = 500;

/// Rejects a document with an operation that exceeds a limit.
///
/// # Errors
/// The error names the limit and the measured value.
pub fn measure(
    document: &ExecutableDocument,
    variables: &Variables,
    index: &SchemaIndex,
    limits: &Limits,
) -> Result<(), ApiError> {
    for (_, operation) in document.operations.iter() {
        let mut walk = Walk {
            document,
            operation: &operation.node,
            variables,
            index,
            introspection: limits.introspection,
            fragments: HashMap::new(),
        };
        let root = SchemaIndex::root(operation.node.ty);
        let set = &operation.node.selection_set.node;
        let mut cost = walk.set(set, operation.pos, Some(root), 0)?;
        cost.directives += count(operation.node.directives.len());
        cost.check(limits, operation.pos)?;
    }
    Ok(())
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    index: &'a SchemaIndex,
    introspection: bool,
    /// Measured fragments; `None` while one is being measured, by which cycles are detected.
    fragments: HashMap<&'a Name, Option<Cost>>,
}

impl<'a> Walk<'a> {
    fn set(
        &mut self,
        set: &'a SelectionSet,
        place: Pos,
        object: Option<&'a str>,
        nesting: usize,
    ) -> Result<Cost, ApiError> {
        if nesting > MAX_NESTING {
            let message = format!("selections are nested at most {MAX_NESTING} deep");
            return Err(ApiError::at_location(Code::QueryTooDeep, message, place));
        }
        let mut total = Cost::default();
        for Positioned { node, pos } in &set.items {
            let cost = match node {
                Selection::Field(field) => self.field(field, object, nesting)?,
                Selection::InlineFragment(inline) => {
                    let inline = &inline.node;
                    let condition = inline.type_condition.as_ref();
                    let object = condition.map_or(object, |on| Some(on.node.on.node.as_str()));
                    let set = &inline.selection_set.node;
                    let mut cost = self.set(set, *pos, object, nesting + 1)?;
                    cost.directives += count(inline.directives.len());
                    cost
                }
                Selection::FragmentSpread(spread) => {
                    let mut cost = self.fragment(&spread.node.fragment_name.node, *pos, nesting)?;
                    cost.directives += count(spread.node.directives.len());
                    cost
                }
            };
            total.add(cost);
            total.selections = total.selections.saturating_add(1);
        }
        Ok(total)
    }

    /// The cost of a fragment that is spread at `place`.
    fn fragment(&mut self, name: &'a Name, place: Pos, nesting: usize) -> Result<Cost, ApiError> {
        if let Some(known) = self.fragments.get(name) {
            return known.ok_or_else(|| {
                let message = format!("the fragment {name} spreads itself");
                ApiError::invalid_document(message, place)
            });
        }
        let Some(fragment) = self.document.fragments.get(name) else {
            let message = format!("there is no fragment {name}");
            return Err(ApiError::invalid_document(message, place));
        };
        self.fragments.insert(name, None);
        let fragment = &fragment.node;
        let object = fragment.type_condition.node.on.node.as_str();
        let set = &fragment.selection_set.node;
        let mut cost = self.set(set, place, Some(object), nesting + 1)?;
        cost.directives += count(fragment.directives.len());
        self.fragments.insert(name, Some(cost));
        Ok(cost)
    }

    fn field(
        &mut self,
        field: &'a Positioned<Field>,
        object: Option<&'a str>,
        nesting: usize,
    ) -> Result<Cost, ApiError> {
        let Positioned { node: field, pos } = field;
        let name = field.name.node.as_str();
        let about_schema = matches!(name, "__schema" | "__type");
        if about_schema && !self.introspection {
            let message = "introspection is disabled";
            return Err(ApiError::invalid_document(message, *pos));
        }
        let index = self.index;
        let ty = object.and_then(|object| index.field(object, name));
        let set = &field.selection_set.node;
        let below = self.set(set, *pos, ty.map(SchemaIndex::named), nesting + 1)?;
        let is_object = !field.selection_set.node.items.is_empty();
        let each = below.complexity.saturating_add(u64::from(is_object));
        let depth = below.depth + 1;
        Ok(Cost {
            depth: if about_schema { 1 } else { depth },
            introspection_depth: if about_schema {
                depth
            } else {
                below.introspection_depth
            },
            complexity: each.saturating_mul(self.length(field, ty)),
            aliases: below.aliases + u64::from(field.alias.is_some()),
            directives: below.directives + count(field.directives.len()),
            fields: 1,
            ..below
        })
    }

    /// The maximum number of items of a field: 1 if it is not a list.
    fn length(&self, field: &Field, ty: Option<&Type>) -> u64 {
        let is_list = ty.is_some_and(|ty| matches!(ty.base, BaseType::List(_)));
        if !is_list {
            return 1;
        }
        let limit = field.arguments.iter().find_map(|(name, value)| {
            matches!(name.node.as_str(), "limit" | "first" | "last" | "perPage")
                .then_some(&value.node)
        });
        let given = limit.and_then(|value| {
            let lookup = |name: Name| {
                let given = variable(self.operation, self.variables, &name);
                given.cloned().ok_or(())
            };
            value.clone().into_const_with(lookup).ok()
        });
        let length = match given {
            Some(Value::Number(number)) => number.as_i64(),
            _ => None,
        };
        match length {
            Some(length) if (0..=MAX_LENGTH).contains(&length) => length.unsigned_abs(),
            Some(_) => 1,
            None => DEFAULT_LENGTH,
        }
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "measure_tests.rs"]
mod tests;
