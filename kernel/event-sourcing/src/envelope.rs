//! Events as they come out of a store.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::event::{DecodeError, Metadata, StoredEvent};
use crate::id::{CommandId, Position, Version};
use crate::stream::StreamId;

/// A decoded event, of whatever type.
pub type AnyEvent = Arc<dyn Any + Send + Sync>;

/// The event of an envelope once it was decoded. All readers of a process that share the envelope share it.
#[derive(Clone, Default)]
pub struct DecodedOnce(OnceLock<AnyEvent>);

impl fmt::Debug for DecodedOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DecodedOnce")
            .field(&self.0.get().is_some())
            .finish()
    }
}

/// It says nothing that the data do not.
impl PartialEq for DecodedOnce {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for DecodedOnce {}

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
    /// Stored next to the data.
    pub metadata: Metadata,
    /// When the command was decided, by the clock of the deciding process, in microseconds.
    pub recorded_at: DateTime<Utc>,
    /// Filled when the event is decoded first.
    pub decoded: DecodedOnce,
}

impl Envelope {
    /// The event inside.
    ///
    /// # Errors
    /// [`DecodeError`] if this binary cannot read it.
    pub fn decode<E: StoredEvent>(&self) -> Result<E, DecodeError> {
        E::decode(&self.event_type, self.schema_version, &self.data)
    }

    /// The event inside. It is decoded once, however many readers share the envelope and ask for the same type.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn decode_shared<E: StoredEvent>(&self) -> Result<Arc<E>, DecodeError> {
        if let Some(known) = self.decoded.0.get()
            && let Ok(event) = Arc::clone(known).downcast::<E>()
        {
            return Ok(event);
        }
        let event = Arc::new(self.decode::<E>()?);
        // Another type may have been decoded before: this one is then decoded each time.
        let _ = self.decoded.0.set(Arc::clone(&event) as AnyEvent);
        Ok(event)
    }
}
