//! A stored event as an adapter reads it, in two parts: its place, which is always readable, and its content, which may
//! be damaged.

use std::fmt::Display;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::envelope::{DecodedOnce, Envelope};
use crate::event::Metadata;
use crate::id::{CommandId, Position, Version};
use crate::store::{Entry, Unreadable};
use crate::stream::StreamId;

/// The place of a stored event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPlace {
    /// Its position in the log.
    pub position: Position,
    /// The stream that it belongs to.
    pub stream: StreamId,
    /// Its version in that stream.
    pub version: Version,
    /// The stored name.
    pub event_type: String,
}

/// The content of a stored event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredContent {
    /// As in [`Envelope::event_id`].
    pub event_id: Uuid,
    /// As in [`Envelope::command_id`].
    pub command_id: Option<Uuid>,
    /// As in [`Envelope::schema_version`].
    pub schema_version: u32,
    /// As in [`Envelope::data`].
    pub data: String,
    /// As in [`Envelope::metadata`].
    pub metadata: Metadata,
    /// As in [`Envelope::recorded_at`].
    pub recorded_at: DateTime<Utc>,
}

impl StoredPlace {
    /// Combines the place with the content, if the content is readable.
    ///
    /// # Errors
    /// [`Unreadable`] with the reason in `content`.
    pub fn with(self, content: Result<StoredContent, String>) -> Result<Envelope, Unreadable> {
        let Self {
            position,
            stream,
            version,
            event_type,
        } = self;
        match content {
            Ok(content) => Ok(Envelope {
                position,
                stream,
                version,
                event_id: content.event_id,
                command_id: content.command_id.map(CommandId),
                event_type,
                schema_version: content.schema_version,
                data: content.data,
                metadata: content.metadata,
                recorded_at: content.recorded_at,
                decoded: DecodedOnce::default(),
            }),
            Err(reason) => Err(Unreadable {
                position,
                stream,
                version,
                event_type,
                reason,
            }),
        }
    }
}

impl StoredContent {
    /// Adds the name of the part to the error of reading it.
    ///
    /// # Errors
    /// A reason that names the part.
    pub fn part<T>(name: &str, read: Result<T, impl Display>) -> Result<T, String> {
        read.map_err(|error| format!("its {name} cannot be read: {error}"))
    }
}

impl From<Result<Envelope, Unreadable>> for Entry {
    fn from(read: Result<Envelope, Unreadable>) -> Self {
        match read {
            Ok(envelope) => Self::Event(Arc::new(envelope)),
            Err(unreadable) => Self::Unreadable(Arc::new(unreadable)),
        }
    }
}
