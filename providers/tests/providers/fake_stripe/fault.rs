//! What can be told to go wrong.

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
    /// It fails, and has done nothing.
    FailBefore,
    /// It fails, and has done it.
    FailAfter,
    /// It is done, and the connection breaks instead of the answer.
    Lose,
    /// There were too many.
    Limit,
    /// The object is locked by another call.
    Locked,
    /// Another request with the same key is running.
    InUse,
    /// It waits before it does anything, and says that it has come.
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

    /// A call that waits: told when it has come, and let go.
    pub fn hold() -> (Self, Arc<Notify>, Arc<Notify>) {
        let (came, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let fault = Self::Hold {
            came: Arc::clone(&came),
            go: Arc::clone(&go),
        };
        (fault, came, go)
    }
}
