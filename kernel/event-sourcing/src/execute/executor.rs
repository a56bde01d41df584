//! The retry loop around a command: attempts until one returns a result or the deadline guards.

use std::fmt::{self, Debug};
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::command::{Command, Context, ExecuteError, Executed};
use super::decision::{Decision, OfCommand, OnStream, UntypedDecideError, UntypedResult};
use super::lane::Lanes;
use super::snapshots::Snapshots;
use super::state::typed;
use super::stream_lane::{Lane, LaneSet, Mode, add_stream};
use super::work::{MissingStream, UnitOfWorkState};
use crate::aggregate::Aggregate;
use crate::appender::{Appender, AppenderConfig, CommitOutcome, LastWrite};
use crate::clock::Clock;
use crate::fields;
use crate::id::{CommandId, Version};
use crate::store::{EventStore, StoreError};
use crate::stream::StreamId;

/// The maximum number of streams that one command may decide on.
const MAX_LANES: usize = 300;

/// How often a state that must have a version is read. One read is enough, unless other tasks store what they read
/// before that version was written.
const MAX_READS: usize = 10;

/// The nil id belongs to no command: the store then returns stream versions without a receipt.
const NO_COMMAND: CommandId = CommandId(Uuid::nil());

/// The limits of an executor.
#[derive(Clone, Debug)]
pub struct ExecutorConfig {
    /// How many streams' states are cached in memory.
    pub cached_streams: usize,
    /// A snapshot is taken each time a stream's version passes a multiple of this number.
    pub snapshot_every: u64,
    /// The limits of its appender.
    pub appender: AppenderConfig,
}

impl Default for ExecutorConfig {
    fn default() -> Self {
        Self {
            cached_streams: 10_000,
            snapshot_every: 100,
            appender: AppenderConfig::default(),
        }
    }
}

/// Executes commands on one store. Start one per process and store: two in one process would conflict with each other.
pub struct Executor {
    pub(super) store: Arc<dyn EventStore>,
    clock: Arc<dyn Clock>,
    pub(super) appender: Appender,
    pub(super) lanes: Lanes,
    pub(super) snapshots: Snapshots,
    pub(super) snapshot_every: u64,
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor").finish_non_exhaustive()
    }
}

/// The background tasks of an executor. Await it after the executor is dropped.
#[derive(Debug)]
pub struct ExecutorTasks(Vec<JoinHandle<()>>);

impl ExecutorTasks {
    /// Waits until every queued commit has its outcome and all snapshots are saved.
    pub async fn finished(self) {
        for task in self.0 {
            if let Err(error) = task.await {
                tracing::error!(
                    { fields::ERROR } = &error as &dyn std::error::Error,
                    "executor task failed"
                );
            }
        }
    }
}

/// Why an attempt is repeated.
pub(super) enum Retry {
    /// The decision needs another stream.
    MissingStream(Lane),
    /// A state that the decision read was stale or never became durable.
    VersionConflict,
}

/// The final result of the command, or why to retry.
pub(super) type AttemptResult = Result<Result<Executed<()>, Retry>, ExecuteError<()>>;

impl Executor {
    /// Starts the executor and its background tasks.
    #[must_use]
    pub fn start(
        store: Arc<dyn EventStore>,
        clock: Arc<dyn Clock>,
        config: ExecutorConfig,
    ) -> (Self, ExecutorTasks) {
        let (appender, appending) = Appender::start(Arc::clone(&store), config.appender);
        let (snapshots, snapshotting) = Snapshots::start(Arc::clone(&store), Arc::clone(&clock));
        let executor = Self {
            store,
            clock,
            appender,
            lanes: Lanes::new(config.cached_streams),
            snapshots,
            snapshot_every: config.snapshot_every,
        };
        (executor, ExecutorTasks(vec![appending, snapshotting]))
    }

    /// The result of the last write to the store. The watch channel changes with every write.
    #[must_use]
    pub fn last_write(&self) -> watch::Receiver<LastWrite> {
        self.appender.last_write()
    }

