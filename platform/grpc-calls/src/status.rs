//! Errors as gRPC statuses, with machine-readable reasons and outcomes, and ids of log entries.

use std::fmt;

use tonic::{Code, Status};

use crate::metadata;

/// Why a call failed, in addition to the status code. The caller's retry depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The read side lags behind the requested position.
    ReadSideBehind,
    /// The read model is being built.
    ReadSideBuilding,
    /// A projection is parked below the requested position.
    ReadSideStalled,
    /// The call did not take effect.
    OutcomeNone,
    /// The outcome is unknown: the command may have taken effect. A retry with the same id resolves it.
    OutcomeUnknown,
    /// The requested position does not exist yet.
    PositionAboveHead,
    /// The call was not sent: the service has not answered for a while.
    CircuitOpen,
    /// The service does not accept the caller's signature, for whomever it calls.
    CallNotSigned,
}

impl Reason {
    const ALL: [Self; 8] = [
        Self::ReadSideBehind,
        Self::ReadSideBuilding,
        Self::ReadSideStalled,
        Self::OutcomeNone,
        Self::OutcomeUnknown,
        Self::PositionAboveHead,
        Self::CircuitOpen,
        Self::CallNotSigned,
    ];

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadSideBehind => "READ_SIDE_BEHIND",
            Self::ReadSideBuilding => "READ_SIDE_BUILDING",
            Self::ReadSideStalled => "READ_SIDE_STALLED",
            Self::OutcomeNone => "OUTCOME_NONE",
            Self::OutcomeUnknown => "OUTCOME_UNKNOWN",
            Self::PositionAboveHead => "POSITION_ABOVE_HEAD",
            Self::CircuitOpen => "CIRCUIT_OPEN",
            Self::CallNotSigned => "CALL_NOT_SIGNED",
        }
    }

    /// The corresponding status code.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::PositionAboveHead => Code::InvalidArgument,
            Self::CallNotSigned => Code::Unauthenticated,
            Self::ReadSideBehind
            | Self::ReadSideBuilding
            | Self::ReadSideStalled
            | Self::OutcomeNone
            | Self::OutcomeUnknown
            | Self::CircuitOpen => Code::Unavailable,
        }
    }

    /// The outcome that the reason implies.
    const fn outcome(self) -> Option<Outcome> {
        match self {
            Self::OutcomeNone | Self::CircuitOpen | Self::CallNotSigned => Some(Outcome::None),
            Self::OutcomeUnknown => Some(Outcome::Unknown),
            Self::ReadSideBehind
            | Self::ReadSideBuilding
            | Self::ReadSideStalled
            | Self::PositionAboveHead => None,
        }
    }

    /// A status with this reason.
    #[must_use]
    pub fn status(self, message: impl Into<String>) -> Status {
        let mut status = Status::new(self.code(), message);
        metadata::insert(status.metadata_mut(), metadata::REASON, self.name());
        if let Some(outcome) = self.outcome() {
            metadata::insert(status.metadata_mut(), metadata::OUTCOME, outcome.name());
        }
        status
    }

    /// The reason of a received status.
    #[must_use]
    pub fn of(status: &Status) -> Option<Self> {
        let name = metadata::get(status.metadata(), metadata::REASON)?;
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// The outcome of a call without a reply. It concerns this call alone: an earlier one with the same command id may have
/// taken effect. Outcomes are ordered: of several calls with one command id, the greatest is the overall outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The call did not take effect.
    None,
    /// The call may have taken effect; a retry with the same command id resolves it.
    Unknown,
    /// The call took effect, but its reply is not available now; a retry with the same command id returns it.
    Committed,
}

