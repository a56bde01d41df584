//! Requests that carry an Idempotency-Key: who executes them, and what they were answered.
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
//! The lease says who executes the request at this moment; correctness does not rest on it. Whoever takes over has
//! the same seed, so the same command ids, and the event store lets none of them take effect twice. That is why a
//! lease can be judged by the clock of whichever process is asked.

mod age;
mod database;
pub(crate) mod marks;

use std::time::Duration;

use event_sourcing::CommandId;

pub use age::KeyClock;
pub use database::Requests;

/// How long a request belongs to who began it, unless renewed.
pub const LEASE: Duration = Duration::from_secs(10);

/// How long a key is remembered, from the first Begin.
pub const KEPT: Duration = Duration::from_hours(24);

/// Tells requests apart that carry the same key.
pub type RequestHash = [u8; 32];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedRequest {
    pub principal: String,
    pub key: String,
}

/// What the caller of Begin is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Execute it, with command ids derived from the seed.
    Fresh {
        /// The same each time that the request is executed.
        seed: CommandId,
    },
    /// Give the first answer.
    Again {
        /// As Finish was given it.
        answer: Vec<u8>,
    },
    /// Ask again later: somebody executes it.
    InProgress {
        /// When the present lease ends, unless renewed.
        for_at_most: Duration,
    },
    /// Refuse: the key belongs to another request.
    Reused,
}
