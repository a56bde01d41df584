//! What a domain gives the kernel: states that evolve by events.

use std::fmt::Debug;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::event::DomainEvent;
use crate::stream::StreamId;

/// The state of a stream, folded from its events. `Default` is the state before the first.
pub trait Aggregate:
    Clone + Debug + Default + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The stored name of its streams' type.
    const TYPE: &'static str;
    /// The shape of its snapshots. Raise it when the fields change; older snapshots are then ignored.
    const SNAPSHOT_VERSION: u32;
    /// Its events.
    type Event: DomainEvent;

    /// Moves the state by one event that was recorded at `at`. Total: an event that was stored is a fact.
    fn evolve(&mut self, event: &Self::Event, at: DateTime<Utc>);

    /// Whether this state may be kept as a snapshot. One that says less than the events, such as one that could not
    /// make sense of them, may not: another binary reads the events again, and may.
    #[must_use]
    fn may_be_snapshotted(&self) -> bool {
        true
    }

    /// The stream of the aggregate with this id.
    #[must_use]
    fn stream(id: &str) -> StreamId {
        StreamId::new(Self::TYPE, id)
    }
}
