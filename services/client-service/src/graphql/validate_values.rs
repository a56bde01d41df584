//! The types of all values that an operation is given, checked before anything is executed.
//!
//! The engine looks at values twice: roughly when it validates the document, exactly when it executes the field that
//! takes them. So a number beyond 32 bits, or text where an input object belongs, would be found out at the turn of
//! its mutation, with the mutations before it committed. Here every value is looked at exactly, first: those of the
//! variables against the types they were declared with, and those of the arguments, with the variables put in.
//!
//! In places the engine also differs from the specification (sections 3.5, 3.9 to 3.12 and 6.1.2). It takes a string in
//! the document for an enum value, which it may be only in variables; it refuses `1.0` as an Int, which in JSON is the
//! number 1; it does not look at the values of operations that are not executed, at the types of variables within input
//! objects, at the directives of variables, and at what belongs to a `__typename`; and it stops at the default value of a
//! variable whose type is a list of an unknown one. All of it is put right here.

use std::collections::HashSet;
use std::fmt;

use async_graphql::parser::types::{
    BaseType, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet, Type,
    VariableDefinition,
};
use async_graphql::{ID, InputType, Name, Positioned, ScalarType, Value, Variables};
use async_graphql_value::Value as Given;
use async_graphql_value::indexmap::IndexMap;

use super::scalars::{DateTime, Decimal};
use super::schema_index::{Input, InputField, SchemaIndex};
use crate::errors::ApiError;

/// How much of a wrong value an error shows.
const SHOWN_CHARS: usize = 40;

/// Brings the variables of an operation into the form in which the engine takes them.
///
/// # Errors
/// One is of another type than it was declared with. The error names it, the type, and the value.
pub fn coerce(
    operation: &OperationDefinition,
    variables: &mut Variables,
    index: &SchemaIndex,
) -> Result<(), ApiError> {
    let values = Values::unknown(index, operation);
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

/// Refuses a document that gives a value of another type than it must have; `variables` are those of the operation that is
/// to be executed, coerced.
///
/// # Errors
/// It names the place, the type, and the value.
pub fn validate(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
    index: &SchemaIndex,
) -> Result<(), ApiError> {
    let mut operations: Vec<_> = document.operations.iter().map(|(_, each)| each).collect();
    operations.sort_by_key(|each| each.pos);
    for each in operations {
        for definition in &each.node.variable_definitions {
            declaration(index, &each.node, definition)?;
        }
        let is_executed = std::ptr::eq(&raw const each.node, operation);
        let mut walk = Walk {
            document,
            values: Values {
                index,
                operation: &each.node,
                variables: is_executed.then_some(variables),
            },
            seen: HashSet::new(),
        };
        let root = SchemaIndex::root(each.node.ty);
        walk.set(&each.node.selection_set.node, Some(root))?;
    }
    Ok(())
}

/// The type and the default value of a variable.
fn declaration(
    index: &SchemaIndex,
    operation: &OperationDefinition,
    definition: &Positioned<VariableDefinition>,
) -> Result<(), ApiError> {
    let Positioned { node, pos } = definition;
    let (name, ty) = (&node.name.node, &node.var_type.node);
    if let Some(Positioned { node, pos }) = node.directives.first() {
        let message = format!("@{} cannot be on a variable", node.name.node);
        return Err(ApiError::unfit(message, *pos));
    }
    let named = SchemaIndex::named(ty);
    if index.input(named).is_none() && !is_scalar(named) {
        let message = format!("${name}: there is no input type {named}");
        return Err(ApiError::unfit(message, *pos));
    }
    if let Some(Positioned { node: value, pos }) = &node.default_value {
        let given = value.clone().into_value();
        let values = Values::unknown(index, operation);
        let fits = values.coerce(ty, &given, Source::Document);
        fits.map_err(|misfit| misfit.error(&format!("${name}"), *pos))?;
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

fn definition<'a>(
    operation: &'a OperationDefinition,
    name: &Name,
) -> Option<&'a VariableDefinition> {
    let mut definitions = operation.variable_definitions.iter().map(|it| &it.node);
    definitions.find(|it| it.name.node == *name)
}

/// Looks at each fragment once; what is wrong with the selections themselves is the engine's to say.
struct Walk<'a> {
    document: &'a ExecutableDocument,
    values: Values<'a>,
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
                        return Err(ApiError::unfit(message, *pos));
                    }
                    self.arguments(field, object)?;
                    let below = &field.selection_set.node;
                    if !below.items.is_empty() {
                        let name = field.name.node.as_str();
                        let ty = object.and_then(|object| self.values.index.field(object, name));
                        self.set(below, ty.map(SchemaIndex::named))?;
                    }
                }
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref();
                    let object = condition.map_or(object, |on| Some(on.node.on.node.as_str()));
                    self.set(&inline.node.selection_set.node, object)?;
                }
                Selection::FragmentSpread(spread) => {
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
}

