//! What an adapter reads of a stored event, in two halves: where it stands, which is always there, and the rest, which
//! may be damaged.

use std::fmt::Display;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::envelope::{DecodedOnce, Envelope};
use crate::event::Metadata;
use crate::id::{CommandId, Position, Version};
use crate::store::{Entry, Unreadable};
use crate::stream::StreamId;

/// Where a stored event stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPlace {
    /// Its place in the log of all events.
    pub position: Position,
    /// The stream that it belongs to.
    pub stream: StreamId,
    /// Its place in that stream.
    pub version: Version,
    /// The stored name.
    pub event_type: String,
}

/// The rest of a stored event.
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
    /// The event, or that it cannot be read and why.
    ///
    /// # Errors
    /// [`Unreadable`] with the reason that `content` gives.
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
    /// One part of it, or a reason that names the part.
    ///
    /// # Errors
    /// The reason.
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
