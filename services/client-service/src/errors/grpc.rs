//! Translates the statuses of gRPC calls.

use std::error::Error as _;

use contract::status::{Outcome, Reason, error_id};
use tonic::{ConnectError, Status, TimeoutExpired};

use super::outcome::NOT_AVAILABLE;
use super::{ApiError, Code};

/// Whether a call may change state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Read,
    Write,
}

/// The statuses that tonic's client creates, without a source, for a truncated response. They mean a lost connection and
/// not a bug of a service, but only their texts distinguish them from one.
const TRUNCATED: [(tonic::Code, &str); 3] = [
    (tonic::Code::Internal, "Unexpected EOF decoding stream."),
    (tonic::Code::Internal, "Missing response message."),
    (
        tonic::Code::Unknown,
        "protocol error: missing grpc-status trailer",
    ),
];

/// Translates a status. It sets no outcome: that depends on all calls of the request and is added at its end.
#[must_use]
pub fn from_grpc(status: &Status, effect: Effect) -> ApiError {
    if is_transport_failure(status) {
        return unavailable(status);
    }
    if Reason::of(status) == Some(Reason::PositionAboveHead) {
        return ApiError::new(Code::BadRequest, status.message());
    }
    match status.code() {
        tonic::Code::Unknown
        | tonic::Code::Internal
        | tonic::Code::DataLoss
        | tonic::Code::OutOfRange
        | tonic::Code::Unimplemented
        | tonic::Code::Ok => match error_id(status) {
            Some(id) => ApiError::internal_known_as(id),
            None => ApiError::internal(status),
        },
        // The last try was rejected, but an earlier one may have taken effect.
        _ if effect == Effect::Write && outcome_of(status) > Outcome::None => unavailable(status),
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
        | tonic::Code::Cancelled => unavailable(status),
    }
}

/// The outcome of a write that returned this status. Unless it is certain that nothing happened, the write may have taken
/// effect.
#[must_use]
pub fn outcome_of(status: &Status) -> Outcome {
    if let Some(outcome) = Outcome::of(status) {
        return outcome;
    }
    if was_never_sent(status) {
        return Outcome::None;
    }
    if is_transport_failure(status) {
        return Outcome::Unknown;
    }
    match status.code() {
        // Validated before execution, so nothing was written.
        tonic::Code::InvalidArgument
        | tonic::Code::NotFound
        | tonic::Code::AlreadyExists
        | tonic::Code::FailedPrecondition
        | tonic::Code::Unauthenticated
        | tonic::Code::PermissionDenied
        | tonic::Code::Unimplemented => Outcome::None,
        tonic::Code::Ok
        | tonic::Code::Cancelled
        | tonic::Code::Unknown
        | tonic::Code::DeadlineExceeded
        | tonic::Code::ResourceExhausted
        | tonic::Code::Aborted
        | tonic::Code::OutOfRange
        | tonic::Code::Internal
        | tonic::Code::Unavailable
        | tonic::Code::DataLoss => Outcome::Unknown,
    }
}

/// Whether the status was created by the client because the connection failed, and not by the service.
#[must_use]
pub fn is_transport_failure(status: &Status) -> bool {
    let is_truncated = |(code, text): &(tonic::Code, &str)| {
        status.code() == *code && status.message().starts_with(text)
    };
    status.source().is_some() || TRUNCATED.iter().any(is_truncated)
}

/// Whether the status was created by the client because the deadline has passed.
#[must_use]
pub fn is_late(status: &Status) -> bool {
    is_caused_by::<TimeoutExpired>(status)
}

/// Whether the call cannot have reached the service, because there was no connection.
fn was_never_sent(status: &Status) -> bool {
    is_caused_by::<ConnectError>(status)
}

fn is_caused_by<E: std::error::Error + 'static>(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<E>() {
            return true;
        }
        cause = error.source();
    }
    false
}

fn unavailable(status: &Status) -> ApiError {
    let message = match Reason::of(status) {
        Some(Reason::ReadSideBehind) => "the read side has not reached the position yet",
        Some(Reason::ReadSideBuilding) => "the read side is being built and does not answer yet",
        Some(Reason::ReadSideStalled) => "the read side is stopped below the position",
        _ => NOT_AVAILABLE,
    };
    ApiError::new(Code::ServiceUnavailable, message)
}

#[cfg(test)]
mod tests {
    use contract::status::{Outcome, internal};
    use tonic::Status;

    use super::{Code, Effect, from_grpc, outcome_of};

    #[test]
    fn a_failed_write_has_an_unknown_outcome_unless_the_service_reports_one() {
        let unknown = [
            Status::deadline_exceeded("late"),
            Status::cancelled("cancelled"),
            Status::internal("a bug"),
            Status::unknown("what"),
            Status::out_of_range("the reply is too long"),
            Status::resource_exhausted("busy"),
            Status::unavailable("restarting"),
        ];
        for status in unknown {
            assert_eq!(outcome_of(&status), Outcome::Unknown, "{status:?}");
            for outcome in [Outcome::None, Outcome::Committed] {
                let marked = outcome.mark(status.clone());
                assert_eq!(outcome_of(&marked), outcome, "{marked:?}");
            }
        }
        let rejected = Status::invalid_argument("x-command-id");
        assert_eq!(outcome_of(&rejected), Outcome::None);
    }

    #[test]
    fn a_denied_try_after_one_that_may_have_taken_effect_is_service_unavailable() {
        let denied = || Status::unauthenticated("no token");
        let first = Outcome::Unknown.mark(denied());
        let error = from_grpc(&first, Effect::Write);
        assert_eq!(error.code, Code::ServiceUnavailable);
        assert_eq!(
            from_grpc(&denied(), Effect::Write).code,
            Code::Unauthenticated
        );
    }

    #[test]
    fn the_cause_of_an_internal_error_is_never_shown() {
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
        let status = contract::status::Reason::PositionAboveHead.status("above the head");
        assert_eq!(from_grpc(&status, Effect::Read).code, Code::BadRequest);
    }
}
