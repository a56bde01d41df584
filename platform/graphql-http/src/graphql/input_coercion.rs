//! Coercion of input values (sections 3.5 and 3.9 to 3.12 of the specification).
//!
//! The engine deviates in two cases: it accepts a string literal as an enum value, which is allowed only in variables, and
//! it rejects `1.0` as an Int, although in JSON that is the number 1.

use std::fmt;

use async_graphql::parser::types::{BaseType, OperationDefinition, Type, VariableDefinition};
use async_graphql::{ID, InputType, Name, ScalarType, Value, Variables};
use async_graphql_value::Value as Given;
use async_graphql_value::indexmap::IndexMap;
use event_sourcing::quoted;

use super::number_precision::ReplacedNumbers;
use super::scalars::{DateTime, Decimal};
use super::schema_index::{Input, InputField, SchemaIndex};
use crate::errors::ApiError;

/// How much of an invalid value an error repeats.
const SHOWN_CHARS: usize = 40;

/// A value that does not match the expected type.
#[derive(Debug)]
pub(super) struct CoercionError {
    /// Innermost segment first.
    path: Vec<String>,
    problem: String,
}

impl CoercionError {
    fn new(problem: String) -> Self {
        let path = Vec::new();
        Self { path, problem }
    }

    fn expected(ty: impl fmt::Display, given: &str) -> Self {
        let shown: String = given.chars().take(SHOWN_CHARS).collect();
        let more = if shown.len() < given.len() { "…" } else { "" };
        Self::new(format!("expected {ty}, got {shown}{more}"))
    }

    fn within(mut self, segment: String) -> Self {
        self.path.push(segment);
        self
    }

    pub(super) fn error(self, outermost: &str, place: async_graphql::Pos) -> ApiError {
        let path: String = self.path.iter().rev().map(String::as_str).collect();
        ApiError::invalid_document(format!("{outermost}{path}: {}", self.problem), place)
    }
}

/// Where a value is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// In the document; also a variable once it was coerced.
    Document,
    /// In the variables: JSON has no enum values and a single number type.
    Variables,
}

/// Coerces the values of one operation.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    pub(super) index: &'a SchemaIndex,
    pub(super) operation: &'a OperationDefinition,
    /// `None` for an operation that is not executed, whose variables have no values.
    pub(super) variables: Option<&'a Variables>,
    /// The numbers that errors show as they were written.
    pub(super) replaced: &'a ReplacedNumbers,
}

impl<'a> Values<'a> {
    pub(super) const fn unknown(
        index: &'a SchemaIndex,
        operation: &'a OperationDefinition,
        replaced: &'a ReplacedNumbers,
    ) -> Self {
        let variables = None;
        Self {
            index,
            operation,
            variables,
            replaced,
        }
    }

    fn misfit(&self, ty: impl fmt::Display, value: &Given) -> CoercionError {
        CoercionError::expected(ty, &self.shown(value))
    }

