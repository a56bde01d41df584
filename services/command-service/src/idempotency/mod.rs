//! Requests with an Idempotency-Key: which caller executes them, and their stored answers.
//!
//! ```text
//!             Begin                    Finish with an answer
//!  (nothing) ───────► running, leased ───────────────────────► answered ── 24 h after Begin ──► (nothing)
//!                      │    ▲   │ ▲
//!    lease expires, or │    │   └─┘ Renew
//!    Finish without    ▼    │ Begin: the same seed
//!    an answer        running, free
//! ```
//!
//! The lease only avoids duplicate work; correctness does not rest on it. A caller that takes over gets the same seed,
//! so the same command ids, and in the event store no command id takes effect twice. That is why a lease can be
//! validated against the clock of any process.

mod age;
mod database;
pub(crate) mod marks;

use std::time::Duration;

use event_sourcing::CommandId;

pub use age::KeyClock;
pub use database::Requests;

/// How long a claim is valid unless renewed.
pub const LEASE: Duration = Duration::from_secs(10);

/// How long a key is retained after the first Begin.
pub const RETENTION: Duration = Duration::from_hours(24);

/// Distinguishes requests that carry the same key.
pub type RequestHash = [u8; 32];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedRequest {
    pub principal: String,
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
