//! Events on their way into a store and out of it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::{CommandId, Position, Version};
use crate::stream::StreamId;

/// The most bytes that the encoded data of one event may have.
pub const MAX_EVENT_BYTES: usize = 256 * 1024;

/// A domain event as its codec wrote it: name, shape and JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedEvent {
    /// The stored name: a literal beside the type, never a Rust path.
    pub event_type: &'static str,
    /// The shape of `data`; upcasters lift older shapes when they are read.
    pub schema_version: u32,
    /// JSON text.
    pub data: String,
}

impl EncodedEvent {
    /// Serializes the data of an event.
    ///
    /// # Panics
    /// JSON cannot hold the data: a map whose keys are no strings, or a `Serialize` of its own that fails.
    pub fn of(event_type: &'static str, schema_version: u32, data: &impl Serialize) -> Self {
        let data = serde_json::to_string(data).unwrap_or_else(|error| {
            unreachable!("{event_type} cannot be serialized as JSON: {error}")
        });
        Self {
            event_type,
            schema_version,
            data,
        }
    }
}

/// What is known about an event beside its data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The request that led to the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The command or event that led to the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<String>,
    /// Who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// W3C trace context: `traceparent` and, where there is one, `tracestate`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub trace: BTreeMap<String, String>,
}

/// An event that is to be appended. Its id is derived from the command id and its index in the commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Name, shape and data.
    pub event: EncodedEvent,
    /// Stored beside the data.
    pub metadata: Metadata,
}

/// An event as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Its place in the log of all events.
    pub position: Position,
    /// The stream that it belongs to.
    pub stream: StreamId,
    /// Its place in that stream.
    pub version: Version,
    /// Unique: a UUIDv5 of the command id and the event's index in its commit.
    pub event_id: Uuid,
    /// Set on the first event of each commit and on no other.
    pub command_id: Option<CommandId>,
    /// The stored name.
    pub event_type: String,
    /// The shape of `data`.
    pub schema_version: u32,
    /// JSON text.
    pub data: String,
    /// Stored beside the data.
    pub metadata: Metadata,
    /// When the command was decided, by the clock of the deciding process, in microseconds.
    pub recorded_at: DateTime<Utc>,
}
