//! Executes requests and creates their responses.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use event_sourcing::{Clock, CommandId};
use platform::Tasks;

use super::load::LoadLimit;
use super::response::{Completion, HttpResponse};
use crate::backend::Backend;
use crate::errors::{ApiError, Code, MutationOutcome};
use crate::graphql::{Executor, Extra, Identity, Prepared};
use crate::origin::Origin;

/// Executes requests, with the clock for the timestamps of errors.
#[derive(Debug)]
pub struct Responder {
    executor: Executor,
    backend: Arc<dyn Backend>,
    clock: Arc<dyn Clock>,
    load: LoadLimit,
    /// Requests with an Idempotency-Key run here, so that they complete even if the client disconnects.
    tasks: Tasks,
}

impl Responder {
    #[must_use]
    pub const fn new(
        executor: Executor,
        backend: Arc<dyn Backend>,
        clock: Arc<dyn Clock>,
        load: LoadLimit,
        tasks: Tasks,
    ) -> Self {
        Self {
            executor,
            backend,
            clock,
            load,
            tasks,
        }
    }

    /// The limit of what is executed at the same time.
    #[must_use]
    pub const fn load(&self) -> &LoadLimit {
        &self.load
    }

    #[must_use]
    pub const fn executor(&self) -> &Executor {
        &self.executor
    }

    #[must_use]
    pub fn backend(&self) -> &dyn Backend {
        &*self.backend
    }

    /// The tasks that outlive their request.
    #[must_use]
    pub const fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    pub async fn execute(&self, request: Prepared, identity: Identity) -> HttpResponse {
        let (minimum, origin) = (identity.minimum, identity.origin.clone());
        let mut executed = self.executor.execute(request, identity, None).await;
        if let Some(minimum) = minimum {
            // A service that was read or written has checked the minimum. A response of neither, such as that of
            // `{ __typename }`, must not confirm a position that the log does not have.
            if executed.position.is_none() {
                match self.backend.require_position(&origin, minimum).await {
                    Ok(()) => executed.position = Some(minimum),
                    Err(error) if error.code == Code::BadRequest => {
                        return self.rejected(&error, &MutationOutcome::NOTHING);
                    }
                    Err(_) => {}
                }
            }
            executed.position = executed.position.map(|newest| newest.max(minimum));
        }
        HttpResponse::executed(executed, self.completion())
    }

    /// Validates a document that clients can execute later. No service is called.
    ///
    /// # Errors
    /// It is not GraphQL, is invalid against the schema, or exceeds a limit that does not depend on variables.
    pub async fn validate(&self, text: &str) -> Result<(), ApiError> {
        let trial = self.executor.prepare_trial(text)?;
        let identity = self.identity(Origin::new_random(), None);
        let executed = self.executor.execute(trial, identity, None);
        let Some(error) = executed.await.errors.into_iter().next() else {
            return Ok(());
        };
        let location = error.locations.first().copied().unwrap_or_default();
        Err(ApiError::invalid_document(error.message, location))
    }

    /// The response to a request that is invalid against the schema; `None` if it is valid. The engine finds that out only
    /// when it executes a request, which is too late for what must happen before, and to valid requests alone. A document
    /// that is valid is not validated again, neither here nor by the execution.
    pub async fn rejection(&self, request: &Prepared) -> Option<HttpResponse> {
        if request.is_validated() {
            return None;
        }
        let trial = Executor::trial_of(request).ok()?;
        let identity = self.identity(Origin::new_random(), None);
        let executed = self.executor.execute(trial, identity, None).await;
        if executed.data.is_some() {
            request.set_validated();
            return None;
        }
        Some(HttpResponse::executed(executed, self.completion()))
    }

    /// The identity of a request without an Idempotency-Key.
    #[must_use]
    pub fn identity(&self, origin: Origin, minimum: Option<u64>) -> Identity {
        Identity {
            origin,
            seed: self.new_seed(),
            minimum,
            keyed: false,
        }
    }

    /// How long a token is still accepted, if not for ever.
    #[must_use]
    pub fn time_until(&self, end: Option<DateTime<Utc>>) -> Option<Duration> {
        let left = end? - self.clock.now();
        Some(left.to_std().unwrap_or_default())
    }

    fn completion(&self) -> Completion {
        Completion {
            now: self.clock.now(),
            limits: *self.executor.limits(),
        }
    }

    /// Executes the operation of a subscription that starts.
    pub async fn start(&self, request: Prepared, identity: Identity, extra: Extra) -> HttpResponse {
        let executed = self.executor.execute(request, identity, Some(extra));
        HttpResponse::executed(executed.await, self.completion())
    }

    /// A message of a subscription about the change at the request's minimum position, as JSON. `read_at` is the position
    /// that its row reflects.
    pub async fn message(
        &self,
        request: Prepared,
        identity: Identity,
        extra: Extra,
        read_at: Option<u64>,
    ) -> Bytes {
        let position = identity.minimum;
        let executed = self.executor.execute(request, identity, Some(extra));
        let mut executed = executed.await;
        let read_at = read_at.max(executed.position);
        executed.read_position = read_at.filter(|read_at| Some(*read_at) > position);
        executed.position = position;
        HttpResponse::executed(executed, self.completion())
            .body
            .into()
    }

    /// A JSON list with one error.
    #[must_use]
    pub fn errors(&self, error: &ApiError) -> Bytes {
        self.rejected(error, &MutationOutcome::NOTHING).errors()
    }

    /// The response to a request that was rejected before execution.
    #[must_use]
    pub fn rejected(&self, error: &ApiError, outcome: &MutationOutcome) -> HttpResponse {
        HttpResponse::rejected(error, outcome, self.clock.now())
    }

    /// The response in place of one that could not be stored under its key.
    #[must_use]
    pub fn not_stored(&self, answer: HttpResponse) -> HttpResponse {
        answer.not_stored(self.clock.now())
    }

    /// A seed for the ids of a request's commands.
    fn new_seed(&self) -> CommandId {
        CommandId::from_parts(self.clock.now(), rand::random())
    }
}
