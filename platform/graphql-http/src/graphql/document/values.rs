//! Parses values and types (sections 2.9 to 2.11 of the specification).

use async_graphql::parser::types::{BaseType, Type};
use async_graphql::{Name, Number, Positioned, Value as Constant};
use async_graphql_value::Value;
use async_graphql_value::indexmap::IndexMap;
use event_sourcing::quoted;

use super::super::number_precision::ReplacedNumbers;
use super::lexer::Kind;
use super::parser::Parser;
use super::syntax::syntax;
use crate::errors::ApiError;

impl Parser<'_> {
    /// A type reference.
    pub(super) fn ty(&mut self) -> Result<Type, ApiError> {
        let base = if self.take(&Kind::Mark('[')) {
            let of = self.ty()?;
            self.expect(']')?;
            BaseType::List(Box::new(of))
        } else {
            BaseType::Named(self.name("a type")?.node)
        };
        let nullable = !self.take(&Kind::Mark('!'));
        Ok(Type { base, nullable })
    }

    /// A value that may hold variables.
    pub(super) fn value(&mut self) -> Result<Value, ApiError> {
        self.any_value(true)
    }

    /// A value without variables.
    pub(super) fn constant_value(&mut self) -> Result<Value, ApiError> {
        self.any_value(false)
    }

    /// A value without variables, in the engine's type for constants, with its location.
    pub(super) fn constant(&mut self) -> Result<Positioned<Constant>, ApiError> {
        let pos = self.pos();
        let value = self.constant_value()?.into_const();
        let value = value.ok_or_else(|| syntax(pos, "a default value has no variables"))?;
        Ok(Positioned::new(value, pos))
    }

    fn any_value(&mut self, variables: bool) -> Result<Value, ApiError> {
        let pos = self.pos();
        let is_value = match self.peek() {
            Some(Kind::Mark('$')) => variables,
            Some(Kind::Mark(mark)) => matches!(mark, '[' | '{'),
            Some(Kind::Spread) | None => false,
            Some(_) => true,
        };
        let token = if is_value { self.next() } else { None };
        let Some(token) = token else {
            return self.unexpected(if variables { "a value" } else { "a constant" });
        };
        Ok(match token.kind {
            Kind::Mark('$') => Value::Variable(self.name("the name of a variable")?.node),
            Kind::Mark('[') => {
                let mut items = Vec::new();
                while !self.take(&Kind::Mark(']')) {
                    items.push(self.any_value(variables)?);
                }
                Value::List(items)
            }
            Kind::Mark(_) | Kind::Spread => self.object(variables)?,
            Kind::Name("true") => Value::Boolean(true),
            Kind::Name("false") => Value::Boolean(false),
            Kind::Name("null") => Value::Null,
            Kind::Name(name) => Value::Enum(Name::new(name)),
            Kind::String(text) => Value::String(text),
            Kind::Int(text) | Kind::Float(text) => {
                let number = number(text, &mut self.replaced).ok_or_else(|| {
                    let message = format!("{} is beyond every number type", quoted(text));
                    ApiError::invalid_document(message, pos)
                });
                Value::Number(number?)
            }
        })
    }

    /// An input object, after its opening bracket.
    fn object(&mut self, variables: bool) -> Result<Value, ApiError> {
        let mut fields = IndexMap::new();
        while !self.take(&Kind::Mark('}')) {
            let name = self.name("the name of a field")?;
            self.expect(':')?;
            let value = self.any_value(variables)?;
            // Checked here, because the map retains only one of them.
            if fields.insert(name.node.clone(), value).is_some() {
                let message = format!("there is more than one field {}", name.node);
                return Err(ApiError::invalid_document(message, name.pos));
            }
        }
        Ok(Value::Object(fields))
    }
}

/// The number of a token, replaced if a double would round it (see `number_precision`); `None` beyond the range of a double.
fn number(text: &str, replaced: &mut ReplacedNumbers) -> Option<Number> {
    if !text.contains(['.', 'e', 'E']) {
        let signed = text.parse::<i64>().map(Number::from);
        if let Ok(number) = signed.or_else(|_| text.parse::<u64>().map(Number::from)) {
            return Some(number);
        }
    }
    let replacement = replaced.replace(text, |text| text.parse().ok());
    let double = replacement.as_deref().unwrap_or(text).parse().ok()?;
    Number::from_f64(double)
}
