//! Parses documents as the specification of September 2025 has them.
//!
//! The engine's own parser reads another language in places: it takes `queryA` for `query A`, `[00]` for two numbers and
//! `["""a"]` for two strings, forgets the first of two fields of the same name, keeps `\"""` as it is, and knows neither
//! `\u{…}`, surrogate pairs, descriptions, nor `[Int !]`. Its places count a lone carriage return as no line. So the
//! text is read here, into the engine's types; of its parser only the schema's text is left to it.

mod lexer;
mod parser;
mod syntax;
mod text;
mod values;

use std::collections::hash_map::{Entry, HashMap};

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, FragmentDefinition, OperationDefinition,
};
use async_graphql::{Name, Pos, Positioned};

use super::number_precision::ReplacedNumbers;
use crate::errors::{ApiError, Code};
use parser::{Definition, Parser};

/// A document as it was read.
#[derive(Debug)]
pub struct Parsed {
    /// In the engine's types.
    pub document: ExecutableDocument,
    /// How many tokens it has.
    pub tokens: usize,
    /// Its numbers that were replaced.
    pub replaced: ReplacedNumbers,
}

/// Reads a document.
///
/// # Errors
/// It is not GraphQL, over the limits of its text, or has two definitions, or two fields of an object, of the same
/// name.
pub fn parse(text: &str) -> Result<Parsed, ApiError> {
    let (tokens, end) = lexer::tokens(text)?;
    let count = tokens.len();
    let mut parser = Parser::new(tokens, end);
    let mut definitions = Definitions::default();
    definitions.add(parser.definition()?)?;
    while !parser.is_at_end() {
        definitions.add(parser.definition()?)?;
    }
    Ok(Parsed {
        document: definitions.document()?,
        tokens: count,
        replaced: parser.replaced,
    })
}

#[derive(Default)]
struct Definitions {
    unnamed: Option<Positioned<OperationDefinition>>,
    operations: HashMap<Name, Positioned<OperationDefinition>>,
    fragments: HashMap<Name, Positioned<FragmentDefinition>>,
}

impl Definitions {
    fn add(&mut self, definition: Definition) -> Result<(), ApiError> {
        match definition {
            Definition::Operation(None, operation) => {
                let place = operation.pos;
                if self.unnamed.replace(operation).is_some() {
                    return Err(not_alone(place));
                }
                Ok(())
            }
            Definition::Operation(Some(name), operation) => {
                add(&mut self.operations, ("operation", name), operation)
            }
            Definition::Fragment(name, fragment) => {
                add(&mut self.fragments, ("fragment", name), fragment)
            }
        }
    }

    fn document(self) -> Result<ExecutableDocument, ApiError> {
        let operations = match self.unnamed {
            Some(operation) if self.operations.is_empty() => DocumentOperations::Single(operation),
            Some(operation) => return Err(not_alone(operation.pos)),
            None => DocumentOperations::Multiple(self.operations),
        };
        Ok(ExecutableDocument {
            operations,
            fragments: self.fragments,
        })
    }
}

fn not_alone(place: Pos) -> ApiError {
    let message = "an operation without a name must be the only one of its document";
    ApiError::unfit(message, place)
}

fn add<T>(
    all: &mut HashMap<Name, Positioned<T>>,
    (what, name): (&str, Name),
    definition: Positioned<T>,
) -> Result<(), ApiError> {
    match all.entry(name) {
        Entry::Occupied(known) => {
            let message = format!("there is more than one {what} {}", known.key());
            Err(ApiError::unfit(message, definition.pos))
        }
        Entry::Vacant(free) => {
            free.insert(definition);
            Ok(())
        }
    }
}

/// The operation of this name, or the only one if there is no name.
///
/// # Errors
/// There is no such operation, or more than one to choose from. No place of the document is wrong then.
pub fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a OperationDefinition, ApiError> {
    let refused = |message: String| Err(ApiError::new(Code::GraphqlValidationFailed, message));
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Ok(&operation.node),
        (DocumentOperations::Multiple(operations), Some(name)) => match operations.get(name) {
            Some(operation) => Ok(&operation.node),
            None => refused(format!("there is no operation {name:?}")),
        },
        (DocumentOperations::Single(_), Some(name)) => {
            refused(format!("there is no operation {name:?}"))
        }
        (DocumentOperations::Multiple(operations), None) => {
            let mut all = operations.values();
            match (all.next(), all.next()) {
                (Some(only), None) => Ok(&only.node),
                (None, _) => refused("the document has no operation".to_owned()),
                _ => refused("operationName must say which operation to execute".to_owned()),
            }
        }
    }
}