    /// Executes a command: decides, appends its events and returns the reply. Decides again on version conflicts until
    /// the deadline of `context`. Cancelling the future does not cancel a commit that was already sent.
    ///
    /// # Errors
    /// See [`ExecuteError`]: each variant states whether the command took effect.
    pub async fn execute<C: Command>(
        &self,
        command: &C,
        context: &Context,
    ) -> Result<Executed<C::Reply>, ExecuteError<C::Rejection>> {
        let mut decision = OfCommand::new(command);
        let ended = self.run(&mut decision, context).await;
        decision.end(ended)
    }

    /// Decides on one stream: appends the events that `decide` returns, or rejects with its error. `operation` is
    /// stored with the first event; a command id that already took effect for another operation or another stream
    /// returns [`ExecuteError::Reused`]. `decide` must be pure: it may run several times, on newer states. The reply is
    /// the state after the events.
    ///
    /// ```
    /// # use event_sourcing::execute::{Context, ExecuteError, Executed, Executor};
    /// # use event_sourcing::testing::doc::{Counter, increment};
    /// # use std::sync::Arc;
    /// # async fn example(executor: Executor, context: Context)
    /// # -> Result<Executed<Arc<Counter>>, ExecuteError<String>> {
    /// executor.transact::<Counter, _>("increment", "counter-1", &context, |counter| increment(counter, 3)).await
    /// # }
    /// ```
    ///
    /// # Errors
    /// See [`ExecuteError`]: each variant states whether the command took effect.
    pub async fn transact<A: Aggregate, R: Debug + Send>(
        &self,
        operation: &'static str,
        id: &str,
        context: &Context,
        decide: impl Fn(&A) -> Result<Vec<A::Event>, R> + Send,
    ) -> Result<Executed<Arc<A>>, ExecuteError<R>> {
        let mut decision = OnStream::new(operation, id, decide);
        let ended = self.run(&mut decision, context).await;
        decision.end(ended)
    }

