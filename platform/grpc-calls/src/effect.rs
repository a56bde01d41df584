//! What a failed call can have done.

use std::error::Error;

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

/// Whether the call cannot have reached the service.
fn was_never_sent(status: &Status) -> bool {
    is_caused_by::<ConnectError>(status) || was_closed_before(status)
}

/// Whether the connection was closed before the call was sent on it.
fn was_closed_before(status: &Status) -> bool {
    cause(status).is_some_and(|error: &hyper::Error| error.is_canceled())
}

/// Whether the service has closed the connection in an orderly manner (GOAWAY without an error), as a process does that stops.
/// This says nothing about the service: its other processes may answer.
pub(crate) fn is_cut_off(status: &Status) -> bool {
    let is_orderly =
        |error: &h2::Error| error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
    was_closed_before(status) || cause(status).is_some_and(is_orderly)
}

fn is_caused_by<E: Error + 'static>(status: &Status) -> bool {
    cause::<E>(status).is_some()
}

/// The first cause of this type.
fn cause<E: Error + 'static>(status: &Status) -> Option<&E> {
    let mut cause = status.source();
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hyper::Request;
    use hyper::client::conn::http1::handshake;
    use hyper_util::rt::TokioIo;
    use tonic::Status;

    use super::{is_cut_off, outcome_of};
    use crate::status::Outcome;

    #[tokio::test]
    async fn a_call_on_a_connection_that_was_closed_before_had_no_effect() {
        let (stream, server) = tokio::io::duplex(64);
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.expect("open");
        drop(server);
        drop(connection);
        let unsent = sender.send_request(Request::new(String::new())).await;
        let mut status = Status::cancelled("operation was canceled");
        status.set_source(Arc::new(unsent.expect_err("closed")));
        assert!(is_cut_off(&status));
        assert_eq!(outcome_of(&status), Outcome::None);
        let by_service = Status::cancelled("operation was canceled");
        assert!(!is_cut_off(&by_service));
        assert_eq!(outcome_of(&by_service), Outcome::Unknown);
    }

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
