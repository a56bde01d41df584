//! Group commit: one appender per process and store.
//!
//! Callers put commits into a bounded queue. One task takes all queued commits, writes them as one batch, and completes
//! each caller's [`Pending`] separately. There is no artificial delay: the next batch accumulates while one is written,
//! and callers that are ready to queue a commit run before the next batch is taken.
//!
//! ```text
//!  reserve ──► queue (bounded) ──► batch ──► EventStore::append ──► each caller's Pending
//!                                    │ ▲                │
//!        deadline passed: dropped ◄──┘ └── unavailable ─┘   retry with backoff, idempotent by command id
//! ```
//!
//! Retries bridge a short outage of the store. In a longer one each commit is tried once, so that callers learn at once that
//! nothing was written: [`AppenderConfig::outage_timeout`].
//!
//! Commits are validated in the order in which they were sent; lanes depend on it. Callers only wait for a result, so a
//! cancelled caller does not cancel its commit.

mod config;
mod handle;
mod pending;
mod result;
mod writer;

pub use config::AppenderConfig;
pub use handle::{Appender, Slot};
pub use pending::Pending;
pub use result::{AppendError, CommitOutcome, LastWrite};
