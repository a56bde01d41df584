//! The event store on PostgreSQL 14 and newer.
//!
//! - A batch is one call of one function, as one statement that commits by itself. There is no `BEGIN`, so a client
//!   that stops between two statements holds nothing. The function first takes the lock of the log, then checks in a later
//!   statement that sees what the wait let through; then it writes. The lock is released by the commit, so positions are
//!   in commit order, without gap.
//! - The function is `append_batch_optimistic`, which writes all of a batch or nothing; a batch that it leaves goes to
//!   `append_events`, which judges commit by commit.
//! - Appends have one connection of their own; readers share a pool; one more connection listens for new heads.
//! - Nothing is read from a replica: a session on one is refused.
//! - A connection must be a session of its own: a pooler that shares them is refused.
//! - The log is in the first schema of the session's `search_path`; others of the database may hold other logs.
//!
//! [`PostgresEventStore`] keeps the events and the leases beside them.

mod append;
mod batch;
mod error;
mod identity;
mod lease;
mod migrate;
mod optimistic_batch;
mod read;
mod session;
mod settings;
mod snapshot;
mod store;
mod subscribe;

pub use settings::Settings;
pub use store::PostgresEventStore;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
