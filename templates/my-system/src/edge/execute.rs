//! Executes a command for a mutation, and records in the request's journal what became of it.

use std::fmt;
use std::time::Duration;

use async_graphql::Context;
use event_sourcing::execute::Command;
use event_sourcing::{CommandId, CommitOutcome, ExecuteError, Executed};
use graphql_http::{ApiError, Code, ExecutionContext, NOT_AVAILABLE};
use grpc_calls::status::Outcome;
use sagas::ActionRejected;

use super::answers::unavailable;
use super::resolvers::Edge;
use crate::account::AccountRejection;

/// How long a command may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A rejection that clients see.
pub(super) trait Rejection: fmt::Debug {
    fn error(&self) -> ApiError;
}

impl Rejection for AccountRejection {
    fn error(&self) -> ApiError {
        let code = match self {
            Self::OwnerLength(_) | Self::NotPositive(_) => Code::ValidationError,
            Self::NotOpen => Code::NotFound,
            Self::AlreadyOpen | Self::NotEnough { .. } => Code::Conflict,
        };
        ApiError::new(code, self.to_string())
    }
}

impl Rejection for ActionRejected {
    fn error(&self) -> ApiError {
        let code = match self {
            Self::Unknown => Code::NotFound,
            Self::Ended
            | Self::NotSuspended
            | Self::NothingWaits
            | Self::Decided
            | Self::Corrupt(_)
            | Self::Unsupported(_) => Code::Conflict,
        };
        ApiError::new(code, self.to_string())
    }
}

/// Executes the command that `make` makes of the mutation's command id. A repeat of the request with its Idempotency-Key
/// has the same id, and takes effect once.
pub(super) async fn execute<C>(
    context: &Context<'_>,
    make: impl FnOnce(CommandId) -> C,
) -> Result<Executed<C::Reply>, ApiError>
where
    C: Command<Rejection: Rejection>,
{
    let edge = context.data_unchecked::<Edge>();
    let execution = ExecutionContext::of(context)?;
    let id = execution.command_id(context);
    let mut call = event_sourcing::Context::new(id, TIMEOUT);
    call.metadata.correlation_id = Some(execution.origin().request_id().to_owned());
    call.metadata.user_id = execution.origin().caller().subject().map(str::to_owned);
    // Before the call: should this future be dropped meanwhile, the outcome stays unknown.
    execution.journal.note(id, Outcome::Unknown);
    let error = match edge.executor.execute(&make(id), &call).await {
        Ok(done) => {
            execution.committed_at(done.position.0);
            let position = Some(done.position.0);
            execution.journal.committed(id, position, None);
            return Ok(done);
        }
        Err(error) => error,
    };
    if !matches!(
        error,
        ExecuteError::Unavailable(CommitOutcome::Unknown) | ExecuteError::ReplyUnavailable { .. }
    ) {
        execution.journal.note(id, Outcome::None);
    }
    Err(match error {
        ExecuteError::Rejected {
            rejection,
            position,
        } => {
            execution.committed_at(position.0);
            rejection.error()
        }
        ExecuteError::Reused => ApiError::new(
            Code::Conflict,
            "the command id was used for another command",
        ),
        ExecuteError::ReplyUnavailable { position, error } => {
            execution.committed_at(position.0);
            execution.journal.committed(id, Some(position.0), None);
            unavailable(&error)
        }
        ExecuteError::Unavailable(_) | ExecuteError::Fenced => {
            ApiError::new(Code::ServiceUnavailable, NOT_AVAILABLE)
        }
        ExecuteError::Failed(error) => unavailable(&error),
    })
}
