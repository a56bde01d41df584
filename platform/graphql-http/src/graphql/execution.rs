//! Validates and executes requests.

use std::fmt;
use std::sync::Arc;

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType};
use async_graphql::{PathSegment, Request, Response, ServerError, Value, Variables};
use event_sourcing::CommandId;
use futures::future::BoxFuture;

use super::document_cache::{Document, DocumentCache};
use super::limits::{Limits, measure, measure_without_variables};
use super::number_precision::ReplacedNumbers;
use super::prepared::{Prepared, Query};
use super::schema_index::{SchemaError, SchemaIndex};
use super::{
    coerce_variables, document, empty_objects, field_order, fields_can_merge, null_propagation,
    subscription, trial, validate_values, validate_variables,
};
use crate::errors::{ApiError, Code};
use crate::execution_context::ExecutionContext;
use crate::journal::{Entry, outcome_of_field};
use crate::origin::Origin;

/// Longer documents are not cached: a few of them would need the memory of many.
const MAX_KNOWN_TOKENS: usize = 300;

/// A parsed document, and its numbers that were replaced.
struct Source {
    document: Arc<Document>,
    replaced: ReplacedNumbers,
    cached: Cached,
}

/// Whether a document is cached. One that is was found to be valid here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cached {
    Yes,
    WhenValid,
    /// It is long, or has replaced numbers, which is rare.
    Never,
}

/// The result of an executed request.
#[derive(Debug)]
pub struct Executed {
    /// `None` if the request was invalid against the schema and nothing was executed.
    pub data: Option<Value>,
    pub errors: Vec<ServerError>,
    /// The log position that the data reflects, if anything was read or written. In a message of a subscription, the
    /// position of its change.
    pub position: Option<u64>,
    /// In a message of a subscription, the position that its data reflects, if that is a later one.
    pub read_position: Option<u64>,
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

/// Adds to the data of a request what the resolvers of a subscription need.
pub type Extra = Box<dyn FnOnce(Request) -> Request + Send>;

/// In the data of a request: the engine has found its document to be valid before, and need not validate it again.
#[derive(Clone, Copy, Debug)]
pub struct ValidatedDocument;

/// The GraphQL engine, which executes a request whose document was parsed here. The request's data holds the
/// [`ExecutionContext`] already, and a [`ValidatedDocument`] if it is one; what else the resolvers need of it is added by
/// the engine.
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
        let Source {
            document,
            replaced,
            cached,
        } = self.document(&query.text)?;
        query.replaced = query.replaced.and(replaced);
        let parsed = &document.parsed;
        let operation = document::operation(parsed, query.operation_name.as_deref())?;
        coerce_variables::require(operation, &query.variables)?;
        let (index, replaced) = (&self.index, &query.replaced);
        coerce_variables::coerce(operation, &mut query.variables, index, replaced)?;
        let (variables, limits) = (&query.variables, &self.limits);
        let measured = measure(parsed, operation, variables, index, limits)?;
        let executed = Some((operation, variables));
        validate_values::validate(parsed, executed, index, replaced)?;
        let kind = operation.ty;
        if kind == OperationType::Subscription {
            subscription::limit_text(&query.text)?;
        }
        if cached != Cached::Yes {
            self.validate(parsed)?;
        }
        if cached == Cached::WhenValid {
            self.documents.insert(&query.text, &document);
        }
        Ok(Prepared {
            query,
            document,
            operation: kind,
            complexity: measured.complexity,
            root_fields: measured.root_fields,
            access: measured.access,
        })
    }

    /// Validates a document that clients can execute later, apart from what depends on the values of its variables. The
    /// returned request has no effect: its execution fails if the document is invalid against the schema.
    ///
    /// # Errors
    /// The text is not GraphQL, has no operation, a value of the wrong type, or exceeds a limit.
    pub fn prepare_trial(&self, text: &str) -> Result<Prepared, ApiError> {
        let document::Parsed {
            document, replaced, ..
        } = document::parse(text)?;
        let mut kinds = document
            .operations
            .iter()
            .map(|(_, it)| it.node.ty)
            .peekable();
        if kinds.peek().is_none() {
            let message = "the document has no operation";
            return Err(ApiError::new(Code::GraphqlValidationFailed, message));
        }
        if kinds.any(|kind| kind == OperationType::Subscription) {
            subscription::limit_text(text)?;
        }
        measure_without_variables(&document, &self.index, &self.limits)?;
        validate_values::validate(&document, None, &self.index, &replaced)?;
        self.validate(&document)?;
        trial_of(document, text, replaced)
    }

    /// A request without effect whose execution fails if the document of `prepared` is invalid against the schema.
    ///
    /// # Errors
    /// There is a bug.
    pub fn trial_of(prepared: &Prepared) -> Result<Prepared, ApiError> {
        let Query { text, replaced, .. } = &prepared.query;
        trial_of(prepared.document.parsed.clone(), text, replaced.clone())
    }

    fn document(&self, text: &str) -> Result<Source, ApiError> {
        if let Some(document) = self.documents.find(text) {
            return Ok(Source {
                document,
                replaced: ReplacedNumbers::default(),
                cached: Cached::Yes,
            });
        }
        let parsed = document::parse(text)?;
        let is_usual = parsed.tokens <= MAX_KNOWN_TOKENS && parsed.replaced.is_empty();
        Ok(Source {
            document: Arc::new(Document::new(parsed.document)),
            replaced: parsed.replaced,
            cached: if is_usual {
                Cached::WhenValid
            } else {
                Cached::Never
            },
        })
    }

    /// Validates the rules that neither depend on variables nor on the operation to execute.
    fn validate(&self, document: &ExecutableDocument) -> Result<(), ApiError> {
        validate_variables::validate(document)?;
        fields_can_merge::validate(document, &self.index)?;
        let operations = document.operations.iter().map(|(_, each)| &each.node);
        let mut subscriptions = operations.filter(|it| it.ty == OperationType::Subscription);
        subscriptions.try_for_each(|each| subscription::validate(document, each))
    }

    /// Executes a request. A subscription is executed for each of its messages, with what `extra` adds to its data.
    pub async fn execute(
        &self,
        prepared: Prepared,
        identity: Identity,
        extra: Option<Extra>,
    ) -> Executed {
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
            mut variables,
            replaced,
            reports_cost,
            ..
        } = prepared.query;
        let document = &prepared.document.parsed;
        let operation = document::operation(document, operation_name.as_deref()).ok();
        let ForEngine {
            document: executed,
            is_whole,
            has_added_fields,
        } = document_for_engine(document, operation, &mut variables);
        let mut request = Request::new(text)
            .variables(variables)
            .data(Arc::clone(&scope))
            .data(replaced);
        if prepared.document.is_validated() {
            request = request.data(ValidatedDocument);
        }
        request.operation_name.clone_from(&operation_name);
        if let Some(extra) = extra {
            request = extra(request);
        }
        request.set_parsed_query(executed);
        let mut response = (self.engine)(request, &scope).await;
        // The engine's own validation errors have no path.
        let rejected = response.data == Value::Null
            && !response.errors.is_empty()
            && response.errors.iter().all(|error| error.path.is_empty());
        if is_whole && !rejected {
            prepared.document.set_validated();
        }
        if let Some(operation) = operation
            && !rejected
        {
            self.complete(&mut response, (document, operation), has_added_fields);
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
            position: scope.position(),
            read_position: None,
            truncated: scope.was_truncated(),
            mutations,
            complexity: reports_cost.then_some(prepared.complexity),
        }
    }

    /// Removes the fields that were added for the engine, and corrects the nulls and the order of the fields.
    fn complete(
        &self,
        Response { data, errors, .. }: &mut Response,
        (document, operation): (&ExecutableDocument, &OperationDefinition),
        has_added_fields: bool,
    ) {
        if has_added_fields {
            empty_objects::remove_field(data);
        }
        null_propagation::propagate(data, errors, (document, operation), &self.index);
        field_order::arrange(data, document, operation);
    }
}

