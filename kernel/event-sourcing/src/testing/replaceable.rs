//! A store that can be replaced while it is in use, as by a restored backup or a wrong setting.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::commit::{Commit, Receipt, Rejected};
use crate::id::{CommandId, Position, Version};
use crate::log::LogIdentity;
use crate::memory::MemoryEventStore;
use crate::store::{CommandStatus, EventStore, Filter, LogPage, Snapshot, StoreError, StreamPage};
use crate::stream::StreamId;

/// Forwards every call to the current log.
#[derive(Debug)]
pub struct ReplaceableStore {
    current: watch::Sender<Arc<MemoryEventStore>>,
}

impl ReplaceableStore {
    /// A store with this log.
    #[must_use]
    pub fn new(log: MemoryEventStore) -> Self {
        Self {
            current: watch::Sender::new(Arc::new(log)),
        }
    }

    /// The current log.
    #[must_use]
    pub fn current(&self) -> Arc<MemoryEventStore> {
        Arc::clone(&self.current.borrow())
    }

    /// Replaces the log. Waiting readers then wait for the events of the new one.
    pub fn replace(&self, log: MemoryEventStore) {
        self.current.send_replace(Arc::new(log));
    }

    /// Replaces the log by its copy up to `position`.
    pub fn restore(&self, position: Position) {
        self.replace(self.current().restored_to(position));
    }
}

#[async_trait]
impl EventStore for ReplaceableStore {
    async fn append(&self, batch: &[Commit]) -> Result<Vec<Result<Receipt, Rejected>>, StoreError> {
        self.current().append(batch).await
    }

    async fn command_status(
        &self,
        command: CommandId,
        streams: &[StreamId],
    ) -> Result<CommandStatus, StoreError> {
        self.current().command_status(command, streams).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Version,
        limit: usize,
    ) -> Result<StreamPage, StoreError> {
        self.current().read_stream(stream, after, limit).await
    }

    async fn read_all(
        &self,
        after: Position,
        filter: &Filter,
        limit: usize,
    ) -> Result<LogPage, StoreError> {
        self.current().read_all(after, filter, limit).await
    }

    async fn head(&self) -> Result<Position, StoreError> {
        self.current().head().await
    }

    async fn identify(&self, positions: &[Position]) -> Result<LogIdentity, StoreError> {
        self.current().identify(positions).await
    }

    async fn wait_for(&self, position: Position) -> Result<Position, StoreError> {
        let mut present = self.current.subscribe();
        loop {
            let log = Arc::clone(&present.borrow_and_update());
            tokio::select! {
                reached = log.wait_for(position) => return reached,
                _ = present.changed() => {}
            }
        }
    }

    async fn load_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
    ) -> Result<Option<Snapshot>, StoreError> {
        self.current().load_snapshot(stream, schema_version).await
    }

    async fn save_snapshot(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.current().save_snapshot(snapshot).await
    }

    async fn remove_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
        version: Version,
    ) -> Result<(), StoreError> {
        let present = self.current();
        present
            .remove_snapshot(stream, schema_version, version)
            .await
    }
}
