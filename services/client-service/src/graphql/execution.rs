//! Executes a request that passed all checks.

use std::fmt;
use std::sync::Arc;

use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{PathSegment, Request, Response, ServerError, Value, Variables};
use event_sourcing::CommandId;
use futures::future::BoxFuture;

use super::document_cache::DocumentCache;
use super::limits::{Limits, measure};
use super::number_precision::ReplacedNumbers;
use super::schema_index::SchemaIndex;
use super::{coerce_variables, document, field_order, null_propagation, validate_values};
use crate::errors::ApiError;
use crate::upstream::{Entry, Origin, RequestContext, Services, verdict};

/// Longer documents are parsed each time: a few of them would take the memory of many.
const MAX_KNOWN_TOKENS: usize = 300;

/// A longer name of an operation is not logged.
const MAX_NAME_BYTES: usize = 64;

/// A GraphQL request as it arrived.
#[derive(Debug)]
pub struct Query {
    pub text: String,
    /// Which of its operations to execute.
    pub operation_name: Option<String>,
    pub variables: Variables,
    /// The numbers among them that were replaced.
    pub replaced: ReplacedNumbers,
}

/// A request within all limits.
#[derive(Debug)]
pub struct Prepared {
    query: Query,
    document: Arc<ExecutableDocument>,
    operation: OperationType,
}

/// The answer of an executed request.
#[derive(Debug)]
pub struct Executed {
    /// `None`: the request did not fit the schema, and nothing was executed.
    pub data: Option<Value>,
    /// What did not work.
    pub errors: Vec<ServerError>,
    /// The position that the answer reflects.
    pub position: Option<u64>,
    /// Whether a list was cut.
    pub truncated: bool,
    /// What its mutations came to.
    pub mutations: Vec<Entry>,
}

/// The ids of a request, and the state that it must see.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Where the request comes from.
    pub origin: Origin,
    /// What its command ids are derived from.
    pub seed: CommandId,
    /// The position that it must see at least.
    pub minimum: Option<u64>,
    /// Whether the seed is that of an Idempotency-Key, so that an earlier request may have sent the same commands.
    pub keyed: bool,
}

/// The engine: it executes a request whose document was parsed here.
pub type Engine = Box<dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync>;

/// The engine with what stands around it.
pub struct Executor {
    engine: Engine,
    sdl: String,
    index: SchemaIndex,
    documents: DocumentCache,
    limits: Limits,
    services: Services,
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Executor {
    /// Executes requests by this engine, whose schema this is, against these services.
    ///
    /// # Errors
    /// The schema cannot be read back: a fault of ours.
    pub fn try_new(
        engine: Engine,
        sdl: String,
        limits: Limits,
        services: Services,
    ) -> Result<Self, async_graphql::parser::Error> {
        let index = SchemaIndex::from_sdl(&sdl)?;
        Ok(Self {
            engine,
            sdl,
            index,
            documents: DocumentCache::default(),
            limits,
            services,
        })
    }

    pub fn services(&self) -> &Services {
        &self.services
    }

    pub fn sdl(&self) -> &str {
        &self.sdl
    }

    /// Parses a request, and checks its limits and the types of its values. No service is called.
    ///
    /// # Errors
    /// It is not GraphQL, over a limit, without a variable that it needs, or with a value of another type.
    pub fn prepare(&self, mut query: Query) -> Result<Prepared, ApiError> {
        let (document, replaced) = self.document(&query.text)?;
        let operation = document::operation(&document, query.operation_name.as_deref())?;
        coerce_variables::require(operation, &query.variables)?;
        coerce_variables::coerce(operation, &mut query.variables, &self.index)?;
        measure(&document, &query.variables, &self.index, &self.limits)?;
        validate_values::validate(&document, operation, &query.variables, &self.index)?;
        let operation = operation.ty;
        query.replaced = query.replaced.and(replaced);
        Ok(Prepared {
            query,
            document,
            operation,
        })
    }

    /// A document that has replaced numbers is read each time: hardly any has.
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
        let scope = Arc::new(RequestContext::new(
            self.services.clone(),
            origin,
            seed,
            minimum,
        ));
        let Query {
            text,
            operation_name,
            variables,
            replaced,
        } = prepared.query;
        let document = prepared.document;
        let operation = document::operation(&document, operation_name.as_deref()).ok();
        // The engine uses up what it executes; the response is put right by what was asked.
        let mut executed = document.as_ref().clone();
        if let Some(operation) = operation {
            let absent = coerce_variables::absent(&document, operation, &variables);
            if !absent.is_empty() {
                coerce_variables::leave_out(&mut executed, &absent);
            }
        }
        let mut request = Request::new(text)
            .variables(variables)
            .data(Arc::clone(&scope))
            .data(replaced);
        request.operation_name.clone_from(&operation_name);
        request.set_parsed_query(executed);
        let mut response = (self.engine)(request).await;
        let refused = response.data == Value::Null
            && !response.errors.is_empty()
            && response.errors.iter().all(|error| error.path.is_empty());
        if let Some(operation) = operation
            && !refused
        {
            let place = (document.as_ref(), operation);
            null_propagation::propagate(&mut response.data, &response.errors, place, &self.index);
            field_order::arrange(&mut response.data, &document, operation);
        }
        let mutations = scope.journal.entries();
        if !refused {
            for error in &mut response.errors {
                verdict(&mutations, root_of(error), keyed).write_executed(error);
            }
        }
        Executed {
            data: (!refused).then_some(response.data),
            errors: response.errors,
            position: if refused { minimum } else { scope.position() },
            truncated: scope.was_truncated(),
            mutations,
        }
    }
}

impl Prepared {
    /// Whether it may change something.
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

    /// The kind of its operation, and its name if it was given one that can be one.
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

/// The field at the root of the response that an error is about.
pub fn root_of(error: &ServerError) -> Option<&str> {
    match error.path.first()? {
        PathSegment::Field(field) => Some(field),
        PathSegment::Index(_) => None,
    }
}
