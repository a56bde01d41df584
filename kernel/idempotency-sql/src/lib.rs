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
mod claim;
mod limits;
pub mod marks;
mod requests;
mod schema;
mod tables;

pub use age::KeyClock;
pub use claim::{Claim, KeyedRequest, RequestHash};
pub use limits::{LEASE, RETENTION};
pub use requests::Requests;
pub use tables::RequestTables;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
