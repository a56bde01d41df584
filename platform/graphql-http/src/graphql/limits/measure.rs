//! Measures a parsed document.

use std::collections::HashMap;
use std::convert::Infallible;

use async_graphql::parser::types::{
    BaseType, Directive, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet,
    Type,
};
use async_graphql::{Name, Pos, Positioned, Value, Variables};
use async_graphql_value::Value as Given;

use super::super::coerce_variables::variable;
use super::super::field_access::{NeededAccess, RequiredAccess};
use super::super::list_size::ListSize;
use super::super::schema_index::{Field as Definition, SchemaIndex};
use super::cost::{Cost, CountedList, Limits, MAX_NESTING, NestedLists, SlicingArgument};
use crate::errors::{ApiError, Code};

/// The maximum size of a list that an argument can set; a higher one is rejected by the field itself.
const MAX_SIZE: i64 = 500;

/// The fields of an introspection that are lists of objects.
const INTROSPECTION_LISTS: [&str; 8] = [
    "types",
    "directives",
    "fields",
    "args",
    "interfaces",
    "possibleTypes",
    "enumValues",
    "inputFields",
];

/// What the operation that is executed counts and needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    pub complexity: u64,
    pub root_fields: u64,
    /// The access that it needs, if not everyone has it.
    pub access: Option<RequiredAccess>,
}

/// Rejects a document with an operation that exceeds a limit. Measures `selected`, one of its operations.
///
/// # Errors
/// The error names the limit and the measured value.
pub fn measure(
    document: &ExecutableDocument,
    selected: &OperationDefinition,
    variables: &Variables,
    index: &SchemaIndex,
    limits: &Limits,
) -> Result<Measured, ApiError> {
    let mut measured = Measured::default();
    for (_, operation) in document.operations.iter() {
        let mut walk = Walk::new(document, &operation.node, variables, index, limits);
        let cost = walk.operation(operation.pos)?;
        cost.check(limits, operation.pos)?;
        if std::ptr::eq(&raw const operation.node, selected) {
            measured = Measured {
                complexity: cost.complexity,
                root_fields: cost.fields,
                access: cost.access.and_then(NeededAccess::into_required),
            };
        }
    }
    Ok(measured)
}

/// Rejects a document that exceeds a limit whatever the values of its variables are. The complexity depends on them.
///
/// # Errors
/// The error names the limit and the measured value.
pub fn measure_without_variables(
    document: &ExecutableDocument,
    index: &SchemaIndex,
    limits: &Limits,
) -> Result<(), ApiError> {
    let variables = Variables::default();
    for (_, operation) in document.operations.iter() {
        let mut walk = Walk::new(document, &operation.node, &variables, index, limits);
        let cost = walk.operation(operation.pos)?;
        cost.check_document(limits, operation.pos)?;
    }
    Ok(())
}

/// The size of a list, and the argument that sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Size<'a> {
    items: u64,
    argument: Option<SlicingArgument<'a>>,
}

/// What the cost of a selection depends on: the object that is selected from, and the sizes that the field which returned
/// it sets.
#[derive(Clone, Copy)]
struct Parent<'a> {
    object: Option<&'a str>,
    sized: Option<(&'a [String], Size<'a>)>,
}

impl<'a> Parent<'a> {
    const fn root(object: &'a str) -> Self {
        Self {
            object: Some(object),
            sized: None,
        }
    }

    /// The same object, as a fragment on this type selects from it.
    const fn on(self, object: &'a str) -> Self {
        Self {
            object: Some(object),
            ..self
        }
    }
}

struct Walk<'a> {
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    index: &'a SchemaIndex,
    introspection: bool,
    /// The maximum complexity.
    limit: u64,
    /// Measured fragments, by the size that the field above sets; `None` while one is being measured, by which cycles are
    /// detected.
    fragments: HashMap<(&'a Name, Option<Size<'a>>), Option<Cost<'a>>>,
}

impl<'a> Walk<'a> {
    fn new(
        document: &'a ExecutableDocument,
        operation: &'a OperationDefinition,
        variables: &'a Variables,
        index: &'a SchemaIndex,
        limits: &Limits,
    ) -> Self {
        Self {
            document,
            operation,
            variables,
            index,
            introspection: limits.introspection,
            limit: u64::from(limits.complexity),
            fragments: HashMap::new(),
        }
    }

