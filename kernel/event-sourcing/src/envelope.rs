//! Events as a store returns them.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::event::{DecodeError, Metadata, StoredEvent};
use crate::id::{CommandId, Position, Version};
use crate::stream::StreamId;

/// A decoded event of any type.
pub type AnyEvent = Arc<dyn Any + Send + Sync>;

/// The cached decoded event of an envelope. All readers of a process that share the envelope share it.
#[derive(Clone, Default)]
pub struct DecodedOnce(OnceLock<AnyEvent>);

impl fmt::Debug for DecodedOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DecodedOnce")
            .field(&self.0.get().is_some())
            .finish()
    }
}

/// A cache does not affect equality.
impl PartialEq for DecodedOnce {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Eq for DecodedOnce {}

/// A stored event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Its position in the log.
    pub position: Position,
    /// The stream that it belongs to.
    pub stream: StreamId,
    /// Its version in that stream.
    pub version: Version,
    /// Unique: a UUIDv5 of the command id and the event's index in its commit.
    pub event_id: Uuid,
    /// Set on the first event of each commit and on no other.
    pub command_id: Option<CommandId>,
    /// The stored name.
    pub event_type: String,
    /// The schema version of `data`.
    pub schema_version: u32,
    /// JSON text.
    pub data: String,
    /// Stored next to the data.
    pub metadata: Metadata,
    /// When the command was decided, by the clock of the deciding process, in microseconds.
    pub recorded_at: DateTime<Utc>,
    /// The decoded event, set by [`Self::decode_shared`].
    pub decoded: DecodedOnce,
}

impl Envelope {
    /// Decodes the event.
    ///
    /// # Errors
    /// [`DecodeError`] if this binary cannot read it.
    pub fn decode<E: StoredEvent>(&self) -> Result<E, DecodeError> {
        E::decode(&self.event_type, self.schema_version, &self.data)
    }

    /// Decodes the event, once for all readers that share the envelope and decode it to the same type.
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
        // If another type is cached already, this type is decoded each time.
        let _ = self.decoded.0.set(Arc::clone(&event) as AnyEvent);
        Ok(event)
    }
}