fn trial_of(
    document: ExecutableDocument,
    text: &str,
    replaced: ReplacedNumbers,
) -> Result<Prepared, ApiError> {
    Ok(Prepared {
        query: Query {
            text: text.to_owned(),
            operation_name: Some(trial::OPERATION.to_owned()),
            replaced,
            ..Query::default()
        },
        document: Arc::new(Document::new(trial::with_operation(document)?)),
        operation: OperationType::Query,
        complexity: 0,
        root_fields: 0,
        access: None,
    })
}

/// The document with what the engine lacks. The engine consumes its document; the response is completed by the original one.
struct ForEngine {
    document: ExecutableDocument,
    /// Whether nothing was removed, so that the engine validates all of it.
    is_whole: bool,
    has_added_fields: bool,
}

fn document_for_engine(
    document: &ExecutableDocument,
    operation: Option<&OperationDefinition>,
    variables: &mut Variables,
) -> ForEngine {
    let mut executed = document.clone();
    let mut is_whole = true;
    if let Some(operation) = operation {
        coerce_variables::add_defaults(operation, variables);
        let absent = coerce_variables::absent(document, operation, variables);
        is_whole = absent.is_empty();
        if !is_whole {
            coerce_variables::remove_absent(&mut executed, &absent);
        }
    }
    ForEngine {
        has_added_fields: empty_objects::add_field(&mut executed),
        document: executed,
        is_whole,
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

#[cfg(test)]
#[path = "execution_tests.rs"]
mod tests;
