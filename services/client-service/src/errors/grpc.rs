//! Translates the statuses of gRPC calls.

use contract::status::{Outcome, Reason, error_id};
use graphql_http::{ApiError, Code, NOT_AVAILABLE};
use grpc_calls::{Effect, is_transport_failure, outcome_of};
use tonic::Status;

/// Translates a status. It sets no outcome: that depends on all calls of the request and is added at its end.
#[must_use]
pub fn from_grpc(status: &Status, effect: Effect) -> ApiError {
    if is_transport_failure(status) {
        return unavailable(status);
    }
    match Reason::of(status) {
        Some(Reason::PositionAboveHead) => {
            return ApiError::new(Code::BadRequest, status.message());
        }
        // The fault of the gateway's settings, and not of the client.
        Some(Reason::CallNotSigned) => return ApiError::internal(status),
        _ => {}
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

fn unavailable(status: &Status) -> ApiError {
    let message = match Reason::of(status) {
        Some(Reason::ReadSideBehind) => "the read side has not reached the position yet",
        Some(Reason::ReadSideBuilding) => "the read side is being built and does not answer yet",
        Some(Reason::CircuitOpen) => "the service has not answered for a while",
        Some(Reason::ReadSideStalled) => "the read side is stopped below the position",
        _ => NOT_AVAILABLE,
    };
    ApiError::new(Code::ServiceUnavailable, message)
}

#[cfg(test)]
mod tests {
    use contract::status::{Outcome, internal};
    use tonic::Status;

    use super::{Code, Effect, from_grpc};

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