/// A value that is not of the type that its place wants.
#[derive(Debug)]
struct Misfit {
    /// From the inside out.
    path: Vec<String>,
    problem: String,
}

impl Misfit {
    fn new(problem: String) -> Self {
        let path = Vec::new();
        Self { path, problem }
    }

    fn expected(ty: impl fmt::Display, value: &impl fmt::Display) -> Self {
        let given = value.to_string();
        let shown: String = given.chars().take(SHOWN_CHARS).collect();
        let more = if shown.len() < given.len() { "…" } else { "" };
        Self::new(format!("expected {ty}, got {shown}{more}"))
    }

    fn within(mut self, segment: String) -> Self {
        self.path.push(segment);
        self
    }

    fn error(self, outermost: &str, place: async_graphql::Pos) -> ApiError {
        let path: String = self.path.iter().rev().map(String::as_str).collect();
        ApiError::unfit(format!("{outermost}{path}: {}", self.problem), place)
    }
}

/// Where a value is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// Also the variables, once they have been coerced.
    Document,
    /// JSON, which has no enum values and one type of number.
    Variables,
}

/// Compares values with types.
#[derive(Clone, Copy)]
struct Values<'a> {
    index: &'a SchemaIndex,
    operation: &'a OperationDefinition,
    /// `None`: the operation is not executed, so that its variables have no values.
    variables: Option<&'a Variables>,
}

impl<'a> Values<'a> {
    const fn unknown(index: &'a SchemaIndex, operation: &'a OperationDefinition) -> Self {
        let variables = None;
        Self {
            index,
            operation,
            variables,
        }
    }

    /// The value as the engine takes it.
    fn coerce(&self, ty: &Type, value: &Given, from: Source) -> Result<Value, Misfit> {
        match (value, &ty.base) {
            (Given::Variable(name), _) => self.variable(ty, name),
            (Given::Null, _) if ty.nullable => Ok(Value::Null),
            (Given::Null, _) => Err(Misfit::expected(ty, value)),
            (Given::List(items), BaseType::List(of)) => {
                let items = items.iter().enumerate().map(|(index, item)| {
                    let item = self.coerce(of, item, from);
                    item.map_err(|misfit| misfit.within(format!("[{index}]")))
                });
                items.collect::<Result<_, _>>().map(Value::List)
            }
            // A single value stands for a list of one.
            (_, BaseType::List(of)) => self.coerce(of, value, from),
            (_, BaseType::Named(name)) => self.named(name, value, from),
        }
    }

    /// The variable's value has been compared with the type that it was declared with. Here that is compared with what its
    /// place takes, also if there is no value. No place of the schema that takes no null has a default value of its own.
    fn variable(&self, ty: &Type, name: &Name) -> Result<Value, Misfit> {
        let Some(definition) = definition(self.operation, name) else {
            // The engine says that it is not declared.
            return Ok(Value::Null);
        };
        let declared = &definition.var_type.node;
        let default = definition.default_value.as_ref();
        let filled = Type {
            nullable: declared.nullable && default.is_none_or(|it| it.node == Value::Null),
            ..declared.clone()
        };
        if !is_part_of(&filled, ty) {
            let problem = format!("expected {ty}, got ${name} of type {declared}");
            return Err(Misfit::new(problem));
        }
        let value = self.variables.and_then(|all| all.get(name));
        match value {
            Some(Value::Null) if !ty.nullable => Err(Misfit::expected(ty, &Value::Null)),
            _ => Ok(Value::Null),
        }
    }

