//! The command bus: the one place that every command passes, whatever it does.
//!
//! It reads what came beside the message (ids, deadline, trace), has the input validated, executes, measures, logs
//! what failed, and sorts the end into an answer, a business error, or a status.

use std::sync::Arc;
use std::time::Duration;

use contract::business::ErrorType;
use contract::proto::Error;
use contract::status::{self, Reason};
use domain::DomainError;
use event_sourcing::execute::Command;
use event_sourcing::{
    Aggregate, Clock, CommandId, Done, ExecuteError, Executor, Outcome, Position,
};
use platform::{ErrorId, fields};
use tokio::time::{Instant, timeout_at};
use tonic::{Request, Status};
use tracing::Instrument;

use crate::context;
use crate::grpc::refusal;

/// Executes commands, one bus a process.
#[derive(Debug)]
pub struct CommandBus {
    executor: Executor,
    clock: Arc<dyn Clock>,
}

/// How a command ended that was heard.
#[derive(Debug)]
pub struct Heard<A> {
    /// The answer, or the business error.
    pub result: Result<A, Error>,
    /// The place in the log that the answer reflects.
    pub position: Option<Position>,
    /// Whether there was nothing to do.
    pub unchanged: bool,
}

impl CommandBus {
    /// A bus on this executor.
    #[must_use]
    pub fn new(executor: Executor, clock: Arc<dyn Clock>) -> Self {
        Self { executor, clock }
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Takes a request to its end. `read` turns the message into a command, or says what is wrong with it; ids that
    /// the server makes are derived from the command's.
    ///
    /// # Errors
    /// A status, if what came beside the message is malformed, or the command could not be executed.
    pub async fn dispatch<M, C>(
        &self,
        name: &'static str,
        request: Request<M>,
        read: impl FnOnce(&M, CommandId) -> Result<C, DomainError>,
    ) -> Result<Heard<C::Answer>, Status>
    where
        C: Command<Refusal = DomainError>,
    {
        let started = Instant::now();
        let context = context::read(request.metadata(), &*self.clock)?;
        let span = tracing::info_span!(
            "command",
            command.name = name,
            { fields::COMMAND_ID } = %context.command_id,
            { fields::CORRELATION_ID } = context.metadata.correlation_id,
        );
        let command_id = context.command_id;
        let executed = async {
            let command = read(&request.into_inner(), command_id).map_err(ExecuteError::Refused)?;
            self.executor.execute(&command, &context).await
        };
        let (heard, outcome) = executed
            .instrument(span.clone())
            .await
            .map_or_else(|error| span.in_scope(|| fail(error)), answered);
        metrics::histogram!("command_duration_seconds", "command" => name, "outcome" => outcome)
            .record(started.elapsed().as_secs_f64());
        heard
    }

    /// The present state of an aggregate that an answer mentions. Nothing if it cannot be had at once: an answer
    /// does not fail for what is beside it.
    pub async fn mentioned<A: Aggregate>(&self, id: &str) -> Option<(Arc<A>, u64)> {
        const PATIENCE: Duration = Duration::from_millis(500);
        let loaded = timeout_at(Instant::now() + PATIENCE, self.executor.load::<A>(id)).await;
        let (state, version) = loaded.ok()?.ok()?;
        Some((state, version.0))
    }
}

type Ended<A> = (Result<Heard<A>, Status>, &'static str);

fn answered<A>(done: Done<A>) -> Ended<A> {
    let outcome = if done.duplicate { "duplicate" } else { "done" };
    let heard = Heard {
        result: Ok(done.answer),
        position: Some(done.position),
        unchanged: done.unchanged,
    };
    (Ok(heard), outcome)
}

fn fail<A>(error: ExecuteError<DomainError>) -> Ended<A> {
    let business = |error: Error, outcome| {
        let heard = Heard {
            result: Err(error),
            position: None,
            unchanged: false,
        };
        (Ok(heard), outcome)
    };
    match error {
        ExecuteError::Refused(refused) => {
            let outcome = match &refused {
                DomainError::Validation(_) => "validation_error",
                DomainError::NotFound { .. } => "not_found",
                DomainError::Conflict(_) => "conflict",
                DomainError::OrderState(_) => "domain_error",
            };
            business(refusal::to_error(&refused), outcome)
        }
        ExecuteError::Reused => business(
            ErrorType::Conflict.error("the command id was used for another command"),
            "conflict",
        ),
        ExecuteError::Unavailable(Outcome::None) => (
            Err(Reason::OutcomeNone.status("the command could not be executed in time")),
            "unavailable",
        ),
        ExecuteError::Unavailable(Outcome::Unknown) => (
            Err(Reason::OutcomeUnknown
                .status("the command may have taken effect; send it again with the same id")),
            "unknown",
        ),
        error @ (ExecuteError::Fenced | ExecuteError::Failed(_)) => {
            (Err(internal("a command failed", &error)), "internal")
        }
    }
}

/// Logs the cause of a failure, and gives the status that tells the caller where to find it.
pub fn internal(what: &str, cause: &(dyn std::error::Error + 'static)) -> Status {
    let error_id = ErrorId::random();
    tracing::error!({ fields::ERROR_ID } = %error_id, { fields::ERROR } = cause, "{what}");
    status::internal(error_id)
}
