//! Parses documents according to the specification of September 2025.
//!
//! The engine's own parser deviates from it: it parses `queryA` as `query A`, `[00]` as two numbers and `["""a"]` as two
//! strings, drops the first of two fields of the same name, does not unescape `\"""`, and supports neither `\u{…}`, surrogate
//! pairs, descriptions, nor `[Int !]`. Its locations do not count a lone carriage return as a line. So documents are parsed
//! here, into the engine's types; the engine's parser is used for the schema only.

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
use event_sourcing::quoted;

use super::number_precision::ReplacedNumbers;
use crate::errors::{ApiError, Code};
use parser::{Definition, Parser};

/// A parsed document.
#[derive(Debug)]
pub struct Parsed {
    /// In the engine's types.
    pub document: ExecutableDocument,
    /// Its number of tokens.
    pub tokens: usize,
    /// Its numbers that were replaced.
    pub replaced: ReplacedNumbers,
}

/// Parses a document.
///
/// # Errors
/// The text is not GraphQL, exceeds a limit, or has two definitions, or two fields of an object, of the same name.
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
                    return Err(not_the_only_operation(place));
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
            Some(operation) => return Err(not_the_only_operation(operation.pos)),
            None => DocumentOperations::Multiple(self.operations),
        };
        Ok(ExecutableDocument {
            operations,
            fragments: self.fragments,
        })
    }
}

fn not_the_only_operation(place: Pos) -> ApiError {
    let message = "an operation without a name must be the only one of its document";
    ApiError::invalid_document(message, place)
}

fn add<T>(
    all: &mut HashMap<Name, Positioned<T>>,
    (what, name): (&str, Name),
    definition: Positioned<T>,
) -> Result<(), ApiError> {
    match all.entry(name) {
        Entry::Occupied(known) => {
            let message = format!("there is more than one {what} {}", known.key());
            Err(ApiError::invalid_document(message, definition.pos))
        }
        Entry::Vacant(free) => {
            free.insert(definition);
            Ok(())
        }
    }
}

/// The operations with their names, in the order of the document.
#[must_use]
pub fn in_order(
    document: &ExecutableDocument,
) -> Vec<(Option<&Name>, &Positioned<OperationDefinition>)> {
    let mut operations: Vec<_> = document.operations.iter().collect();
    operations.sort_by_key(|(_, operation)| operation.pos);
    operations
}

/// The operations, to be changed.
pub fn operations_mut(
    document: &mut ExecutableDocument,
) -> impl Iterator<Item = &mut OperationDefinition> {
    let (single, multiple) = match &mut document.operations {
        DocumentOperations::Single(operation) => (Some(operation), None),
        DocumentOperations::Multiple(operations) => (None, Some(operations.values_mut())),
    };
    let all = single.into_iter().chain(multiple.into_iter().flatten());
    all.map(|operation| &mut operation.node)
}

/// The operation of this name, or the only one if there is no name.
///
/// # Errors
/// There is no such operation, or several without a name to choose one. The error has no location in the document.
pub fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a OperationDefinition, ApiError> {
    let invalid = |message: String| Err(ApiError::new(Code::GraphqlValidationFailed, message));
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Ok(&operation.node),
        (DocumentOperations::Multiple(operations), Some(name)) => match operations.get(name) {
            Some(operation) => Ok(&operation.node),
            None => invalid(format!("there is no operation {}", quoted(name))),
        },
        (DocumentOperations::Single(_), Some(name)) => {
            invalid(format!("there is no operation {}", quoted(name)))
        }
        (DocumentOperations::Multiple(operations), None) => {
            let mut all = operations.values();
            match (all.next(), all.next()) {
                (Some(only), None) => Ok(&only.node),
                (None, _) => invalid("the document has no operation".to_owned()),
                _ => invalid("operationName must name the operation to execute".to_owned()),
            }
        }
    }
}
