//! Documents that are validated before a client executes them.
//!
//! The engine validates a document only when it executes one of its operations. So an operation without effect is added to
//! the document, and that one is executed.

use std::collections::HashMap;

use async_graphql::Name;
use async_graphql::parser::types::{DocumentOperations, ExecutableDocument};

use super::document;
use crate::errors::ApiError;

/// The name of the operation without effect. No operation of a document can have it, nor the other one.
pub const OPERATION: &str = "(trial)";
const UNNAMED: &str = "(unnamed)";

/// The document with an operation without effect, named [`OPERATION`].
///
/// # Errors
/// The text of that operation is not GraphQL, which is a bug.
pub fn with_operation(document: ExecutableDocument) -> Result<ExecutableDocument, ApiError> {
    let mut operations = match document.operations {
        DocumentOperations::Single(operation) => HashMap::from([(Name::new(UNNAMED), operation)]),
        DocumentOperations::Multiple(operations) => operations,
    };
    let trial = document::parse("{ __typename }")?.document.operations;
    if let DocumentOperations::Single(trial) = trial {
        operations.insert(Name::new(OPERATION), trial);
    }
    Ok(ExecutableDocument {
        operations: DocumentOperations::Multiple(operations),
        fragments: document.fragments,
    })
}
