//! The store as one process reaches it, which can be cut off.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use event_sourcing::{
    CommandId, CommandStatus, Commit, EventStore, Filter, Lease, LeaseRetention, LeaseStore,
    LogIdentity, LogPage, MemoryEventStore, Position, Receipt, Rejected, Snapshot, StoreError,
    StreamId, StreamPage, Version,
};

fn cut() -> StoreError {
    StoreError::Unavailable {
        operation: "reach the store",
        source: Arc::from(Box::from("the connection is cut")),
    }
}

/// The store as one process reaches it.
#[derive(Debug)]
pub struct FlakyStore {
    inner: Arc<MemoryEventStore>,
    pub is_cut: AtomicBool,
    /// Whether only the leases are unreachable.
    pub is_without_leases: AtomicBool,
    /// Whether requests for leases panic.
    pub is_mad: AtomicBool,
    /// How many of the next queries of the head fail.
    pub heads_to_fail: AtomicUsize,
    /// How often a stream was read.
    pub loads: AtomicUsize,
    /// The positions from which the log was read.
    pub reads: Mutex<Vec<Position>>,
}

impl FlakyStore {
    pub fn new(inner: Arc<MemoryEventStore>) -> Self {
        Self {
            inner,
            is_cut: AtomicBool::new(false),
            is_without_leases: AtomicBool::new(false),
            is_mad: AtomicBool::new(false),
            heads_to_fail: AtomicUsize::new(0),
            loads: AtomicUsize::new(0),
            reads: Mutex::default(),
        }
    }

    fn reach(&self) -> Result<&MemoryEventStore, StoreError> {
        if self.is_cut.load(Ordering::Relaxed) {
            return Err(cut());
        }
        Ok(&self.inner)
    }

    fn reach_leases(&self) -> Result<&MemoryEventStore, StoreError> {
        assert!(!self.is_mad.load(Ordering::Relaxed), "a bug");
        if self.is_without_leases.load(Ordering::Relaxed) {
            return Err(cut());
        }
        self.reach()
    }
}

#[async_trait]
impl EventStore for FlakyStore {
    async fn append(&self, batch: &[Commit]) -> Result<Vec<Result<Receipt, Rejected>>, StoreError> {
        self.reach()?.append(batch).await
    }

    async fn command_status(
        &self,
        command: CommandId,
        streams: &[StreamId],
    ) -> Result<CommandStatus, StoreError> {
        self.reach()?.command_status(command, streams).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Version,
        limit: usize,
    ) -> Result<StreamPage, StoreError> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.reach()?.read_stream(stream, after, limit).await
    }

    async fn read_all(
        &self,
        after: Position,
        filter: &Filter,
        limit: usize,
    ) -> Result<LogPage, StoreError> {
        self.reads.lock().unwrap().push(after);
        self.reach()?.read_all(after, filter, limit).await
    }

    async fn head(&self) -> Result<Position, StoreError> {
        let less = |left: usize| left.checked_sub(1);
        let failed = self
            .heads_to_fail
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        if failed.is_ok() {
            return Err(cut());
        }
        self.reach()?.head().await
    }

    async fn identify(&self, positions: &[Position]) -> Result<LogIdentity, StoreError> {
        self.reach()?.identify(positions).await
    }

    async fn wait_for(&self, position: Position) -> Result<Position, StoreError> {
        self.reach()?.wait_for(position).await
    }

    async fn load_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
    ) -> Result<Option<Snapshot>, StoreError> {
        self.reach()?.load_snapshot(stream, schema_version).await
    }

    async fn save_snapshot(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.reach()?.save_snapshot(snapshot).await
    }

    async fn remove_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
        version: Version,
    ) -> Result<(), StoreError> {
        let store = self.reach()?;
        store.remove_snapshot(stream, schema_version, version).await
    }
}

#[async_trait]
impl LeaseStore for FlakyStore {
    async fn acquire_leases(
        &self,
        names: &[Arc<str>],
        owner: &str,
        ttl: Duration,
        retention: Option<LeaseRetention>,
    ) -> Result<Vec<Lease>, StoreError> {
        let leases = self.reach_leases()?;
        leases.acquire_leases(names, owner, ttl, retention).await
    }

    async fn renew_leases(&self, owner: &str, ttl: Duration) -> Result<Vec<Lease>, StoreError> {
        self.reach_leases()?.renew_leases(owner, ttl).await
    }

    async fn release_leases(&self, names: &[Arc<str>], owner: &str) -> Result<(), StoreError> {
        self.reach_leases()?.release_leases(names, owner).await
    }

    async fn held_leases(&self, prefix: &str) -> Result<Vec<Arc<str>>, StoreError> {
        self.reach_leases()?.held_leases(prefix).await
    }

    async fn seize_leases(
        &self,
        names: &[Arc<str>],
        owner: &str,
        ttl: Duration,
    ) -> Result<Vec<Lease>, StoreError> {
        self.reach_leases()?.seize_leases(names, owner, ttl).await
    }
}