    fn named(&self, name: &Name, value: &Given, from: Source) -> Result<Value, Misfit> {
        let coerced = match (self.index.input(name), value) {
            (Some(Input::Object(fields)), Given::Object(values)) => {
                return self.object((name, fields), values, from);
            }
            (Some(Input::Enum(names)), Given::Enum(value)) => names
                .contains(value.as_str())
                .then(|| Value::Enum(value.clone())),
            (Some(Input::Enum(names)), Given::String(value)) => (from == Source::Variables
                && names.contains(value))
            .then(|| Value::Enum(Name::new(value))),
            (Some(Input::Object(_) | Input::Enum(_)), _) => None,
            (None, _) => value
                .clone()
                .into_const()
                .and_then(|value| scalar(name, value, from)),
        };
        coerced.ok_or_else(|| Misfit::expected(name, value))
    }

    fn object(
        &self,
        (name, fields): (&Name, &[InputField]),
        values: &IndexMap<Name, Given>,
        from: Source,
    ) -> Result<Value, Misfit> {
        let known = |given: &Name| fields.iter().any(|field| field.name == given.as_str());
        if let Some(unknown) = values.keys().find(|given| !known(given)) {
            return Err(Misfit::new(format!("{name} has no field {unknown}")));
        }
        let mut coerced = IndexMap::new();
        for field in fields {
            let value = values.get_key_value(field.name.as_str());
            match value {
                Some((key, value)) => self
                    .coerce(&field.ty, value, from)
                    .map(|value| _ = coerced.insert(key.clone(), value)),
                None if field.ty.nullable || field.has_default => Ok(()),
                None => Err(Misfit::expected(&field.ty, &"nothing")),
            }
            .map_err(|misfit| misfit.within(format!(".{}", field.name)))?;
        }
        Ok(Value::Object(coerced))
    }
}

/// Whether every value of a type is one of another.
fn is_part_of(ty: &Type, of: &Type) -> bool {
    let same_base = match (&ty.base, &of.base) {
        (BaseType::Named(ty), BaseType::Named(of)) => ty == of,
        (BaseType::List(ty), BaseType::List(of)) => is_part_of(ty, of),
        _ => false,
    };
    same_base && (of.nullable || !ty.nullable)
}

fn is_scalar(name: &str) -> bool {
    let known = [
        "Int", "Float", "String", "Boolean", "ID", "Decimal", "DateTime",
    ];
    known.contains(&name)
}

/// The value as the field that takes it will accept it.
fn scalar(name: &str, value: Value, from: Source) -> Option<Value> {
    let fits = match name {
        "Int" => return int(&value, from).map(Value::from),
        "Float" => <f64 as ScalarType>::is_valid(&value),
        "String" => <String as ScalarType>::is_valid(&value),
        "Boolean" => <bool as ScalarType>::is_valid(&value),
        "ID" => <ID as ScalarType>::is_valid(&value),
        "Decimal" => <Decimal as ScalarType>::is_valid(&value),
        "DateTime" => <DateTime as InputType>::parse(Some(value.clone())).is_ok(),
        // A type that the schema does not have; the engine says so.
        _ => true,
    };
    fits.then_some(value)
}

/// 32 bits. A JSON number without a fraction is an integer, however it is written.
fn int(value: &Value, from: Source) -> Option<i32> {
    let Value::Number(number) = value else {
        return None;
    };
    if let Some(whole) = number.as_i64() {
        return i32::try_from(whole).ok();
    }
    let whole = number.as_f64().filter(|_| from == Source::Variables)?;
    // Exact also beyond 32 bits, so that nothing is rounded into them.
    format!("{whole}").parse().ok()
}

#[cfg(test)]
#[path = "validate_values_tests.rs"]
mod tests;