    fn run<'e>(
        &'e self,
        decision: &'e mut dyn Decision,
        context: &'e Context,
    ) -> Pin<Box<dyn Future<Output = UntypedResult> + Send + 'e>> {
        Box::pin(async move {
            match self.try_execute(decision, context).await {
                // An earlier call with this command id timed out, but its commit is still in flight. Returning "not
                // written" here would be wrong a moment later.
                Err(ExecuteError::Unavailable(_) | ExecuteError::Failed(_))
                    if self.appender.pending(context.command_id).is_some() =>
                {
                    Err(ExecuteError::Unavailable(CommitOutcome::Unknown))
                }
                ended => ended,
            }
        })
    }

    async fn try_execute(&self, decision: &mut dyn Decision, context: &Context) -> UntypedResult {
        let mut lanes = LaneSet::new();
        for lane in decision.streams() {
            add_stream(&mut lanes, lane);
        }
        let mut conflicts = 0;
        loop {
            match self.attempt(decision, context, &lanes, conflicts).await? {
                Ok(done) => return Ok(done),
                Err(Retry::MissingStream(lane)) if lanes.len() < MAX_LANES => {
                    add_stream(&mut lanes, lane);
                }
                Err(Retry::MissingStream(lane)) => return Err(too_many_lanes(&lane).into()),
                Err(Retry::VersionConflict) => {
                    conflicts += 1;
                    // `Mode::Create` assumed an empty stream without reading it. The assumption may have caused the
                    // conflict, so the next attempt loads the stream.
                    for lane in lanes.values_mut().filter(|lane| lane.mode == Mode::Create) {
                        lane.mode = Mode::Write;
                    }
                }
            }
            if Instant::now() >= context.deadline {
                return Err(ExecuteError::Unavailable(CommitOutcome::None));
            }
        }
    }

    /// The state of an aggregate, from the cache if present. Waits until the state is durable. If other processes write
    /// to the store it may be stale; see [`Self::load_latest`].
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn load<A: Aggregate>(&self, id: &str) -> Result<(Arc<A>, Version), StoreError> {
        let lane = Lane::read::<A>(id);
        let cell = self.lanes.get(&lane.stream);
        loop {
            let pending_state = self.load_pending_state(&lane, &cell).await?;
            // A duplicate means that an earlier call wrote the events, maybe on another state than the one cached here.
            let is_durable = match pending_state.pending.clone() {
                None => true,
                Some(mut pending) => pending.result().await.is_ok_and(|first| !first.duplicate),
            };
            if is_durable {
                return Ok((typed(&pending_state.state), pending_state.version));
            }
            cell.invalidate(pending_state.epoch);
        }
    }

    /// The latest state of an aggregate in the store, whichever process wrote it.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn load_latest<A: Aggregate>(
        &self,
        id: &str,
    ) -> Result<(Arc<A>, Version), StoreError> {
        let status = self
            .store
            .command_status(NO_COMMAND, &[A::stream(id)])
            .await?;
        let version = status.versions.into_iter().max();
        self.load_at_least(id, version.unwrap_or_default()).await
    }

    /// The state of an aggregate at `version` or later, whichever process wrote it. The caller must have seen `version`
    /// in the store. It has no deadline: a caller that must answer in time drops the call.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read; retryable if the stream does not have `version`, as in a store that was
    /// replaced by an older copy.
    pub async fn load_at_least<A: Aggregate>(
        &self,
        id: &str,
        version: Version,
    ) -> Result<(Arc<A>, Version), StoreError> {
        let stream = A::stream(id);
        let mut found = Version::NONE;
        for _ in 0..MAX_READS {
            let (state, known) = self.load::<A>(id).await?;
            if known >= version {
                return Ok((state, known));
            }
            found = known;
            // Invalidate only the version that was seen: another task may have loaded a newer one by now.
            if let Some(cell) = self.lanes.find(&stream) {
                cell.invalidate_at(known);
            }
        }
        Err(too_old(&stream, found, version))
    }

    /// Evicts the cached state of an aggregate that will not be needed soon. The next use reads it from the store
    /// again.
    pub fn evict<A: Aggregate>(&self, id: &str) {
        self.lanes.evict(&A::stream(id));
    }

    async fn attempt(
        &self,
        decision: &mut dyn Decision,
        context: &Context,
        lanes: &LaneSet,
        conflicts: usize,
    ) -> AttemptResult {
        let (guards, acquired) =
            within(context.deadline, self.acquire(lanes, context.deadline)).await??;
        let mut work = UnitOfWorkState::new(
            decision.name(),
            context.command_id,
            self.clock.now(),
            context.metadata.clone(),
            acquired,
        );
        match decision.decide(&mut work) {
            Err(UntypedDecideError::MissingStream(MissingStream(lane))) => {
                Ok(Err(Retry::MissingStream(lane)))
            }
            Ok(()) if work.has_events() => self.commit(decision, context, work, guards).await,
            decided => {
                // The check waits for the store. The first attempt releases the lane locks first, so that other
                // commands proceed. If a write in between invalidates the check, the retry holds the locks, so that no
                // command of this process can invalidate it again.
                let guards = if conflicts == 0 { Vec::new() } else { guards };
                let is_rejected = decided.is_err();
                let checked = self.check(decision, context, work, is_rejected).await;
                drop(guards);
                checked
            }
        }
    }
}

pub(super) async fn within<T>(
    deadline: Instant,
    future: impl Future<Output = T>,
) -> Result<T, ExecuteError<()>> {
    timeout_at(deadline, future)
        .await
        .map_err(|_| ExecuteError::Unavailable(CommitOutcome::None))
}

fn too_old(stream: &StreamId, found: Version, wanted: Version) -> StoreError {
    let source = format!(
        "stream {stream} is at version {}, expected at least {}",
        found.0, wanted.0
    );
    StoreError::Unavailable {
        operation: "load aggregate",
        source: Arc::from(Box::from(source)),
    }
}

fn too_many_lanes(lane: &Lane) -> StoreError {
    let source = format!("more than {MAX_LANES} streams, among them {}", lane.stream);
    StoreError::Failed {
        operation: "decide",
        source: Arc::from(Box::from(source)),
    }
}
