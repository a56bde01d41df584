//! The event store on SQLite: one file, one writing process, no other software.
//!
//! # How it keeps the promises
//!
//! One connection writes, behind a mutex; the data folder belongs to one process (an OS lock on a file beside the
//! database). So a batch is read, judged ([`event_sourcing::validate_batch`]), inserted and committed in one `BEGIN IMMEDIATE`
//! transaction while nobody else can write, and positions are simply the head plus one. Readers have connections of
//! their own; in WAL mode they neither wait for the writer nor hold it up, and each statement sees whole commits.
//!
//! A commit is answered after `COMMIT` returned, which with `synchronous = FULL` means that the log is on disk. That
//! setting is read back at start, because with `NORMAL` a power cut loses acknowledged commits.
//!
//! Waiting readers are woken through a channel in the process and poll beside it. A read-only handle, which another
//! process may open at any time, has only the poll.

mod append;
mod error;
mod identity;
mod lease;
mod lock;
mod read;
mod settings;
mod snapshot;
mod store;
mod subscribe;

pub use error::OpenError;
pub use settings::Settings;
pub use store::SqliteEventStore;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
