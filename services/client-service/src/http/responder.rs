//! Executes requests into responses, with or without a key.

use std::sync::Arc;

use event_sourcing::{Clock, CommandId};
use platform::Tasks;

use super::response::HttpResponse;
use crate::errors::{ApiError, MutationOutcome};
use crate::graphql::{Executor, Identity, Prepared};

/// What executes requests, and tells the time for their responses.
#[derive(Debug)]
pub struct Responder {
    executor: Executor,
    clock: Arc<dyn Clock>,
    /// Requests with an Idempotency-Key end here also when their client has gone.
    tasks: Tasks,
}

impl Responder {
    /// Responds with what `executor` executes.
    #[must_use]
    pub const fn new(executor: Executor, clock: Arc<dyn Clock>, tasks: Tasks) -> Self {
        Self {
            executor,
            clock,
            tasks,
        }
    }

    /// What executes the requests.
    #[must_use]
    pub const fn executor(&self) -> &Executor {
        &self.executor
    }

    /// The tasks that outlive their request.
    #[must_use]
    pub const fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    pub async fn execute(&self, request: Prepared, identity: Identity) -> HttpResponse {
        let executed = self.executor.execute(request, identity).await;
        HttpResponse::executed(executed, self.clock.now())
    }

    /// What is answered to a request that is not executed.
    #[must_use]
    pub fn refused(&self, error: &ApiError, verdict: &MutationOutcome) -> HttpResponse {
        HttpResponse::refused(error, verdict, self.clock.now())
    }

    /// What is answered in place of an answer that could not be kept.
    #[must_use]
    pub fn not_kept(&self, answer: HttpResponse) -> HttpResponse {
        answer.not_kept(self.clock.now())
    }

    /// A seed for the ids of a request's commands.
    #[must_use]
    pub fn new_seed(&self) -> CommandId {
        CommandId::from_parts(self.clock.now(), rand::random())
    }
}