    /// A value in GraphQL's syntax, with its numbers as they were written.
    fn shown(&self, value: &Given) -> String {
        match value {
            Given::Number(number) => self.replaced.shown(number),
            Given::String(text) => quoted(text),
            Given::List(items) => {
                let items: Vec<String> = items.iter().map(|item| self.shown(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Given::Object(fields) => {
                let field = |(name, value)| format!("{name}: {}", self.shown(value));
                let fields: Vec<String> = fields.iter().map(field).collect();
                format!("{{{}}}", fields.join(", "))
            }
            Given::Variable(_)
            | Given::Null
            | Given::Boolean(_)
            | Given::Binary(_)
            | Given::Enum(_) => value.to_string(),
        }
    }

    /// Coerces a value into the form that the engine accepts.
    pub(super) fn coerce(
        &self,
        ty: &Type,
        value: &Given,
        from: Source,
    ) -> Result<Value, CoercionError> {
        match (value, &ty.base) {
            (Given::Variable(name), _) => self.variable(ty, name),
            (Given::Null, _) if ty.nullable => Ok(Value::Null),
            (Given::Null, _) => Err(self.misfit(ty, value)),
            (Given::List(items), BaseType::List(of)) => {
                let items = items.iter().enumerate().map(|(index, item)| {
                    let item = self.coerce(of, item, from);
                    item.map_err(|misfit| misfit.within(format!("[{index}]")))
                });
                items.collect::<Result<_, _>>().map(Value::List)
            }
            // A single value is coerced to a list of one item.
            (_, BaseType::List(of)) => self.coerce(of, value, from),
            (_, BaseType::Named(name)) => self.named(name, value, from),
        }
    }

    /// Checks a variable usage: the declared type must be allowed at this position, even without a value. The value itself
    /// was validated against the declared type before. The rule for non-null positions with a default value is omitted,
    /// because the schema has none.
    fn variable(&self, ty: &Type, name: &Name) -> Result<Value, CoercionError> {
        let Some(definition) = definition(self.operation, name) else {
            // Undeclared: the engine reports it.
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
            return Err(CoercionError::new(problem));
        }
        let value = self.variables.and_then(|all| all.get(name));
        match value {
            Some(Value::Null) if !ty.nullable => Err(self.misfit(ty, &Given::Null)),
            _ => Ok(Value::Null),
        }
    }

    fn named(&self, name: &Name, value: &Given, from: Source) -> Result<Value, CoercionError> {
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
        coerced.ok_or_else(|| self.misfit(name, value))
    }

    fn object(
        &self,
        (name, fields): (&Name, &[InputField]),
        values: &IndexMap<Name, Given>,
        from: Source,
    ) -> Result<Value, CoercionError> {
        let known = |given: &Name| fields.iter().any(|field| field.name == given.as_str());
        if let Some(unknown) = values.keys().find(|given| !known(given)) {
            return Err(CoercionError::new(format!("{name} has no field {unknown}")));
        }
        let mut coerced = IndexMap::new();
        for field in fields {
            let value = values.get_key_value(field.name.as_str());
            match value {
                Some((key, value)) => self
                    .coerce(&field.ty, value, from)
                    .map(|value| _ = coerced.insert(key.clone(), value)),
                None if field.ty.nullable || field.has_default => Ok(()),
                None => Err(CoercionError::expected(&field.ty, "nothing")),
            }
            .map_err(|misfit| misfit.within(format!(".{}", field.name)))?;
        }
        Ok(Value::Object(coerced))
    }
}

/// Whether every value of `ty` is a value of `of`.
fn is_part_of(ty: &Type, of: &Type) -> bool {
    let same_base = match (&ty.base, &of.base) {
        (BaseType::Named(ty), BaseType::Named(of)) => ty == of,
        (BaseType::List(ty), BaseType::List(of)) => is_part_of(ty, of),
        _ => false,
    };
    same_base && (of.nullable || !ty.nullable)
}

pub(super) fn is_scalar(name: &str) -> bool {
    let known = [
        "Int", "Float", "String", "Boolean", "ID", "Decimal", "DateTime",
    ];
    known.contains(&name)
}

/// Coerces a value of a scalar type.
fn scalar(name: &str, value: Value, from: Source) -> Option<Value> {
    let fits = match name {
        "Int" => return int(&value, from).map(Value::from),
        "Float" => <f64 as ScalarType>::is_valid(&value),
        "String" => <String as ScalarType>::is_valid(&value),
        "Boolean" => <bool as ScalarType>::is_valid(&value),
        "ID" => <ID as ScalarType>::is_valid(&value),
        "Decimal" => <Decimal as ScalarType>::is_valid(&value),
        "DateTime" => <DateTime as InputType>::parse(Some(value.clone())).is_ok(),
        // Unknown in the schema: the engine reports it.
        _ => true,
    };
    fits.then_some(value)
}

/// Coerces to 32 bits. In JSON, a number without a fractional part is an integer, even if written as `1.0`.
fn int(value: &Value, from: Source) -> Option<i32> {
    let Value::Number(number) = value else {
        return None;
    };
    if let Some(whole) = number.as_i64() {
        return i32::try_from(whole).ok();
    }
    let whole = number.as_f64().filter(|_| from == Source::Variables)?;
    // Through text, so that a number beyond 32 bits is rejected instead of being rounded into them.
    format!("{whole}").parse().ok()
}

pub(super) fn definition<'a>(
    operation: &'a OperationDefinition,
    name: &Name,
) -> Option<&'a VariableDefinition> {
    let mut definitions = operation.variable_definitions.iter().map(|it| &it.node);
    definitions.find(|it| it.name.node == *name)
}
