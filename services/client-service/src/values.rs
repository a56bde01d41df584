//! The types of all values that an operation is given, checked before anything is executed.
//!
//! The engine looks at values twice: roughly when it validates the document, exactly when it executes the field that
//! takes them. So a number beyond 32 bits, or text where an input object belongs, would be found out at the turn of
//! its mutation, with the mutations before it committed. Here every value is looked at exactly, first: those of the
//! variables against the types they were declared with, and those of the arguments, with the variables put in.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use async_graphql::parser::types::{
    BaseType, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet, Type,
};
use async_graphql::{ID, InputType, Name, Positioned, ScalarType, Value, Variables};
use async_graphql_value::Value as Given;

use crate::date_time::DateTime;
use crate::decimal::Decimal;
use crate::errors::ApiError;
use crate::limits::{Input, InputField, Shape};

/// How much of a wrong value an error shows.
const SHOWN_CHARS: usize = 40;

/// Refuses an operation that is given a value of another type than it must have.
///
/// # Errors
/// It names the place, the type, and the value.
pub fn check(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
    shape: &Shape,
) -> Result<(), ApiError> {
    for Positioned { node, pos } in &operation.variable_definitions {
        let name = &node.name.node;
        if let Some(value) = variable(operation, variables, name) {
            let fits = fits(shape, &node.var_type.node, value);
            fits.map_err(|misfit| misfit.error(&format!("${name}"), *pos))?;
        }
    }
    let mut walk = Walk {
        document,
        operation,
        variables,
        shape,
        seen: HashSet::new(),
    };
    walk.set(
        &operation.selection_set.node,
        Some(Shape::root(operation.ty)),
    )
}

/// The variable's value, or its default.
pub fn variable<'a>(
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    name: &Name,
) -> Option<&'a Value> {
    variables.get(name).or_else(|| {
        let definitions = &operation.variable_definitions;
        let definition = definitions.iter().find(|it| it.node.name.node == *name)?;
        definition.node.default_value.as_ref().map(|it| &it.node)
    })
}

/// Looks at each fragment once; what is wrong with the selections themselves is the engine's to say.
struct Walk<'a> {
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    shape: &'a Shape,
    seen: HashSet<&'a Name>,
}

impl<'a> Walk<'a> {
    fn set(&mut self, set: &'a SelectionSet, object: Option<&'a str>) -> Result<(), ApiError> {
        for Positioned { node, .. } in &set.items {
            match node {
                Selection::Field(field) => {
                    let field = &field.node;
                    self.arguments(field, object)?;
                    let below = &field.selection_set.node;
                    if !below.items.is_empty() {
                        let name = field.name.node.as_str();
                        let ty = object.and_then(|object| self.shape.field(object, name));
                        self.set(below, ty.map(Shape::named))?;
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
            let ty = self
                .shape
                .argument(object, field.name.node.as_str(), argument);
            if let (Some(ty), Some(value)) = (ty, self.given(&value.node)) {
                let fits = fits(self.shape, ty, &value);
                fits.map_err(|misfit| misfit.error(argument, place))?;
            }
        }
        Ok(())
    }

    /// The value with its variables put in; nothing if it counts as left out.
    fn given(&self, value: &Given) -> Option<Cow<'_, Value>> {
        let value = match value {
            Given::Variable(name) => {
                return variable(self.operation, self.variables, name).map(Cow::Borrowed);
            }
            Given::Object(fields) => {
                let field = |(name, value): (&Name, _)| {
                    Some((name.clone(), self.given(value)?.into_owned()))
                };
                Value::Object(fields.iter().filter_map(field).collect())
            }
            Given::List(items) => {
                let item = |item| self.given(item).map_or(Value::Null, Cow::into_owned);
                Value::List(items.iter().map(item).collect())
            }
            Given::Null => Value::Null,
            Given::Number(number) => Value::Number(number.clone()),
            Given::String(text) => Value::String(text.clone()),
            Given::Boolean(truth) => Value::Boolean(*truth),
            Given::Binary(bytes) => Value::Binary(bytes.clone()),
            Given::Enum(name) => Value::Enum(name.clone()),
        };
        Some(Cow::Owned(value))
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

    fn expected(ty: impl fmt::Display, value: &Value) -> Self {
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

fn fits(shape: &Shape, ty: &Type, value: &Value) -> Result<(), Misfit> {
    match (value, &ty.base) {
        (Value::Null, _) if ty.nullable => Ok(()),
        (Value::Null, _) => Err(Misfit::expected(ty, value)),
        (Value::List(items), BaseType::List(of)) => {
            for (index, item) in items.iter().enumerate() {
                fits(shape, of, item).map_err(|misfit| misfit.within(format!("[{index}]")))?;
            }
            Ok(())
        }
        // A single value stands for a list of one.
        (_, BaseType::List(of)) => fits(shape, of, value),
        (_, BaseType::Named(name)) => named_fits(shape, name, value),
    }
}

fn named_fits(shape: &Shape, name: &Name, value: &Value) -> Result<(), Misfit> {
    let fits = match (shape.input(name), value) {
        (Some(Input::Object(fields)), Value::Object(values)) => {
            return object_fits(shape, (name, fields), values);
        }
        // In the variables it is text, in the document a name.
        (Some(Input::Enum(names)), Value::Enum(value)) => names.contains(value.as_str()),
        (Some(Input::Enum(names)), Value::String(value)) => names.contains(value),
        (Some(Input::Object(_) | Input::Enum(_)), _) => false,
        (None, _) => scalar_fits(name, value),
    };
    if fits {
        Ok(())
    } else {
        Err(Misfit::expected(name, value))
    }
}

fn object_fits(
    shape: &Shape,
    (name, fields): (&Name, &[InputField]),
    values: &async_graphql::indexmap::IndexMap<Name, Value>,
) -> Result<(), Misfit> {
    let known = |given: &Name| fields.iter().any(|field| field.name == given.as_str());
    if let Some(unknown) = values.keys().find(|given| !known(given)) {
        return Err(Misfit::new(format!("{name} has no field {unknown}")));
    }
    for field in fields {
        match values.get(field.name.as_str()) {
            Some(value) => fits(shape, &field.ty, value),
            None if field.ty.nullable || field.has_default => Ok(()),
            None => Err(Misfit::new(format!("expected {}, got nothing", field.ty))),
        }
        .map_err(|misfit| misfit.within(format!(".{}", field.name)))?;
    }
    Ok(())
}

/// Whether the field that takes the value will accept it.
fn scalar_fits(name: &str, value: &Value) -> bool {
    match name {
        "Int" => <i32 as ScalarType>::parse(value.clone()).is_ok(),
        "Float" => <f64 as ScalarType>::is_valid(value),
        "String" => <String as ScalarType>::is_valid(value),
        "Boolean" => <bool as ScalarType>::is_valid(value),
        "ID" => <ID as ScalarType>::is_valid(value),
        "Decimal" => <Decimal as ScalarType>::is_valid(value),
        "DateTime" => <DateTime as InputType>::parse(Some(value.clone())).is_ok(),
        // A type that the schema does not have; the engine says so.
        _ => true,
    }
}

#[cfg(test)]
#[path = "values_tests.rs"]
mod tests;