impl Outcome {
    const ALL: [Self; 3] = [Self::None, Self::Unknown, Self::Committed];

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Unknown => "unknown",
            Self::Committed => "committed",
        }
    }

    /// The reason for callers that do not know outcomes.
    const fn reason(self) -> Reason {
        match self {
            Self::None => Reason::OutcomeNone,
            Self::Unknown | Self::Committed => Reason::OutcomeUnknown,
        }
    }

    /// `UNAVAILABLE` with this outcome.
    #[must_use]
    pub fn unavailable(self, message: impl Into<String>) -> Status {
        self.mark(Status::unavailable(message))
    }

    /// `DEADLINE_EXCEEDED` with this outcome.
    #[must_use]
    pub fn deadline_exceeded(self, message: impl Into<String>) -> Status {
        self.mark(Status::deadline_exceeded(message))
    }

    /// Adds this outcome to a status.
    #[must_use]
    pub fn mark(self, mut status: Status) -> Status {
        let values = status.metadata_mut();
        metadata::insert(values, metadata::OUTCOME, self.name());
        metadata::insert(values, metadata::REASON, self.reason().name());
        status
    }

    /// The outcome of a received status. Services that do not know outcomes send a reason only.
    #[must_use]
    pub fn of(status: &Status) -> Option<Self> {
        let name = metadata::get(status.metadata(), metadata::OUTCOME);
        let named = name.and_then(|name| Self::ALL.into_iter().find(|known| known.name() == name));
        named.or_else(|| Reason::of(status)?.outcome())
    }
}

/// The status of a command that took effect at `position`, but whose reply is not available.
#[must_use]
pub fn committed_at(position: u64, status: Status) -> Status {
    let mut status = Outcome::Committed.mark(status);
    metadata::insert_position(status.metadata_mut(), metadata::POSITION, position);
    status
}

/// A failure whose cause is only in the log, under this id.
#[must_use]
pub fn internal(error_id: impl fmt::Display) -> Status {
    let error_id = error_id.to_string();
    let mut status = Status::internal(format!("internal error {error_id}"));
    metadata::insert(status.metadata_mut(), metadata::ERROR_ID, &error_id);
    status
}

/// The id of an internal error in a received status.
#[must_use]
pub fn error_id(status: &Status) -> Option<&str> {
    metadata::get(status.metadata(), metadata::ERROR_ID)
}

/// The standard name of a status code, as metrics use it.
#[must_use]
pub const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_round_trip() {
        for reason in Reason::ALL {
            let status = reason.status("because");
            assert_eq!(Reason::of(&status), Some(reason));
            assert_eq!(status.code(), reason.code());
        }
        assert_eq!(Reason::of(&Status::unavailable("no reason")), None);
    }

    #[test]
    fn outcomes_round_trip_with_any_status_code() {
        for outcome in Outcome::ALL {
            let unavailable = outcome.unavailable("gone");
            assert_eq!(unavailable.code(), Code::Unavailable);
            let late = outcome.deadline_exceeded("late");
            assert_eq!(late.code(), Code::DeadlineExceeded);
            for status in [unavailable, late, outcome.mark(internal("00c0ffee"))] {
                assert_eq!(Outcome::of(&status), Some(outcome));
                assert_eq!(Reason::of(&status), Some(outcome.reason()));
            }
        }
        assert_eq!(Outcome::of(&Status::unavailable("no outcome")), None);
        let [none, unknown, committed] = Outcome::ALL;
        assert!(none < unknown && unknown < committed);
    }

    #[test]
    fn a_reason_of_an_older_service_is_an_outcome() {
        for (reason, outcome) in [
            (Reason::OutcomeNone, Some(Outcome::None)),
            (Reason::OutcomeUnknown, Some(Outcome::Unknown)),
            (Reason::ReadSideBehind, None),
        ] {
            let mut status = reason.status("because");
            status.metadata_mut().remove(metadata::OUTCOME);
            assert_eq!(Outcome::of(&status), outcome);
        }
    }

    #[test]
    fn a_committed_status_has_the_position() {
        let status = committed_at(7, Status::unavailable("its answer is lost"));
        assert_eq!(Outcome::of(&status), Some(Outcome::Committed));
        let position = metadata::position(status.metadata(), metadata::POSITION);
        assert_eq!(position.expect("a position"), Some(7));
    }

    #[test]
    fn an_internal_error_shows_only_its_id() {
        let status = internal("00c0ffee");
        assert_eq!(error_id(&status), Some("00c0ffee"));
        assert_eq!(status.message(), "internal error 00c0ffee");
    }
}
