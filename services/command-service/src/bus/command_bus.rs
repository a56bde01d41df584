//! Takes a request to its end.

use std::sync::Arc;
use std::time::Duration;

use contract::business::ErrorType;
use contract::proto::Error;
use contract::status::{self, Outcome};
use domain::DomainError;
use event_sourcing::execute::Command;
use event_sourcing::{
    Aggregate, Clock, CommandId, CommitOutcome as Written, ExecuteError, Executed, Executor,
    Position,
};
use platform::request_log::without_values;
use platform::{ErrorId, fields};
use tokio::time::{Instant, timeout_at};
use tonic::{Request, Status};
use tracing::Instrument;

use super::rejection::BusinessRejection;
use crate::context;

/// Executes commands, one bus a process.
#[derive(Debug)]
pub struct CommandBus {
    executor: Arc<Executor>,
    clock: Arc<dyn Clock>,
}

/// How a command ended that was heard.
#[derive(Debug)]
pub struct CommandOutcome<A> {
    /// The answer, or the business error.
    pub result: Result<A, Error>,
    /// The place in the log that the answer reflects.
    pub position: Option<Position>,
    /// Whether there was nothing to do.
    pub unchanged: bool,
}

impl<A> CommandOutcome<A> {
    /// A command that was refused before it was one.
    #[must_use]
    pub fn refused(error: Error) -> Self {
        Self {
            result: Err(error),
            position: None,
            unchanged: false,
        }
    }

    /// The same, with another form of the answer.
    pub fn map<B>(self, map: impl FnOnce(A) -> B) -> CommandOutcome<B> {
        CommandOutcome {
            result: self.result.map(map),
            position: self.position,
            unchanged: self.unchanged,
        }
    }
}

impl CommandBus {
    /// A bus on this executor.
    #[must_use]
    pub fn new(executor: Arc<Executor>, clock: Arc<dyn Clock>) -> Self {
        Self { executor, clock }
    }

    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Takes a request to its end. `read` turns the message into a command, or says what is wrong with it; ids that
    /// the server makes are derived from the command's. Spans and metrics have the command's stored name.
    ///
    /// # Errors
    /// A status, if what came beside the message is malformed, or the command could not be executed.
    pub async fn dispatch<M, C>(
        &self,
        request: Request<M>,
        read: impl FnOnce(&M, CommandId) -> Result<C, DomainError>,
    ) -> Result<CommandOutcome<C::Reply>, Status>
    where
        C: Command<Rejection: BusinessRejection>,
    {
        let started = Instant::now();
        let context = context::read(request.metadata(), &*self.clock)?;
        let span = tracing::info_span!(
            "command",
            { fields::COMMAND } = C::NAME,
            { fields::COMMAND_ID } = %context.command_id,
            { fields::CORRELATION_ID } = context.metadata.correlation_id,
        );
        let command_id = context.command_id;
        let executed = async {
            match read(&request.into_inner(), command_id) {
                Ok(command) => match self.executor.execute(&command, &context).await {
                    Ok(done) => answered(done),
                    Err(error) => fail(error, context.deadline),
                },
                Err(refused) => refuse(&refused),
            }
        };
        let (heard, outcome) = executed.instrument(span).await;
        metrics::histogram!("command_duration_seconds", "command" => C::NAME, "outcome" => outcome)
            .record(started.elapsed().as_secs_f64());
        heard
    }

    /// The present state of an aggregate that an answer mentions. Nothing if it cannot be had at once: an answer
    /// does not fail for what is beside it.
    pub async fn mentioned<A: Aggregate>(&self, id: &str) -> Option<Arc<A>> {
        const LOOKUP_TIMEOUT: Duration = Duration::from_millis(500);
        let loaded = timeout_at(Instant::now() + LOOKUP_TIMEOUT, self.executor.load::<A>(id)).await;
        loaded.ok()?.ok().map(|(state, _)| state)
    }
}

type Ended<A> = (Result<CommandOutcome<A>, Status>, &'static str);

fn answered<A>(done: Executed<A>) -> Ended<A> {
    let outcome = if done.duplicate { "duplicate" } else { "done" };
    let heard = CommandOutcome {
        result: Ok(done.reply),
        position: Some(done.position),
        unchanged: done.unchanged,
    };
    (Ok(heard), outcome)
}

fn refuse<A>(refused: &impl BusinessRejection) -> Ended<A> {
    let error = refused.error();
    tracing::debug!(
        { fields::CODE } = error.r#type,
        { fields::REASON } = without_values(&error.message),
        "command refused"
    );
    (Ok(CommandOutcome::refused(error)), refused.outcome())
}

fn fail<A, R: BusinessRejection>(error: ExecuteError<R>, deadline: Instant) -> Ended<A> {
    const FAILED: &str = "a command failed";
    match error {
        ExecuteError::Rejected(refused) => refuse(&refused),
        ExecuteError::Reused => {
            let error = ErrorType::Conflict.error("the command id was used for another command");
            (Ok(CommandOutcome::refused(error)), "conflict")
        }
        ExecuteError::Unavailable(Written::None) => {
            let message = "the command could not be executed in time";
            (
                Err(unanswered(Outcome::None, message, deadline)),
                "unavailable",
            )
        }
        ExecuteError::Unavailable(Written::Unknown) => {
            let message = "the command may have taken effect; send it again with the same id";
            (
                Err(unanswered(Outcome::Unknown, message, deadline)),
                "unknown",
            )
        }
        ExecuteError::ReplyUnavailable { position, error } => {
            let status = if error.is_retryable() {
                let message =
                    "the command took effect; send it again with the same id to get its answer";
                unanswered(Outcome::Committed, message, deadline)
            } else {
                internal(FAILED, &error)
            };
            (Err(status::committed_at(position.0, status)), "unanswered")
        }
        ExecuteError::Fenced => (
            Err(Outcome::None.unavailable("another process has the lease")),
            "fenced",
        ),
        ExecuteError::Failed(error) => (
            Err(Outcome::None.mark(internal(FAILED, &error))),
            "internal",
        ),
    }
}

/// The status of a call without an answer: whether its deadline has passed, or the store is out of reach before it.
#[must_use]
pub fn unanswered(outcome: Outcome, message: &str, deadline: Instant) -> Status {
    if Instant::now() >= deadline {
        outcome.deadline_exceeded(message)
    } else {
        outcome.unavailable(message)
    }
}

/// Logs the cause of a failure, and gives the status that tells the caller where to find it.
pub fn internal(what: &str, cause: &(dyn std::error::Error + 'static)) -> Status {
    let error_id = ErrorId::random();
    tracing::error!({ fields::ERROR_ID } = %error_id, { fields::ERROR } = cause, "{what}");
    status::internal(error_id)
}
