//! What a domain gives the kernel: states that evolve by events, and events with a codec.

use std::fmt::Debug;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::event::{EncodedEvent, Envelope};
use crate::stream::StreamId;

/// Events of one kind of stream, with their stored names and shapes.
pub trait DomainEvent: Clone + Debug + Send + Sync + Sized + 'static {
    /// Names, versions and writes the event. The name is a literal.
    fn encode(&self) -> EncodedEvent;

    /// Reads a stored event of any shape that was ever written, lifting old ones step by step.
    ///
    /// # Errors
    /// [`DecodeError`] if the name or the shape is unknown or the data do not fit it.
    fn decode(event_type: &str, schema_version: u32, data: &str) -> Result<Self, DecodeError>;
}

/// A stored event that this binary cannot read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// No event of this stream has that name.
    #[error("unknown event type {event_type:?}")]
    UnknownType {
        /// The stored name.
        event_type: String,
    },
    /// The shape is newer than this binary, or was never written.
    #[error("unknown schema version {schema_version} of {event_type}")]
    UnknownVersion {
        /// The stored name.
        event_type: String,
        /// The stored shape.
        schema_version: u32,
    },
    /// The data do not fit the shape.
    #[error("the data of {event_type} do not fit schema version {schema_version}")]
    Data {
        /// The stored name.
        event_type: String,
        /// The stored shape.
        schema_version: u32,
        /// What did not fit.
        #[source]
        source: serde_json::Error,
    },
}

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

/// Reads the event inside an envelope.
///
/// # Errors
/// [`DecodeError`] if this binary cannot read it.
pub fn decode<E: DomainEvent>(envelope: &Envelope) -> Result<E, DecodeError> {
    E::decode(
        &envelope.event_type,
        envelope.schema_version,
        &envelope.data,
    )
}