    /// The cost of the whole operation, which is at `place`.
    fn operation(&mut self, place: Pos) -> Result<Cost<'a>, ApiError> {
        let operation = self.operation;
        let root = Parent::root(SchemaIndex::root(operation.ty));
        let mut cost = self.set(&operation.selection_set.node, place, &root, 0)?;
        cost.directives += count(operation.directives.len());
        Ok(cost)
    }

    fn set(
        &mut self,
        set: &'a SelectionSet,
        place: Pos,
        parent: &Parent<'a>,
        nesting: usize,
    ) -> Result<Cost<'a>, ApiError> {
        if nesting > MAX_NESTING {
            let message = format!("selections are nested at most {MAX_NESTING} deep");
            return Err(ApiError::at_location(Code::QueryTooDeep, message, place));
        }
        let mut total = Cost::default();
        for Positioned { node, pos } in &set.items {
            let (mut cost, directives) = match node {
                Selection::Field(field) => {
                    let cost = self.field(field, parent, nesting)?;
                    (cost, &field.node.directives)
                }
                Selection::InlineFragment(inline) => {
                    let inline = &inline.node;
                    let condition = inline.type_condition.as_ref();
                    let parent =
                        condition.map_or(*parent, |on| parent.on(on.node.on.node.as_str()));
                    let set = &inline.selection_set.node;
                    let cost = self.set(set, *pos, &parent, nesting + 1)?;
                    (cost, &inline.directives)
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let cost = self.fragment(name, *pos, parent, nesting)?;
                    (cost, &spread.node.directives)
                }
            };
            cost.directives = cost.directives.saturating_add(count(directives.len()));
            if self.is_excluded(directives) {
                cost = cost.excluded();
            }
            total.add(cost);
            total.selections = total.selections.saturating_add(1);
        }
        Ok(total)
    }

    /// The cost of a fragment that is spread at `place`.
    fn fragment(
        &mut self,
        name: &'a Name,
        place: Pos,
        parent: &Parent<'a>,
        nesting: usize,
    ) -> Result<Cost<'a>, ApiError> {
        let key = (name, parent.sized.map(|(_, size)| size));
        if let Some(known) = self.fragments.get(&key) {
            return known.ok_or_else(|| {
                let message = format!("the fragment {name} spreads itself");
                ApiError::invalid_document(message, place)
            });
        }
        let Some(fragment) = self.document.fragments.get(name) else {
            let message = format!("there is no fragment {name}");
            return Err(ApiError::invalid_document(message, place));
        };
        self.fragments.insert(key, None);
        let fragment = &fragment.node;
        let parent = parent.on(fragment.type_condition.node.on.node.as_str());
        let set = &fragment.selection_set.node;
        let mut cost = self.set(set, place, &parent, nesting + 1)?;
        cost.directives += count(fragment.directives.len());
        self.fragments.insert(key, Some(cost));
        Ok(cost)
    }

    fn field(
        &mut self,
        field: &'a Positioned<Field>,
        parent: &Parent<'a>,
        nesting: usize,
    ) -> Result<Cost<'a>, ApiError> {
        let Positioned { node: field, pos } = field;
        let name = field.name.node.as_str();
        let about_schema = matches!(name, "__schema" | "__type");
        if about_schema && !self.introspection {
            let message = "introspection is disabled";
            return Err(ApiError::invalid_document(message, *pos));
        }
        let index = self.index;
        let definition = parent
            .object
            .and_then(|object| index.definition(object, name));
        let set = &field.selection_set.node;
        let object = definition.map(|field| SchemaIndex::named(&field.ty));
        let (size, sized) = self.sizes(field, definition, parent);
        let below = self.set(set, *pos, &Parent { object, sized }, nesting + 1)?;
        let is_object = !field.selection_set.node.items.is_empty();
        let own = object.map_or(1, |object| index.weight(object));
        let each = below
            .complexity
            .saturating_add(if is_object { own } else { 0 });
        let depth = below.depth + 1;
        Ok(Cost {
            depth: if about_schema { 1 } else { depth },
            introspection_depth: if about_schema {
                depth
            } else {
                below.introspection_depth
            },
            complexity: each.saturating_mul(size.map_or(1, |size| size.items)),
            aliases: below.aliases + u64::from(field.alias.is_some()),
            introspection_lists: if definition.is_none() && INTROSPECTION_LISTS.contains(&name) {
                let below = below.introspection_lists;
                Some(NestedLists {
                    outermost: name,
                    number: below.map_or(0, |lists| lists.number) + 1,
                    place: *pos,
                })
            } else {
                below.introspection_lists
            },
            introspection_selections: if about_schema {
                below.selections
            } else {
                below.introspection_selections
            },
            fields: 1,
            access: NeededAccess::stricter(needed(definition, name, *pos), below.access),
            largest: size.map_or(below.largest, |size| {
                let list = CountedList {
                    field: name,
                    argument: size.argument,
                    size: size.items,
                    each,
                    times: 1,
                    place: *pos,
                };
                Some(self.larger(list, below.largest))
            }),
            ..below
        })
    }

    /// Which list a client should make smaller: the outer one if it has an argument and one item of it can pass.
    fn larger(&self, outer: CountedList<'a>, inner: Option<CountedList<'a>>) -> CountedList<'a> {
        let inner = inner.filter(|inner| inner.argument.is_some());
        let is_outer = outer.argument.is_some() && outer.each <= self.limit;
        match inner {
            Some(inner) if !is_outer => CountedList {
                times: inner.times.saturating_mul(outer.size),
                ..inner
            },
            _ => outer,
        }
    }

    /// The size of a field that is a list, and the sizes that it sets for the lists of the returned object.
    fn sizes(
        &self,
        field: &Field,
        definition: Option<&'a Definition>,
        parent: &Parent<'a>,
    ) -> (Option<Size<'a>>, Option<(&'a [String], Size<'a>)>) {
        let Some(definition) = definition else {
            return (None, None);
        };
        let own = definition.size.as_ref().map(|stated| {
            let size = self.size(field, definition, stated);
            (stated.fields.as_slice(), size)
        });
        if !is_list(&definition.ty) {
            return (None, own);
        }
        let name = field.name.node.as_str();
        let from_parent = parent
            .sized
            .filter(|(fields, _)| fields.iter().any(|sized| sized == name));
        (own.or(from_parent).map(|(_, size)| size), None)
    }

    /// The size that the arguments of a field set, or the assumed one.
    fn size(&self, field: &Field, definition: &Definition, stated: &'a ListSize) -> Size<'a> {
        let mut arguments = stated.arguments.iter().map(|name| SlicingArgument {
            name,
            is_list: definition.argument(name).is_some_and(is_list),
        });
        let given = arguments
            .clone()
            .find_map(|argument| Some((argument, self.given(field, argument)?)));
        let (argument, items) = match given {
            Some((argument, items)) if (0..=MAX_SIZE).contains(&items) => {
                (Some(argument), items.unsigned_abs())
            }
            // The field rejects it.
            Some((argument, _)) => (Some(argument), 1),
            None => (arguments.next(), stated.assumed),
        };
        Size { items, argument }
    }

    /// The number that an argument sets, if it is given and not null. A single value is a list of one.
    fn given(&self, field: &Field, argument: SlicingArgument<'_>) -> Option<i64> {
        match self.value(field.get_argument(argument.name)?)? {
            Value::Null => None,
            Value::List(items) if argument.is_list => i64::try_from(items.len()).ok(),
            _ if argument.is_list => Some(1),
            Value::Number(number) => Some(number.as_i64().unwrap_or(i64::MAX)),
            _ => None,
        }
    }

    /// Whether `@skip` or `@include` exclude a selection, with the values of the variables. One whose value is not known
    /// excludes nothing.
    fn is_excluded(&self, directives: &[Positioned<Directive>]) -> bool {
        directives.iter().any(|Positioned { node, .. }| {
            let excluding = match node.name.node.as_str() {
                "skip" => true,
                "include" => false,
                _ => return false,
            };
            let condition = node.get_argument("if").and_then(|it| self.value(it));
            condition == Some(Value::Boolean(excluding))
        })
    }

    /// A value with the variables in it replaced by theirs, or by null.
    fn value(&self, value: &Positioned<Given>) -> Option<Value> {
        let lookup = |name: Name| {
            let given = variable(self.operation, self.variables, &name);
            Ok::<_, Infallible>(given.cloned().unwrap_or_default())
        };
        value.node.clone().into_const_with(lookup).ok()
    }
}

/// The access that a field states.
fn needed<'a>(
    definition: Option<&Definition>,
    field: &'a str,
    place: Pos,
) -> Option<NeededAccess<'a>> {
    let access = definition?.access?;
    Some(NeededAccess {
        access,
        field,
        place,
    })
}

const fn is_list(ty: &Type) -> bool {
    matches!(ty.base, BaseType::List(_))
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "measure_tests.rs"]
mod tests;
