//! What a domain gives the kernel: states that evolve by events, and events with a codec.

use std::fmt::Debug;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::event::{EncodedEvent, Envelope};
use crate::stream::StreamId;

/// Events of one kind of stream, with their stored names and shapes.
///
/// It is derived. Each event is a variant with one field, its data, and says under which name it is stored. The name
/// is a literal, so that the type can be renamed. An event whose shape changed says so by a schema version, and for
/// each older one how its data are lifted to the next:
///
/// ```
/// use event_sourcing::DomainEvent;
/// use serde::{Deserialize, Serialize};
/// use serde_json::Value;
///
/// #[derive(Clone, Debug, DomainEvent)]
/// enum AccountEvent {
///     #[event(name = "Deposited")]
///     Deposited(Deposited),
///     #[event(name = "Withdrawn", version = 2, upcast = [withdrawn_v1_to_v2])]
///     Withdrawn(Withdrawn),
/// }
///
/// #[derive(Clone, Debug, Serialize, Deserialize)]
/// struct Deposited {
///     cents: u64,
/// }
///
/// #[derive(Clone, Debug, Serialize, Deserialize)]
/// struct Withdrawn {
///     cents: u64,
///     reason: Option<String>,
/// }
///
/// /// Version 1 had `amount`, and no reason.
/// fn withdrawn_v1_to_v2(mut old: Value) -> Value {
///     serde_json::json!({ "cents": old["amount"].take() })
/// }
///
/// assert_eq!(AccountEvent::TYPES, ["Deposited", "Withdrawn"]);
/// let read = AccountEvent::decode("Withdrawn", 1, r#"{"amount": 500}"#).unwrap();
/// assert!(matches!(read, AccountEvent::Withdrawn(data) if data.cents == 500));
/// ```
///
/// A struct can be the only event of its streams. It then carries the attribute itself. What does not fit does not
/// compile:
///
/// ```compile_fail
/// # use event_sourcing::DomainEvent;
/// # use serde::{Deserialize, Serialize};
/// #[derive(Clone, Debug, Serialize, Deserialize, DomainEvent)]
/// #[event(name = "Opened", version = 2)] // and no upcaster from version 1
/// struct Opened {}
/// ```
pub trait DomainEvent: Clone + Debug + Send + Sync + Sized + 'static {
    /// The stored names of all its events.
    const TYPES: &'static [&'static str];

    /// Names, versions and serializes the event.
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

impl DecodeError {
    /// No event of the stream has that name.
    #[must_use]
    pub fn unknown_type(event_type: &str) -> Self {
        Self::UnknownType {
            event_type: event_type.to_owned(),
        }
    }
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
