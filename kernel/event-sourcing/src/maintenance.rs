//! What operators do with a store apart from appending and reading: check its database, copy its log, and list or remove
//! its snapshots.

use std::fmt::Debug;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::envelope::Envelope;
use crate::error::StoreError;
use crate::id::{Position, Version};
use crate::log::LogId;
use crate::store::{Snapshot, Unreadable};
use crate::stored::{StoredContent, StoredPlace};
use crate::stream::StreamId;

/// One event with every stored column, as it is copied from one log to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogRecord {
    /// Its position in the log.
    pub position: Position,
    /// The type of its stream.
    pub stream_type: String,
    /// The id of its stream.
    pub stream_id: String,
    /// Its version in that stream.
    pub version: Version,
    /// The stored name.
    pub event_type: String,
    /// The schema version of `data`.
    pub schema_version: u32,
    /// As in [`Envelope::event_id`].
    pub event_id: Uuid,
    /// As in [`Envelope::command_id`].
    pub command_id: Option<Uuid>,
    /// As in [`Envelope::recorded_at`].
    pub recorded_at: DateTime<Utc>,
    /// JSON text, as stored: fields that this binary does not know are kept.
    pub metadata: String,
    /// JSON text, as stored.
    pub data: String,
}

impl LogRecord {
    /// The event as a reader of the log gets it.
    ///
    /// # Errors
    /// [`Unreadable`] if the metadata is in a format that this binary does not know.
    pub fn envelope(&self) -> Result<Envelope, Unreadable> {
        let place = StoredPlace {
            position: self.position,
            stream: self.stream(),
            version: self.version,
            event_type: self.event_type.clone(),
        };
        let metadata = StoredContent::part("metadata", serde_json::from_str(&self.metadata));
        place.with(metadata.map(|metadata| StoredContent {
            event_id: self.event_id,
            command_id: self.command_id,
            schema_version: self.schema_version,
            data: self.data.clone(),
            metadata,
            recorded_at: self.recorded_at,
        }))
    }

    /// The stream that it belongs to.
    #[must_use]
    pub fn stream(&self) -> StreamId {
        StreamId::stored(self.stream_type.clone(), self.stream_id.as_str())
    }

    /// Whether both are the same event. JSON is compared by value: an engine may store it in another form.
    #[must_use]
    pub fn is_same_event(&self, other: &Self) -> bool {
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        let same_json = |a: &str, b: &str| a == b || (json(a).is_some() && json(a) == json(b));
        let without_json = |record: &Self| Self {
            metadata: String::new(),
            data: String::new(),
            ..record.clone()
        };
        without_json(self) == without_json(other)
            && same_json(&self.data, &other.data)
            && same_json(&self.metadata, &other.metadata)
    }
}

/// Why a page of records was not imported. Nothing of it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportRejected {
    /// The log has other events by now: another process writes to it.
    #[error("the log ends at position {actual}, expected {expected}: another process writes to it")]
    Moved {
        /// The head that the caller expected.
        expected: Position,
        /// The current head.
        actual: Position,
    },
    /// The store has events of another log.
    #[error("the store holds the log {found}, not {expected}")]
    OtherLog {
        /// The log of the records.
        expected: LogId,
        /// The log of the store.
        found: LogId,
    },
}

/// Selects snapshots. `None` selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotSelection {
    /// Of streams of this type.
    pub stream_type: Option<String>,
    /// Of the streams with this id.
    pub stream_id: Option<String>,
    /// Of this schema version.
    pub schema_version: Option<u32>,
}

/// Identifies a snapshot. Snapshots are listed in this order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SnapshotKey {
    /// The stream that was folded.
    pub stream: StreamId,
    /// The schema of the state.
    pub schema_version: u32,
}

impl From<&Snapshot> for SnapshotKey {
    fn from(snapshot: &Snapshot) -> Self {
        Self {
            stream: snapshot.stream.clone(),
            schema_version: snapshot.schema_version,
        }
    }
}

/// Damage of the database that the log itself does not show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageProblem {
    /// The event that it concerns, if it concerns one.
    pub position: Option<Position>,
    /// For operators.
    pub detail: String,
}

/// Operators' access to the database of a store, implemented by the adapters of databases.
#[async_trait]
pub trait LogMaintenance: Debug + Send + Sync + 'static {
    /// Checks the database itself: that the file or its indexes are whole, and that no row is outside of the log. It
    /// may read the whole database.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be checked.
    async fn storage_problems(&self) -> Result<Vec<StorageProblem>, StoreError>;

    /// Up to `limit` events after position `after`, with all their columns.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read, or a column of one of the events is damaged.
    async fn read_records(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<LogRecord>, StoreError>;

    /// Writes records after position `after`, which must be the head, with their positions, versions and ids. All or
    /// nothing. The first page, in an empty log, also sets the log's id. The records must be contiguous and valid; only
    /// the database's own constraints are checked.
    ///
    /// # Errors
    /// [`StoreError`] if the records cannot be written; [`ImportRejected`] if the log is not at `after`, or is not the
    /// log `log`.
    async fn import_records(
        &self,
        log: LogId,
        after: Position,
        records: &[LogRecord],
    ) -> Result<Result<(), ImportRejected>, StoreError>;

    /// Up to `limit` of the selected snapshots with keys after `after`, in the order of their keys.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    async fn list_snapshots(
        &self,
        selection: &SnapshotSelection,
        after: Option<&SnapshotKey>,
        limit: usize,
    ) -> Result<Vec<Snapshot>, StoreError>;

    /// Removes the selected snapshots and returns their number.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be written.
    async fn remove_snapshots(&self, selection: &SnapshotSelection) -> Result<u64, StoreError>;
}
