//! Event sourcing: streams, stores, aggregates, lanes and projections, without a database, a network, or a
//! word of any domain.
//!
//! Read it in this order: [`stream`] and [`event`] say what is stored, [`commit`] what one command writes,
//! [`store`] what a store promises, [`queue`] and [`appender`] how commits share a write, [`aggregate`] and
//! [`execute`] how a command becomes events, [`tail`] how those who follow the log share its reading, [`projection`]
//! how events become rows. Work that goes on across streams and providers is the subject of the crate `sagas`.

// What the derive writes names the crate, also in this crate.
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
pub mod memory;
pub mod projection;
pub mod queue;
pub mod snapshot;
pub mod store;
mod stored;
pub mod stream;
mod subscription;
pub mod tail;
#[cfg(feature = "testing")]
pub mod testing;
pub mod upcast;
pub mod validate_batch;

pub use aggregate::Aggregate;
pub use appender::{AppendError, Appender, AppenderConfig, CommitOutcome, LastWrite};
pub use backoff::Backoff;
pub use clock::{Clock, SteadyClock, SystemClock};
pub use commit::{Commit, CommitError, ExpectedVersion, Receipt, Rejected, Write};
pub use decision::{Actor, Decision};
pub use envelope::Envelope;
pub use event::{DecodeError, DomainEvent, EncodedEvent, Metadata, NewEvent, StoredEvent};
/// Derives the trait of the same name.
pub use event_sourcing_derive::DomainEvent;
pub use execute::{Command, Context, ExecuteError, Executed, Executor, ExecutorConfig};
pub use failure_log::{FailureLog, Recovery};
pub use handler::EventHandler;
pub use id::{CommandId, Position, Version};
pub use lease::{Fence, Lease, LeaseRetention, LeaseStore, MAX_HELD_LEASES, Token};
pub use log::{ForeignLog, LogId, LogIdentity, LogMark};
pub use memory::{MemoryEventStore, MemoryHandlerStore, MemoryProjectionStore};
pub use projection::Projection;
pub use store::{
    CommandStatus, Entry, EventStore, Filter, LogPage, Snapshot, StoreError, StreamPage, Unreadable,
};
pub use stored::{StoredContent, StoredPlace};
pub use stream::StreamId;
pub use subscription::LogReader;
pub use tail::Tail;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
