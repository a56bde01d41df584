//! Event sourcing: streams, stores, aggregates, commands, projections and event handlers, without a database, a network
//! or a domain.
//!
//! # Where to begin
//!
//! To use the crate, implement [`Aggregate`] for a state and derive [`DomainEvent`] for its events, then decide on one
//! stream with [`Executor::transact`] or on several with a [`Command`]. Rows for queries are a [`Projection`], side
//! effects an [`EventHandler`]. Each of these traits has an example, and the crate's `examples` folder has two complete
//! programs. [`MemoryEventStore`] is enough to start; the module `testing` (feature `testing`) has given / when / then
//! for all of them.
//!
//! To understand how it works, read [`store`] first: it states what an [`EventStore`] guarantees.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`stream`], [`event`], [`commit`] | the data: streams, events, and the writes of one command |
//! | [`store`], [`validate_batch`], [`memory`] | the guarantees of a store, the validation of commits, a memory store |
//! | [`appender`], [`queue`] | group commit |
//! | [`aggregate`], [`execute`] | commands: lanes, decisions, retries, replies |
//! | [`tail`], [`LogReader`] | following the log |
//! | [`projection`] | folding events into rows |
//! | [`handler`] | delivering events at least once |
//! | [`lease`], [`log`] | fencing tokens, and checkpoints that detect a restored log |
//! | [`verify`](mod@verify), [`maintenance`] | checking a whole log, copying it, snapshots |
//! | [`trace`] | spans in the traces of requests |
//! | [`quoted()`] | text from outside in messages |
//!
//! Processes over several streams and external providers are in the crate `rust-cqrs-sagas`.

// The derive's output refers to the crate by this name, also inside this crate.
extern crate self as event_sourcing;

pub mod aggregate;
pub mod appender;
mod backoff;
pub mod clock;
pub mod commit;
mod decision;
pub mod envelope;
mod error;
pub mod event;
pub mod execute;
pub mod failure_log;
pub mod fields;
mod filter;
pub mod handler;
pub mod id;
pub mod lease;
pub mod log;
pub mod maintenance;
pub mod memory;
pub mod projection;
pub mod queue;
mod quoted;
pub mod snapshot;
pub mod store;
mod stored;
pub mod stream;
mod subscription;
pub mod tail;
#[cfg(feature = "testing")]
pub mod testing;
pub mod trace;
pub mod upcast;
pub mod validate_batch;
pub mod verify;

pub use aggregate::Aggregate;
pub use appender::{AppendError, Appender, AppenderConfig, CommitOutcome, LastWrite};
pub use backoff::Backoff;
pub use clock::{Clock, SteadyClock, SystemClock};
pub use commit::{Commit, CommitError, ExpectedVersion, Receipt, Rejected, Write};
pub use decision::{Actor, Decision};
pub use envelope::Envelope;
pub use error::with_causes;
pub use event::{DecodeError, DomainEvent, EncodedEvent, Metadata, NewEvent, StoredEvent};
/// Derives the trait of the same name.
pub use event_sourcing_derive::DomainEvent;
pub use execute::{Command, Context, ExecuteError, Executed, Executor, ExecutorConfig};
pub use failure_log::{FailureLog, Recovery};
pub use handler::EventHandler;
pub use id::{CommandId, Position, Version};
pub use lease::{Fence, Lease, LeaseRetention, LeaseStore, MAX_HELD_LEASES, Token};
pub use log::{ForeignLog, LogId, LogIdentity, LogMark};
pub use maintenance::LogMaintenance;
pub use memory::{MemoryEventStore, MemoryHandlerStore, MemoryProjectionStore};
pub use projection::Projection;
pub use quoted::quoted;
pub use store::{
    CommandStatus, Entry, EventStore, Filter, LogPage, Snapshot, StoreError, StreamPage, Unreadable,
};
pub use stored::{StoredContent, StoredPlace};
pub use stream::StreamId;
pub use subscription::LogReader;
pub use tail::Tail;

/// Compiles and runs the examples of the README as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
