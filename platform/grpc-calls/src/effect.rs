//! What a failed call can have done.

use std::error::Error as _;

use tonic::{ConnectError, Status, TimeoutExpired};

use crate::status::Outcome;

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

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::outcome_of;
    use crate::status::Outcome;

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
}
