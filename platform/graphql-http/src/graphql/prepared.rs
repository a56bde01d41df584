//! A request that is ready to be executed.

use std::sync::Arc;

use async_graphql::parser::types::{OperationType, Selection};
use async_graphql::{Pos, Variables};
use authentication::{Caller, Scope};
use sha2::{Digest, Sha256};

use super::document_cache::Document;
use super::field_access::RequiredAccess;
use super::number_precision::ReplacedNumbers;
use super::{document, subscription};
use crate::errors::ApiError;
use crate::persisted::PersistedQuery;

/// A longer operation name is not logged.
const MAX_NAME_BYTES: usize = 64;

/// A GraphQL request as it arrived.
#[derive(Clone, Debug, Default)]
pub struct Query {
    pub text: String,
    /// The operation to execute.
    pub operation_name: Option<String>,
    pub variables: Variables,
    /// The numbers among the variables that were replaced.
    pub replaced: ReplacedNumbers,
    /// Whether the client asked for the complexity.
    pub reports_cost: bool,
    /// The hash under which the client wants the text to be stored.
    pub persisted: Option<PersistedQuery>,
}

/// A request that is valid and within all limits.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub(super) query: Query,
    pub(super) document: Arc<Document>,
    pub(super) operation: OperationType,
    pub(super) complexity: u64,
    pub(super) root_fields: u64,
    /// `None` if everyone may execute it, and gets the same.
    pub(super) access: Option<RequiredAccess>,
}

/// Identifies equal subscriptions, apart from where they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OperationId([u8; 32]);

/// What a mutation costs more than a query, in units of the rate limit.
const UNITS_OF_MUTATION: u64 = 9;
/// So many objects cost one unit.
const OBJECTS_PER_UNIT: u64 = 1_000;

impl Prepared {
    /// What it costs of the client's rate: 1, for each mutation 9 more, and 1 more for each 1,000 objects that it may return.
    #[must_use]
    pub fn units(&self) -> u32 {
        let mutations = if self.is_mutation() {
            self.root_fields.saturating_mul(UNITS_OF_MUTATION)
        } else {
            0
        };
        let mutations = u32::try_from(mutations).unwrap_or(u32::MAX);
        mutations.saturating_add(self.load())
    }

    /// What it takes while it is executed: 1, and 1 more for each 1,000 objects that it may return.
    #[must_use]
    pub fn load(&self) -> u32 {
        let units = 1 + self.complexity / OBJECTS_PER_UNIT;
        u32::try_from(units).unwrap_or(u32::MAX)
    }

    /// Rejects the request if its sender may not select one of its fields.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` or `FORBIDDEN`, with the field.
    pub fn require_access_of(&self, caller: &Caller) -> Result<(), ApiError> {
        let access = self.access.as_ref();
        access.map_or(Ok(()), |access| access.require_of(caller))
    }

    /// Whether the engine has found its document to be valid.
    #[must_use]
    pub fn is_validated(&self) -> bool {
        self.document.is_validated()
    }

    /// The engine has found its document to be valid, in another operation.
    pub fn set_validated(&self) {
        self.document.set_validated();
    }

    /// Whether its operation is a mutation.
    #[must_use]
    pub fn is_mutation(&self) -> bool {
        self.operation == OperationType::Mutation
    }

    /// The location of its operation in the document.
    #[must_use]
    pub fn place(&self) -> Pos {
        let name = self.query.operation_name.as_deref();
        let mut operations = self.document.parsed.operations.iter();
        let own = operations
            .find(|(known, _)| name.is_none() || known.map(async_graphql::Name::as_str) == name);
        own.map_or_else(Pos::default, |(_, operation)| operation.pos)
    }

    /// The only field that its operation selects; `None` if there are several, or they are in a fragment. It is in the schema
    /// if the request was executed.
    #[must_use]
    pub fn root_field(&self) -> Option<&str> {
        let name = self.query.operation_name.as_deref();
        let operation = document::operation(&self.document.parsed, name).ok()?;
        match operation.selection_set.node.items.as_slice() {
            [selection] => match &selection.node {
                Selection::Field(field) => Some(field.node.name.node.as_str()),
                Selection::FragmentSpread(_) | Selection::InlineFragment(_) => None,
            },
            _ => None,
        }
    }

    /// Whether its operation is a subscription.
    #[must_use]
    pub fn is_subscription(&self) -> bool {
        self.operation == OperationType::Subscription
    }

    /// The same subscription without its text, which is no longer needed, and without its position, which only its start
    /// needs. Equal subscriptions of callers who may see the same have equal ids.
    #[must_use]
    pub fn into_repeatable(mut self, caller: &Caller) -> (Self, OperationId) {
        let name = self.query.operation_name.as_deref();
        let document = &self.document.parsed;
        if let Ok(operation) = document::operation(document, name) {
            subscription::forget_position(document, operation, &mut self.query.variables);
        }
        let mut hash = Sha256::new();
        let variables = serde_json::to_string(&self.query.variables).unwrap_or_default();
        let scope = match caller.orders() {
            Ok(Scope::Own(subject)) if self.access.is_some() => subject,
            _ => "",
        };
        for part in [
            &*self.query.text,
            name.unwrap_or_default(),
            &variables,
            scope,
        ] {
            hash.update(part.len().to_le_bytes());
            hash.update(part.as_bytes());
        }
        self.query.text = String::new();
        (self, OperationId(hash.finalize().into()))
    }

    /// The kind of its operation.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.operation {
            OperationType::Query => "query",
            OperationType::Mutation => "mutation",
            OperationType::Subscription => "subscription",
        }
    }

    /// The name of its operation, for logs and traces. One that is invalid or too long is omitted.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let name = self.query.operation_name.as_deref()?;
        (name.len() <= MAX_NAME_BYTES && name.bytes().all(is_part)).then_some(name)
    }

    /// The kind and name of its operation, for logs.
    #[must_use]
    pub fn operation(&self) -> String {
        match self.name() {
            Some(name) => format!("{} {name}", self.kind()),
            None => self.kind().to_owned(),
        }
    }

    /// The request as it arrived.
    #[must_use]
    pub const fn query(&self) -> &Query {
        &self.query
    }
}
