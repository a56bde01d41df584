//! A request, and what its caller must do.

use std::time::Duration;

use event_sourcing::CommandId;

/// Distinguishes requests that carry the same key.
pub type RequestHash = [u8; 32];

/// A key, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedRequest {
    /// Who sent the request. Equal keys of two principals are different keys.
    pub principal: String,
    /// The key that the client chose.
    pub key: String,
}

/// The result of Begin: what the caller must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Execute it, with command ids derived from the seed.
    Fresh {
        /// The same for every execution of the request.
        seed: CommandId,
    },
    /// Return the first answer.
    Answered {
        /// The bytes that were passed to Finish.
        answer: Vec<u8>,
    },
    /// Retry later: another caller is executing it.
    InProgress {
        /// The remaining time of the current lease.
        for_at_most: Duration,
    },
    /// Reject the request: the key belongs to another one.
    Reused,
}
