//! The event store on PostgreSQL 14 and newer.
//!
//! - A batch is one call of one function, in one statement that commits by itself. There is no `BEGIN`, so a client
//!   that stops between two statements holds no lock. The function first takes the lock of the log. The checks are in a
//!   later statement, whose snapshot includes what committed during the wait; then it writes. The commit releases the
//!   lock, so positions are in commit order, without gaps.
//! - The function is `append_batch_optimistic`, which writes a whole batch or nothing; a batch that it rejects goes to
//!   `append_events`, which validates each commit.
//! - One connection appends, one listens for new heads, and readers share a pool.
//! - Nothing is read from a replica: a session on one is rejected.
//! - Each connection must be a separate session: a pooler that shares sessions is rejected.
//! - The log is in the first schema of the session's `search_path`; other schemas of the database may hold other logs.
//!
//! [`PostgresEventStore`] stores the events and, in the same database, the leases.

mod append;
mod batch;
mod error;
mod identity;
mod lease;
mod maintenance;
mod migrate;
mod optimistic_batch;
mod read;
mod session;
mod settings;
mod snapshot;
mod store;
mod subscribe;

pub use identity::head_in;
pub use settings::Settings;
pub use store::PostgresEventStore;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
