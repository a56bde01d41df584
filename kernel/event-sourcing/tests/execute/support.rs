//! Accounts with transfers between them, and a store with fault injection.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use event_sourcing::execute::{DecideError, ExecutorTasks, Lane, States, UnitOfWork};
use event_sourcing::testing::at;
use event_sourcing::{
    Aggregate, Command, CommandId, CommandStatus, Commit, Context, DomainEvent, EventStore,
    Executor, ExecutorConfig, Filter, LogIdentity, LogPage, MemoryEventStore, Metadata, Position,
    Receipt, Rejected, Snapshot, StoreError, StreamId, StreamPage, SystemClock, Version,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::Instant;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    pub cents: i64,
    pub closed: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, DomainEvent)]
#[event(name = "Moved")]
pub struct Moved {
    pub by: i64,
}

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = Moved;

    fn evolve(&mut self, event: &Moved, _at: DateTime<Utc>) {
        self.cents += event.by;
    }
}

/// Counts the things put into it; written by commands that never read it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Box_(pub i64);

impl Aggregate for Box_ {
    const TYPE: &'static str = "box";
    const SNAPSHOT_VERSION: u32 = 1;
    type Event = Moved;

    fn evolve(&mut self, event: &Moved, _at: DateTime<Utc>) {
        self.0 += event.by;
    }
}

#[derive(Debug, PartialEq)]
pub struct Overdrawn(pub i64);

/// Transfers money; a deposit if `from` is empty.
#[derive(Clone, Debug)]
pub struct Transfer {
    pub from: String,
    pub to: String,
    pub cents: i64,
    /// Whether `to` is assumed to be new.
    pub create: bool,
}

pub fn transfer(from: &str, to: &str, cents: i64) -> Transfer {
    Transfer {
        from: from.to_owned(),
        to: to.to_owned(),
        cents,
        create: false,
    }
}

pub fn deposit(to: &str, cents: i64) -> Transfer {
    transfer("", to, cents)
}

impl Command for Transfer {
    const NAME: &'static str = "transfer";
    type Rejection = Overdrawn;
    type Reply = (i64, Version);

    fn streams(&self) -> Vec<Lane> {
        let to = if self.create {
            Lane::create::<Account>
        } else {
            Lane::write::<Account>
        };
        vec![to(&self.to)]
    }

    fn decide(&self, work: &mut UnitOfWork<'_, Overdrawn>) -> Result<(), DecideError<Overdrawn>> {
        if self.cents == 0 {
            work.state::<Account>(&self.to)?;
            return Ok(());
        }
        if !self.from.is_empty() {
            let from = work.state::<Account>(&self.from)?;
            if from.cents < self.cents {
                return Err(DecideError::Rejected(Overdrawn(from.cents)));
            }
            work.append::<Account>(&self.from, &[Moved { by: -self.cents }])?;
        }
        work.append::<Account>(&self.to, &[Moved { by: self.cents }])
    }

    fn reply(&self, states: &States) -> Option<(i64, Version)> {
        states
            .get::<Account>(&self.to)
            .map(|(account, version)| (account.cents, version))
    }
}

/// Puts one thing into a box that belongs to an account, which must exist.
pub struct Put(pub &'static str);

impl Command for Put {
    const NAME: &'static str = "put";
    type Rejection = Overdrawn;
    type Reply = ();

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::read::<Account>(self.0)]
    }

    fn decide(&self, work: &mut UnitOfWork<'_, Overdrawn>) -> Result<(), DecideError<Overdrawn>> {
        let owner = work.state::<Account>(self.0)?;
        if owner.cents == 0 {
            return Err(DecideError::Rejected(Overdrawn(0)));
        }
        work.append_any::<Box_>(self.0, &[Moved { by: 1 }]);
        Ok(())
    }

    fn reply(&self, _states: &States) -> Option<()> {
        Some(())
    }
}

/// Withdraws everything from an account if its box is empty.
pub struct Close(pub &'static str);

impl Command for Close {
    const NAME: &'static str = "close";
    type Rejection = Overdrawn;
    type Reply = ();

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::write::<Account>(self.0)]
    }

    fn decide(&self, work: &mut UnitOfWork<'_, Overdrawn>) -> Result<(), DecideError<Overdrawn>> {
        let account = work.state::<Account>(self.0)?;
        let full = work.fresh::<Box_>(self.0)?;
        if full.0 != 0 {
            return Err(DecideError::Rejected(Overdrawn(full.0)));
        }
        work.append::<Account>(self.0, &[Moved { by: -account.cents }])
    }

    fn reply(&self, _states: &States) -> Option<()> {
        Some(())
    }
}

