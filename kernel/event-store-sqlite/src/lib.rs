//! The event store on SQLite: one file, one writing process, no other software.
//!
//! # How it fulfils the guarantees
//!
//! One connection writes, guarded by a mutex, and one process at a time writes to the database (an OS lock on a file
//! next to it). A batch is looked up, validated ([`event_sourcing::validate_batch`]), inserted and committed in one
//! `BEGIN IMMEDIATE` transaction with no other writer, so the next position is the head plus one. Readers have their
//! own connections; in WAL mode they neither wait for the writer nor block it, and each statement sees whole commits.
//!
//! A commit is acknowledged after `COMMIT` returned, which with `synchronous = FULL` means that the log is on disk. The
//! setting is read back at start, because with `NORMAL` a power failure loses acknowledged commits.
//!
//! Waiting readers are woken through a channel in the process and also poll. A read-only handle, which another process
//! may open at any time, only polls.

mod append;
mod error;
mod identity;
mod lease;
mod lock;
mod maintenance;
mod read;
mod settings;
mod snapshot;
mod store;
mod subscribe;

pub use error::OpenError;
pub use lock::WriterLock;
pub use settings::Settings;
pub use store::SqliteEventStore;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
