//! The store as other processes see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use event_sourcing::Aggregate;
use event_sourcing::clock::Clock;
use event_sourcing::envelope::Envelope;
use event_sourcing::event::Metadata;
use event_sourcing::execute::{
    Command, Context, DecideError, ExecuteError, Executor, ExecutorConfig, Lane, States, UnitOfWork,
};
use event_sourcing::id::{CommandId, Version};
use event_sourcing::memory::MemoryEventStore;
use event_sourcing::store::EventStore;
use event_sourcing::stream::StreamId;
use tokio::time::Instant;

use super::fault_plan::FaultPlan;
use super::store::FaultyStore;
use crate::{Saga, SagaState, started};

/// Another process on the same store, whose commands meet no fault.
#[derive(Debug)]
pub struct TestEnv {
    pub(super) store: Arc<MemoryEventStore>,
    pub(super) clock: Arc<dyn Clock>,
    executor: Executor,
    commands: AtomicU64,
}

impl TestEnv {
    /// Creates one whose sagas start with these versions of their definitions, by the type of their streams.
    pub(super) fn new(clock: Arc<dyn Clock>, definitions: Vec<(&'static str, u32)>) -> Self {
        let store = Arc::new(MemoryEventStore::new(Arc::clone(&clock)));
        let (no_fault, _signals) = FaultPlan::new("");
        let inner = FaultyStore::new(Arc::clone(&store), Arc::new(no_fault));
        let inner = Arc::new(inner.beginning_by(definitions));
        let config = ExecutorConfig::default();
        // Its tasks end when it is dropped.
        let (executor, _tasks) = Executor::start(inner, Arc::clone(&clock), config);
        Self {
            store,
            clock,
            executor,
            commands: AtomicU64::new(1),
        }
    }

    /// Executes a command with a new command id.
    ///
    /// # Errors
    /// As [`Executor::execute`].
    pub async fn try_execute<C: Command>(
        &self,
        command: &C,
    ) -> Result<C::Reply, ExecuteError<C::Rejection>> {
        let mut random = [0; 10];
        let count = self.commands.fetch_add(1, Ordering::Relaxed);
        random[2..].copy_from_slice(&count.to_be_bytes());
        let context = Context {
            command_id: CommandId::from_parts(self.clock.now(), random),
            deadline: Instant::now() + Duration::from_secs(20),
            metadata: Metadata::default(),
            fence: None,
        };
        let done = self.executor.execute(command, &context).await?;
        Ok(done.reply)
    }

    /// Executes a command that must succeed.
    ///
    /// # Panics
    /// If it fails.
    pub async fn execute<C: Command>(&self, command: &C) -> C::Reply {
        let done = self.try_execute(command).await;
        done.unwrap_or_else(|error| panic!("a command of the test failed: {error}"))
    }

    /// Starts a saga in its own commit.
    ///
    /// # Panics
    /// If a saga with this id exists.
    pub async fn begin<S: Saga>(&self, saga_id: &str, subject: &str, data: S::Data) {
        let (saga_id, subject) = (saga_id.to_owned(), subject.to_owned());
        self.execute(&Begin::<S> {
            saga_id,
            subject,
            data,
        })
        .await;
    }

    /// The state of an aggregate, folded from the store.
    ///
    /// # Panics
    /// If its stream cannot be read.
    pub async fn state<A: Aggregate>(&self, id: &str) -> A {
        let mut state = A::default();
        for envelope in self.events(&A::stream(id)).await {
            let event = envelope
                .decode::<A::Event>()
                .expect("events of this binary");
            state.evolve(&event, envelope.recorded_at);
        }
        state
    }

    /// Evicts a saga from the executor's cache, so that it is read as the store has rewritten it.
    pub(super) fn evict<S: Saga>(&self, saga_id: &str) {
        self.executor.evict::<SagaState<S>>(saga_id);
    }

    /// All events of a stream.
    pub(super) async fn events(&self, stream: &StreamId) -> Vec<Envelope> {
        let mut events = Vec::new();
        loop {
            let after = Version(events.len() as u64);
            let page = self.store.read_stream(stream, after, usize::MAX).await;
            let page = page.expect("the memory store answers");
            events.extend(page.events);
            if page.is_end {
                return events;
            }
        }
    }
}

/// Starts a saga.
struct Begin<S: Saga> {
    saga_id: String,
    subject: String,
    data: S::Data,
}

impl<S: Saga> Command for Begin<S> {
    const NAME: &'static str = "begin_saga";
    type Rejection = String;
    type Reply = ();

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::write::<SagaState<S>>(&self.saga_id)]
    }

    fn decide(&self, work: &mut UnitOfWork<'_, String>) -> Result<(), DecideError<String>> {
        let state = work.state::<SagaState<S>>(&self.saga_id)?;
        if state.run().is_some() {
            return Err(DecideError::Rejected(format!(
                "saga {} exists",
                self.saga_id
            )));
        }
        let data = self.data.clone();
        let event = started::<S>(&self.saga_id, &self.subject, data, Metadata::default());
        work.append::<SagaState<S>>(&self.saga_id, &[event])
    }

    fn reply(&self, _states: &States) -> Option<()> {
        Some(())
    }
}
