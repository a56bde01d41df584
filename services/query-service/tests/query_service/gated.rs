//! A log whose reads can be blocked.

use std::sync::Arc;

use async_trait::async_trait;
use event_sourcing::memory::MemoryEventStore;
use event_sourcing::{
    CommandId, CommandStatus, Commit, EventStore, Filter, LogIdentity, LogPage, Position, Receipt,
    Rejected, Snapshot, StoreError, StreamId, StreamPage, Version,
};
use tokio::sync::{Semaphore, watch};

/// A log whose pages are released one by one.
#[derive(Debug)]
pub struct Gated {
    pub log: Arc<MemoryEventStore>,
    /// The number of requested pages.
    pub asked: watch::Sender<u64>,
    /// One permit per page.
    pub open: Semaphore,
}

impl Gated {
    /// Releases no page yet.
    pub fn new(log: Arc<MemoryEventStore>) -> Self {
        Self {
            log,
            asked: watch::Sender::new(0),
            open: Semaphore::new(0),
        }
    }
}

#[async_trait]
impl EventStore for Gated {
    async fn append(&self, batch: &[Commit]) -> Result<Vec<Result<Receipt, Rejected>>, StoreError> {
        self.log.append(batch).await
    }

    async fn command_status(
        &self,
        command: CommandId,
        streams: &[StreamId],
    ) -> Result<CommandStatus, StoreError> {
        self.log.command_status(command, streams).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Version,
        limit: usize,
    ) -> Result<StreamPage, StoreError> {
        self.log.read_stream(stream, after, limit).await
    }

    async fn read_all(
        &self,
        after: Position,
        filter: &Filter,
        limit: usize,
    ) -> Result<LogPage, StoreError> {
        self.asked.send_modify(|count| *count += 1);
        self.open.acquire().await.expect("never closed").forget();
        self.log.read_all(after, filter, limit).await
    }

    async fn head(&self) -> Result<Position, StoreError> {
        self.log.head().await
    }

    async fn identify(&self, positions: &[Position]) -> Result<LogIdentity, StoreError> {
        self.log.identify(positions).await
    }

    async fn wait_for(&self, position: Position) -> Result<Position, StoreError> {
        self.log.wait_for(position).await
    }

    async fn load_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
    ) -> Result<Option<Snapshot>, StoreError> {
        self.log.load_snapshot(stream, schema_version).await
    }

    async fn save_snapshot(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.log.save_snapshot(snapshot).await
    }

    async fn remove_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
        version: Version,
    ) -> Result<(), StoreError> {
        self.log
            .remove_snapshot(stream, schema_version, version)
            .await
    }
}