static NEXT: AtomicU64 = AtomicU64::new(1);

pub fn context() -> Context {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    Context {
        command_id: CommandId::from_parts(at(0), random),
        deadline: Instant::now() + Duration::from_secs(20),
        metadata: Metadata::default(),
        fence: None,
    }
}

pub fn executor(store: &Arc<dyn EventStore>) -> (Arc<Executor>, ExecutorTasks) {
    let (executor, tasks) = Executor::start(
        Arc::clone(store),
        Arc::new(SystemClock),
        ExecutorConfig::default(),
    );
    (Arc::new(executor), tasks)
}

pub fn memory() -> Arc<dyn EventStore> {
    Arc::new(MemoryEventStore::new(Arc::new(SystemClock)))
}

/// The fault of one append.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The batch does not reach the store.
    Lost,
    /// The batch is written, and the response is lost.
    AnswerLost,
    /// The store fails permanently and writes nothing.
    Failed,
    /// The batch is written, and then the store panics.
    Panics,
}

/// A store whose appends wait for a permit, can fail, and are counted.
#[derive(Debug)]
pub struct FaultyStore {
    pub inner: Arc<dyn EventStore>,
    pub faults: Mutex<VecDeque<Option<Fault>>>,
    pub permits: Semaphore,
    pub batches: Mutex<Vec<usize>>,
    pub loads: AtomicUsize,
    /// Whether streams cannot be read.
    pub is_unreadable: AtomicBool,
    /// Whether reads of streams never return.
    pub hangs: AtomicBool,
}

impl FaultyStore {
    pub fn new(inner: Arc<dyn EventStore>, open: bool) -> Arc<Self> {
        let permits = if open { Semaphore::MAX_PERMITS } else { 0 };
        Arc::new(Self {
            inner,
            faults: Mutex::default(),
            permits: Semaphore::new(permits),
            batches: Mutex::default(),
            loads: AtomicUsize::new(0),
            is_unreadable: AtomicBool::new(false),
            hangs: AtomicBool::new(false),
        })
    }
}

fn lost() -> Arc<dyn std::error::Error + Send + Sync> {
    Arc::from(Box::from("the connection was lost"))
}

#[async_trait]
impl EventStore for FaultyStore {
    async fn append(&self, batch: &[Commit]) -> Result<Vec<Result<Receipt, Rejected>>, StoreError> {
        self.permits.acquire().await.unwrap().forget();
        self.batches.lock().unwrap().push(batch.len());
        let fault = self.faults.lock().unwrap().pop_front().flatten();
        match fault {
            None => self.inner.append(batch).await,
            Some(Fault::Lost) => Err(StoreError::Unavailable {
                operation: "append",
                source: lost(),
            }),
            Some(Fault::Failed) => Err(StoreError::Failed {
                operation: "append",
                source: lost(),
            }),
            Some(Fault::Panics) => {
                self.inner.append(batch).await?;
                panic!("a bug in the store");
            }
            Some(Fault::AnswerLost) => {
                self.inner.append(batch).await?;
                Err(StoreError::OutcomeUnknown {
                    operation: "append",
                    source: lost(),
                })
            }
        }
    }

    async fn command_status(
        &self,
        command: CommandId,
        streams: &[StreamId],
    ) -> Result<CommandStatus, StoreError> {
        self.inner.command_status(command, streams).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Version,
        limit: usize,
    ) -> Result<StreamPage, StoreError> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        if self.hangs.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        if self.is_unreadable.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable {
                operation: "read a stream",
                source: lost(),
            });
        }
        self.inner.read_stream(stream, after, limit).await
    }

    async fn read_all(
        &self,
        after: Position,
        filter: &Filter,
        limit: usize,
    ) -> Result<LogPage, StoreError> {
        self.inner.read_all(after, filter, limit).await
    }

    async fn head(&self) -> Result<Position, StoreError> {
        self.inner.head().await
    }

    async fn identify(&self, positions: &[Position]) -> Result<LogIdentity, StoreError> {
        self.inner.identify(positions).await
    }

    async fn wait_for(&self, position: Position) -> Result<Position, StoreError> {
        self.inner.wait_for(position).await
    }

    async fn load_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
    ) -> Result<Option<Snapshot>, StoreError> {
        self.inner.load_snapshot(stream, schema_version).await
    }

    async fn save_snapshot(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.inner.save_snapshot(snapshot).await
    }

    async fn remove_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
        version: Version,
    ) -> Result<(), StoreError> {
        self.inner
            .remove_snapshot(stream, schema_version, version)
            .await
    }
}
