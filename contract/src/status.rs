//! Errors that are gRPC statuses: machine-readable reasons, and ids that lead to the log.

use std::fmt;

use tonic::{Code, Status};

use crate::metadata;

/// Why a service could not answer, beside the status code: the caller's retry depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The read side has not yet reached the position asked for.
    ReadSideBehind,
    /// The read side stands still below the position asked for.
    ReadSideStalled,
    /// Nothing happened.
    OutcomeNone,
    /// The command may have taken effect: send it again with the same id to learn.
    OutcomeUnknown,
    /// The position asked for does not exist yet.
    PositionAboveHead,
}

impl Reason {
    const ALL: [Self; 5] = [
        Self::ReadSideBehind,
        Self::ReadSideStalled,
        Self::OutcomeNone,
        Self::OutcomeUnknown,
        Self::PositionAboveHead,
    ];

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadSideBehind => "READ_SIDE_BEHIND",
            Self::ReadSideStalled => "READ_SIDE_STALLED",
            Self::OutcomeNone => "OUTCOME_NONE",
            Self::OutcomeUnknown => "OUTCOME_UNKNOWN",
            Self::PositionAboveHead => "POSITION_ABOVE_HEAD",
        }
    }

    /// The status code that goes with it.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::PositionAboveHead => Code::InvalidArgument,
            Self::ReadSideBehind
            | Self::ReadSideStalled
            | Self::OutcomeNone
            | Self::OutcomeUnknown => Code::Unavailable,
        }
    }

    /// A status that carries it.
    #[must_use]
    pub fn status(self, message: impl Into<String>) -> Status {
        let mut status = Status::new(self.code(), message);
        metadata::insert(status.metadata_mut(), metadata::REASON, self.name());
        status
    }

    /// The reason that a received status carries.
    #[must_use]
    pub fn of(status: &Status) -> Option<Self> {
        let name = metadata::get(status.metadata(), metadata::REASON)?;
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// A failure whose cause only the log knows, under this id.
#[must_use]
pub fn internal(error_id: impl fmt::Display) -> Status {
    let error_id = error_id.to_string();
    let mut status = Status::internal(format!("internal error {error_id}"));
    metadata::insert(status.metadata_mut(), metadata::ERROR_ID, &error_id);
    status
}

/// The id of an internal error that a received status carries.
#[must_use]
pub fn error_id(status: &Status) -> Option<&str> {
    metadata::get(status.metadata(), metadata::ERROR_ID)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_found_again() {
        for reason in Reason::ALL {
            let status = reason.status("because");
            assert_eq!(Reason::of(&status), Some(reason));
            assert_eq!(status.code(), reason.code());
        }
        assert_eq!(Reason::of(&Status::unavailable("no reason")), None);
    }

    #[test]
    fn an_internal_error_shows_its_id_and_nothing_else() {
        let status = internal("00c0ffee");
        assert_eq!(error_id(&status), Some("00c0ffee"));
        assert_eq!(status.message(), "internal error 00c0ffee");
    }
}
