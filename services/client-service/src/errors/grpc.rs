//! Statuses of gRPC calls.

use std::error::Error as _;

use contract::status::{Reason, error_id};
use tonic::{ConnectError, Status};

use super::{ApiError, Code, Outcome};

/// Whether the call would have changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// No.
    Read,
    /// Yes.
    Write,
}

/// In how many seconds trying again makes sense when a service does not say.
const RETRY_AFTER_S: u64 = 1;

/// Translates a status.
#[must_use]
pub fn from_grpc(status: &Status, effect: Effect) -> ApiError {
    if is_transport_failure(status) {
        return unavailable(status, effect);
    }
    if Reason::of(status) == Some(Reason::PositionAboveHead) {
        return ApiError::new(Code::BadRequest, status.message());
    }
    match status.code() {
        tonic::Code::InvalidArgument => ApiError::new(Code::ValidationError, status.message()),
        tonic::Code::NotFound => ApiError::new(Code::NotFound, status.message()),
        tonic::Code::AlreadyExists | tonic::Code::Aborted | tonic::Code::FailedPrecondition => {
            ApiError::new(Code::Conflict, status.message())
        }
        tonic::Code::Unauthenticated => ApiError::new(Code::Unauthenticated, status.message()),
        tonic::Code::PermissionDenied => ApiError::new(Code::Forbidden, status.message()),
        tonic::Code::Unavailable
        | tonic::Code::DeadlineExceeded
        | tonic::Code::ResourceExhausted
        | tonic::Code::Cancelled => unavailable(status, effect),
        tonic::Code::Ok
        | tonic::Code::Unknown
        | tonic::Code::Internal
        | tonic::Code::DataLoss
        | tonic::Code::OutOfRange
        | tonic::Code::Unimplemented => match error_id(status) {
            Some(id) => ApiError::internal_known_as(id),
            None => ApiError::internal(status),
        },
    }
}

/// Whether the status was made here because the connection failed, and not by the service.
#[must_use]
pub fn is_transport_failure(status: &Status) -> bool {
    status.source().is_some()
}

/// Whether the call cannot have reached the service, because there was no connection.
#[must_use]
pub fn was_never_sent(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<ConnectError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

fn unavailable(status: &Status, effect: Effect) -> ApiError {
    let outcome = match (effect, Reason::of(status)) {
        (Effect::Read, _) | (Effect::Write, Some(Reason::OutcomeNone)) => Outcome::None,
        (Effect::Write, _) => Outcome::Unknown,
    };
    let message = match (Reason::of(status), outcome) {
        (Some(Reason::ReadSideBehind), _) => "the read side has not reached the position yet",
        (Some(Reason::ReadSideStalled), _) => "the read side stands still below the position",
        (_, Outcome::None) => "the service is not available; nothing happened",
        (_, Outcome::Unknown) => {
            "the service did not answer; the outcome is unknown, retry with the same Idempotency-Key"
        }
    };
    ApiError {
        retry_after: Some(RETRY_AFTER_S),
        outcome: Some(outcome),
        ..ApiError::new(Code::ServiceUnavailable, message)
    }
}

#[cfg(test)]
mod tests {
    use contract::status::{Reason, internal};
    use tonic::Status;

    use super::{Code, Effect, Outcome, from_grpc};

    #[test]
    fn an_unanswered_write_has_an_unknown_outcome_unless_the_service_knows() {
        let lost = Status::deadline_exceeded("late");
        let write = from_grpc(&lost, Effect::Write);
        assert_eq!(write.code, Code::ServiceUnavailable);
        assert_eq!(write.outcome, Some(Outcome::Unknown));
        assert_eq!(write.retry_after, Some(1));
        assert_eq!(from_grpc(&lost, Effect::Read).outcome, Some(Outcome::None));
        let nothing = Reason::OutcomeNone.status("conflicts until the deadline");
        assert_eq!(
            from_grpc(&nothing, Effect::Write).outcome,
            Some(Outcome::None)
        );
    }

    #[test]
    fn a_cause_is_never_shown() {
        let error = from_grpc(&Status::internal("password is hunter2"), Effect::Read);
        assert_eq!(error.code, Code::InternalError);
        assert!(!error.message.contains("hunter2"));
        let error = from_grpc(&internal("00c0ffee"), Effect::Read);
        assert_eq!(error.error_id.as_deref(), Some("00c0ffee"));
        let error = from_grpc(&Status::unavailable("10.0.0.1 refused"), Effect::Read);
        assert!(!error.message.contains("10.0.0.1"));
    }

    #[test]
    fn a_position_above_the_head_is_a_bad_request() {
        let status = Reason::PositionAboveHead.status("x-min-position is above the head");
        assert_eq!(from_grpc(&status, Effect::Read).code, Code::BadRequest);
    }
}
