//! The memory store as one process reaches it, with injected faults.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use event_sourcing::commit::{Commit, Receipt, Rejected, Write};
use event_sourcing::id::{CommandId, Position, Version};
use event_sourcing::lease::{Lease, LeaseRetention, LeaseStore};
use event_sourcing::log::LogIdentity;
use event_sourcing::memory::MemoryEventStore;
use event_sourcing::store::{
    CommandStatus, EventStore, Filter, LogPage, Snapshot, StoreError, StreamPage,
};
use event_sourcing::stream::StreamId;
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::fault::{CallFault, CommitFault, HOLD_UP};
use super::fault_plan::{FaultPlan, Signal};
use crate::names;

type Answers = Result<Vec<Result<Receipt, Rejected>>, StoreError>;

/// A store with the fault of the plan.
#[derive(Debug)]
pub(super) struct FaultyStore {
    inner: Arc<MemoryEventStore>,
    plan: Arc<FaultPlan>,
    killed: CancellationToken,
    down_until: Mutex<Option<Instant>>,
    /// Sagas with streams of these types are started with these versions of their definitions.
    definitions: Vec<(&'static str, u32)>,
}

fn lost_connection() -> Arc<dyn std::error::Error + Send + Sync> {
    Arc::from(Box::from("the connection was lost"))
}

impl FaultyStore {
    pub(super) fn new(inner: Arc<MemoryEventStore>, plan: Arc<FaultPlan>) -> Self {
        Self {
            inner,
            plan,
            killed: CancellationToken::new(),
            down_until: Mutex::default(),
            definitions: Vec::new(),
        }
    }

    /// Rewrites `SagaStarted`, as if older binaries with these versions of the definitions had appended it.
    pub(super) fn beginning_by(self, definitions: Vec<(&'static str, u32)>) -> Self {
        Self {
            definitions,
            ..self
        }
    }

    /// From here on nothing of this process reaches the store.
    pub(super) fn kill(&self) {
        self.killed.cancel();
    }

    fn reach(&self, operation: &'static str) -> Result<&MemoryEventStore, StoreError> {
        let is_down = self
            .down_until
            .lock()
            .is_some_and(|until| until > Instant::now());
        if is_down || self.killed.is_cancelled() {
            let source = lost_connection();
            return Err(StoreError::Unavailable { operation, source });
        }
        Ok(&self.inner)
    }

    fn go_down(&self, pause: Duration) {
        *self.down_until.lock() = Some(Instant::now() + pause);
    }

    /// Whether the batch holds this event about the plan's step.
    fn holds_event(&self, batch: &[Commit], event_type: &str, undo: bool) -> bool {
        let of_saga = |write: &&Write| write.stream.aggregate_type() == self.plan.stream_type;
        let mut writes = batch.iter().flat_map(Commit::writes);
        writes.by_ref().filter(of_saga).any(|write| {
            write.events.iter().any(|new| {
                let data: serde_json::Value =
                    serde_json::from_str(&new.event.data).unwrap_or_default();
                let is_undo = data["undo"].as_bool().unwrap_or(false);
                new.event.event_type == event_type
                    && data["step"] == self.plan.step
                    && (is_undo == undo || event_type != names::STEP_STARTED)
            })
        })
    }

    fn with_definitions(&self, batch: &[Commit]) -> Vec<Commit> {
        let commits = batch.iter().map(|commit| {
            let mut writes = commit.writes().to_vec();
            for write in &mut writes {
                let of_type = self.definitions.iter();
                let mut of_type =
                    of_type.filter(|(name, _)| write.stream.aggregate_type() == *name);
                let Some((_, definition)) = of_type.next() else {
                    continue;
                };
                let started = write.events.iter_mut();
                for new in started.filter(|new| new.event.event_type == names::STARTED) {
                    let mut data: serde_json::Value =
                        serde_json::from_str(&new.event.data).unwrap_or_default();
                    data["definition"] = (*definition).into();
                    new.event.data = data.to_string();
                }
            }
            let (id, at) = (commit.command_id(), commit.recorded_at());
            let rewritten = Commit::try_new(id, at, writes, commit.fence().cloned());
            rewritten.unwrap_or_else(|error| panic!("the rewritten commit is invalid: {error}"))
        });
        commits.collect()
    }

    /// The fault of this batch.
    fn fault(&self, batch: &[Commit]) -> Option<CommitFault> {
        let fault = self.plan.fault?;
        let done = fault
            .is_commit(false)
            .map(|how| (how, names::STEP_COMPLETED));
        let undone = fault
            .is_commit(true)
            .map(|how| (how, names::STEP_COMPENSATED));
        let (how, event_type) = done.or(undone)?;
        (self.holds_event(batch, event_type, false) && self.plan.fires(1)).then_some(how)
    }

    async fn append_faulty(&self, how: CommitFault, batch: &[Commit]) -> Answers {
        let operation = "append";
        match how {
            CommitFault::Unavailable => {
                let source = lost_connection();
                Err(StoreError::Unavailable { operation, source })
            }
            CommitFault::Down => {
                self.go_down(HOLD_UP);
                self.reach(operation)?.append(batch).await
            }
            CommitFault::AnswerLost | CommitFault::AnswerLostAndDown => {
                self.inner.append(batch).await?;
                if how == CommitFault::AnswerLostAndDown {
                    self.go_down(HOLD_UP);
                }
                let source = lost_connection();
                Err(StoreError::OutcomeUnknown { operation, source })
            }
            CommitFault::CrashBefore => self.crash().await,
            CommitFault::CrashAfter => {
                self.inner.append(batch).await?;
                self.crash().await
            }
            CommitFault::LostRace => {
                Ok(batch.iter().map(|commit| Err(lost_race(commit))).collect())
            }
            CommitFault::Cancel => {
                self.plan.signal(Signal::Cancel).await;
                self.inner.append(batch).await
            }
            CommitFault::Zombie => {
                self.plan.signal(Signal::StealLease).await;
                self.inner.append(batch).await
            }
        }
    }

    async fn crash(&self) -> Answers {
        tokio::select! {
            () = self.plan.crash() => {}
            () = self.killed.cancelled() => {}
        }
        let (operation, source) = ("append", lost_connection());
        Err(StoreError::Unavailable { operation, source })
    }
}

/// The rejection of a commit that lost a race, on a stream of the domain if it writes to one.
fn lost_race(commit: &Commit) -> Rejected {
    let writes = commit.writes();
    let write = writes.get(1).unwrap_or(&writes[0]);
    Rejected::WrongExpectedVersion {
        stream: write.stream.clone(),
        expected: write.expected,
        actual: Version(u64::MAX),
    }
}

#[async_trait]
impl EventStore for FaultyStore {
    async fn append(&self, batch: &[Commit]) -> Answers {
        self.reach("append")?;
        let rewritten;
        let batch = if self.definitions.is_empty() {
            batch
        } else {
            rewritten = self.with_definitions(batch);
            &rewritten
        };
        if let Some(how) = self.fault(batch) {
            return self.append_faulty(how, batch).await;
        }
        let answers = self.inner.append(batch).await;
        let how = self.plan.fault.and_then(|fault| fault.is_call(false));
        if how == Some(CallFault::CancelBefore)
            && self.holds_event(batch, names::STEP_STARTED, false)
            && self.plan.fires(1)
        {
            self.plan.signal(Signal::Cancel).await;
        }
        answers
    }

