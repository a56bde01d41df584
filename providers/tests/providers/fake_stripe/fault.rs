//! Programmable faults.

use std::sync::Arc;

use tokio::sync::Notify;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Create,
    Confirm,
    Cancel,
    Refund,
    Look,
}

#[derive(Clone, Debug)]
pub enum Fault {
    /// It fails without an effect.
    FailBefore,
    /// It fails after the effect.
    FailAfter,
    /// The connection breaks after the effect, instead of the answer.
    Lose,
    /// It is rate limited.
    Limit,
    /// The object is locked by another call.
    Locked,
    /// Another request with the same key is in flight.
    InUse,
    /// It reports its arrival, and then waits before the effect.
    Hold { came: Arc<Notify>, go: Arc<Notify> },
}

impl On {
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "create" => Self::Create,
            "confirm" => Self::Confirm,
            "cancel" => Self::Cancel,
            "refund" => Self::Refund,
            "look" => Self::Look,
            _ => return None,
        })
    }
}

impl Fault {
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "fail_before" => Self::FailBefore,
            "fail_after" => Self::FailAfter,
            "lose" => Self::Lose,
            "limit" => Self::Limit,
            "locked" => Self::Locked,
            "in_use" => Self::InUse,
            _ => return None,
        })
    }

    /// A call that waits, with the signals of its arrival and of its release.
    pub fn hold() -> (Self, Arc<Notify>, Arc<Notify>) {
        let (came, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let fault = Self::Hold {
            came: Arc::clone(&came),
            go: Arc::clone(&go),
        };
        (fault, came, go)
    }
}
