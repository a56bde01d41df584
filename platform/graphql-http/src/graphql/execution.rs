//! Validates and executes requests.

use std::fmt;
use std::sync::Arc;

use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{PathSegment, Request, Response, ServerError, Value, Variables};
use event_sourcing::CommandId;
use futures::future::BoxFuture;

use super::document_cache::DocumentCache;
use super::limits::{Limits, measure};
use super::number_precision::ReplacedNumbers;
use super::schema_index::{SchemaError, SchemaIndex};
use super::{coerce_variables, document, field_order, null_propagation, validate_values};
use crate::errors::ApiError;
use crate::execution_context::ExecutionContext;
use crate::journal::{Entry, outcome_of_field};
use crate::origin::Origin;
use crate::persisted::PersistedQuery;

/// Longer documents are not cached: a few of them would need the memory of many.
const MAX_KNOWN_TOKENS: usize = 300;

/// A longer operation name is not logged.
const MAX_NAME_BYTES: usize = 64;

/// A GraphQL request as it arrived.
#[derive(Debug)]
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
#[derive(Debug)]
pub struct Prepared {
    query: Query,
    document: Arc<ExecutableDocument>,
    operation: OperationType,
    complexity: u64,
}

/// The result of an executed request.
#[derive(Debug)]
pub struct Executed {
    /// `None` if the request was invalid against the schema and nothing was executed.
    pub data: Option<Value>,
    pub errors: Vec<ServerError>,
    /// The log position that the data reflects.
    pub position: Option<u64>,
    /// Whether a list was truncated.
    pub truncated: bool,
    /// The outcomes of its mutations.
    pub mutations: Vec<Entry>,
    /// The complexity of the request, if the client asked for it.
    pub complexity: Option<u64>,
}

/// The ids of a request, and its minimum position.
#[derive(Clone, Debug)]
pub struct Identity {
    pub origin: Origin,
    /// The seed from which its command ids are derived.
    pub seed: CommandId,
    /// The minimum position of its reads.
    pub minimum: Option<u64>,
    /// Whether the seed is that of an Idempotency-Key, so that an earlier request may have sent the same commands.
    pub keyed: bool,
}

/// The GraphQL engine, which executes a request whose document was parsed here. The request's data holds the
/// [`ExecutionContext`] already; what else the resolvers need of it is added by the engine.
pub type Engine =
    Box<dyn Fn(Request, &Arc<ExecutionContext>) -> BoxFuture<'static, Response> + Send + Sync>;

/// Validates requests, executes them by the engine, and completes the responses.
pub struct Executor {
    engine: Engine,
    sdl: String,
    index: SchemaIndex,
    documents: DocumentCache,
    limits: Limits,
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Executor {
    /// `sdl` is the schema of `engine`.
    ///
    /// # Errors
    /// The schema cannot be parsed, or a list in it has no size.
    pub fn try_new(engine: Engine, sdl: String, limits: Limits) -> Result<Self, SchemaError> {
        let index = SchemaIndex::from_sdl(&sdl)?;
        Ok(Self {
            engine,
            sdl,
            index,
            documents: DocumentCache::default(),
            limits,
        })
    }

    #[must_use]
    pub fn sdl(&self) -> &str {
        &self.sdl
    }

    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Parses a request, and validates its limits and the types of its values. No service is called.
    ///
    /// # Errors
    /// The document is not GraphQL or exceeds a limit, a required variable is missing, or a value has the wrong type.
    pub fn prepare(&self, mut query: Query) -> Result<Prepared, ApiError> {
        let (document, replaced) = self.document(&query.text)?;
        let operation = document::operation(&document, query.operation_name.as_deref())?;
        coerce_variables::require(operation, &query.variables)?;
        coerce_variables::coerce(operation, &mut query.variables, &self.index)?;
        let (variables, limits) = (&query.variables, &self.limits);
        let complexity = measure(&document, operation, variables, &self.index, limits)?;
        validate_values::validate(&document, operation, &query.variables, &self.index)?;
        let operation = operation.ty;
        query.replaced = query.replaced.and(replaced);
        Ok(Prepared {
            query,
            document,
            operation,
            complexity,
        })
    }

    /// The parsed document. One with replaced numbers, which is rare, is not cached.
    fn document(&self, text: &str) -> Result<(Arc<ExecutableDocument>, ReplacedNumbers), ApiError> {
        if let Some(known) = self.documents.find(text) {
            return Ok((known, ReplacedNumbers::default()));
        }
        let parsed = document::parse(text)?;
        let document = Arc::new(parsed.document);
        if parsed.tokens <= MAX_KNOWN_TOKENS && parsed.replaced.is_empty() {
            self.documents.insert(text, &document);
        }
        Ok((document, parsed.replaced))
    }

    pub async fn execute(&self, prepared: Prepared, identity: Identity) -> Executed {
        let Identity {
            origin,
            seed,
            minimum,
            keyed,
        } = identity;
        let scope = Arc::new(ExecutionContext::new(origin, seed, minimum, self.limits));
        let Query {
            text,
            operation_name,
            variables,
            replaced,
            reports_cost,
            ..
        } = prepared.query;
        let document = prepared.document;
        let operation = document::operation(&document, operation_name.as_deref()).ok();
        // The engine consumes its document, and the response is completed by the original one.
        let mut executed = document.as_ref().clone();
        if let Some(operation) = operation {
            let absent = coerce_variables::absent(&document, operation, &variables);
            if !absent.is_empty() {
                coerce_variables::remove_absent(&mut executed, &absent);
            }
        }
        let mut request = Request::new(text)
            .variables(variables)
            .data(Arc::clone(&scope))
            .data(replaced);
        request.operation_name.clone_from(&operation_name);
        request.set_parsed_query(executed);
        let mut response = (self.engine)(request, &scope).await;
        // The engine's own validation errors have no path.
        let rejected = response.data == Value::Null
            && !response.errors.is_empty()
            && response.errors.iter().all(|error| error.path.is_empty());
        if let Some(operation) = operation
            && !rejected
        {
            let place = (document.as_ref(), operation);
            null_propagation::propagate(&mut response.data, &response.errors, place, &self.index);
            field_order::arrange(&mut response.data, &document, operation);
        }
        let mutations = scope.journal.entries();
        if !rejected {
            for error in &mut response.errors {
                outcome_of_field(&mutations, root_of(error), keyed).write_executed(error);
            }
        }
        Executed {
            data: (!rejected).then_some(response.data),
            errors: response.errors,
            position: if rejected { minimum } else { scope.position() },
            truncated: scope.was_truncated(),
            mutations,
            complexity: reports_cost.then_some(prepared.complexity),
        }
    }
}

impl Prepared {
    /// Whether its operation is a mutation.
    #[must_use]
    pub fn is_mutation(&self) -> bool {
        self.operation == OperationType::Mutation
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

    /// The kind and name of its operation, for logs. A name that is invalid or too long is omitted.
    #[must_use]
    pub fn operation(&self) -> String {
        let is_name = |name: &&String| {
            let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            name.len() <= MAX_NAME_BYTES && name.bytes().all(is_part)
        };
        match self.query.operation_name.as_ref().filter(is_name) {
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

/// The root field of the response that an error belongs to.
#[must_use]
pub fn root_of(error: &ServerError) -> Option<&str> {
    match error.path.first()? {
        PathSegment::Field(field) => Some(field),
        PathSegment::Index(_) => None,
    }
}