    async fn command_status(
        &self,
        command: CommandId,
        streams: &[StreamId],
    ) -> Result<CommandStatus, StoreError> {
        let store = self.reach("read versions")?;
        store.command_status(command, streams).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Version,
        limit: usize,
    ) -> Result<StreamPage, StoreError> {
        let store = self.reach("read a stream")?;
        store.read_stream(stream, after, limit).await
    }

    async fn read_all(
        &self,
        after: Position,
        filter: &Filter,
        limit: usize,
    ) -> Result<LogPage, StoreError> {
        let store = self.reach("read the log")?;
        store.read_all(after, filter, limit).await
    }

    async fn head(&self) -> Result<Position, StoreError> {
        self.reach("read the head")?.head().await
    }

    async fn identify(&self, positions: &[Position]) -> Result<LogIdentity, StoreError> {
        self.reach("identify the log")?.identify(positions).await
    }

    async fn wait_for(&self, position: Position) -> Result<Position, StoreError> {
        self.reach("wait for a position")?.wait_for(position).await
    }

    async fn load_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
    ) -> Result<Option<Snapshot>, StoreError> {
        let store = self.reach("load a snapshot")?;
        store.load_snapshot(stream, schema_version).await
    }

    async fn save_snapshot(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let store = self.reach("save a snapshot")?;
        store.save_snapshot(snapshot).await
    }

    async fn remove_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
        version: Version,
    ) -> Result<(), StoreError> {
        let store = self.reach("remove a snapshot")?;
        store.remove_snapshot(stream, schema_version, version).await
    }
}

#[async_trait]
impl LeaseStore for FaultyStore {
    async fn acquire_leases(
        &self,
        names: &[Arc<str>],
        owner: &str,
        ttl: Duration,
        retention: Option<LeaseRetention>,
    ) -> Result<Vec<Lease>, StoreError> {
        let store = self.reach("acquire leases")?;
        store.acquire_leases(names, owner, ttl, retention).await
    }

    async fn renew_leases(&self, owner: &str, ttl: Duration) -> Result<Vec<Lease>, StoreError> {
        self.reach("renew leases")?.renew_leases(owner, ttl).await
    }

    async fn release_leases(&self, names: &[Arc<str>], owner: &str) -> Result<(), StoreError> {
        let store = self.reach("release leases")?;
        store.release_leases(names, owner).await
    }

    async fn held_leases(&self, prefix: &str) -> Result<Vec<Arc<str>>, StoreError> {
        self.reach("list leases")?.held_leases(prefix).await
    }

    async fn seize_leases(
        &self,
        names: &[Arc<str>],
        owner: &str,
        ttl: Duration,
    ) -> Result<Vec<Lease>, StoreError> {
        let store = self.reach("seize leases")?;
        store.seize_leases(names, owner, ttl).await
    }
}
