//! The loop around a command: attempts, until one ends.

use std::fmt::{self, Debug};
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::command::{Command, Context, ExecuteError, Executed};
use super::decision::{Decision, Ended, OfCommand, OnStream, Undecided};
use super::lane::Lanes;
use super::snapshots::Snapshots;
use super::state::typed;
use super::stream_lane::{Lane, LaneSet, Mode, add_stream};
use super::work::{MissingStream, Work};
use crate::aggregate::Aggregate;
use crate::appender::{Appender, AppenderConfig, CommitOutcome, LastWrite};
use crate::clock::Clock;
use crate::fields;
use crate::id::{CommandId, Version};
use crate::store::{EventStore, StoreError};

/// The most streams that one command may decide on.
const MAX_LANES: usize = 300;

/// The id of no command: asks the store for versions alone.
const ADVISORY: CommandId = CommandId(Uuid::nil());

/// The limits of an executor.
#[derive(Clone, Debug)]
pub struct ExecutorConfig {
    /// How many streams' states are kept in memory.
    pub cached_streams: usize,
    /// A snapshot is taken each time a stream passes a multiple of this version.
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

/// Executes commands on one store. One a process and store.
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

/// The tasks behind an executor. Await it after the executor is dropped.
#[derive(Debug)]
pub struct ExecutorTasks(Vec<JoinHandle<()>>);

impl ExecutorTasks {
    /// Waits until all that was queued is answered and all snapshots are taken.
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

/// How an attempt ended without an end.
pub(super) enum Retry {
    /// Another stream is needed.
    Needs(Lane),
    /// Something had moved.
    VersionConflict,
}

/// How one attempt ended.
pub(super) type AttemptResult = Result<Result<Executed<()>, Retry>, ExecuteError<()>>;

impl Executor {
    /// Starts its tasks.
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

    /// What the last write to the store came to. Changes with every write.
    #[must_use]
    pub fn last_write(&self) -> watch::Receiver<LastWrite> {
        self.appender.last_write()
    }

    /// Takes a command to its end.
    ///
    /// # Errors
    /// [`ExecuteError`] says for each case what happened.
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
    /// stored with the first event; a command id that took effect for another operation or another stream belongs to
    /// something else. `decide` is pure: it may run several times, on newer states. The reply is the state after the
    /// events.
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
    /// [`ExecuteError`] says for each case what happened.
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
    ) -> Pin<Box<dyn Future<Output = Ended> + Send + 'e>> {
        Box::pin(async move {
            match self.try_execute(decision, context).await {
                // An earlier call with the same id gave up, but its commit is still on its way.
                Err(ExecuteError::Unavailable(_) | ExecuteError::Failed(_))
                    if self.appender.pending(context.command_id).is_some() =>
                {
                    Err(ExecuteError::Unavailable(CommitOutcome::Unknown))
                }
                ended => ended,
            }
        })
    }

    async fn try_execute(&self, decision: &mut dyn Decision, context: &Context) -> Ended {
        let mut lanes = LaneSet::new();
        for lane in decision.streams() {
            add_stream(&mut lanes, lane);
        }
        let mut moved = 0;
        loop {
            match self.attempt(decision, context, &lanes, moved).await? {
                Ok(done) => return Ok(done),
                Err(Retry::Needs(lane)) if lanes.len() < MAX_LANES => add_stream(&mut lanes, lane),
                Err(Retry::Needs(lane)) => return Err(too_many_lanes(&lane).into()),
                Err(Retry::VersionConflict) => {
                    moved += 1;
                    // What was assumed to be new may not be: look this time.
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

    /// The state of an aggregate, from the cache if it is there. Waits until it is durable. If other processes write
    /// to the store it may be an old one; see [`Self::load_latest`].
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn load<A: Aggregate>(&self, id: &str) -> Result<(Arc<A>, Version), StoreError> {
        let lane = Lane::read::<A>(id);
        let cell = self.lanes.get(&lane.stream);
        loop {
            let tip = self.tip(&lane, &cell).await?;
            let is_durable = match tip.pending.clone() {
                None => true,
                Some(mut pending) => pending.result().await.is_ok_and(|first| !first.duplicate),
            };
            if is_durable {
                return Ok((typed(&tip.state), tip.version));
            }
            cell.invalidate(tip.epoch);
        }
    }

    /// The state of an aggregate as the store has it now, whichever process wrote it.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn load_latest<A: Aggregate>(
        &self,
        id: &str,
    ) -> Result<(Arc<A>, Version), StoreError> {
        let standing = self.store.standing(ADVISORY, &[A::stream(id)]).await?;
        let version = standing.versions.into_iter().max();
        self.load_at_least(id, version.unwrap_or_default()).await
    }

    /// The state of an aggregate at `version`, which the store was seen to have, or at a later one, whichever process
    /// wrote it.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn load_at_least<A: Aggregate>(
        &self,
        id: &str,
        version: Version,
    ) -> Result<(Arc<A>, Version), StoreError> {
        loop {
            let (state, known) = self.load::<A>(id).await?;
            if known >= version {
                return Ok((state, known));
            }
            // A newer one may be there by now.
            if let Some(cell) = self.lanes.find(&A::stream(id)) {
                cell.invalidate_at(known);
            }
        }
    }

    /// Drops what is remembered of an aggregate that will not be needed soon. It is read again when it is.
    pub fn evict<A: Aggregate>(&self, id: &str) {
        self.lanes.evict(&A::stream(id));
    }

    async fn attempt(
        &self,
        decision: &mut dyn Decision,
        context: &Context,
        lanes: &LaneSet,
        moved: usize,
    ) -> AttemptResult {
        let (passes, entered) =
            within(context.deadline, self.acquire(lanes, context.deadline)).await??;
        let mut work = Work::new(
            decision.name(),
            context.command_id,
            self.clock.now(),
            context.metadata.clone(),
            entered,
        );
        match decision.decide(&mut work) {
            Err(Undecided::MissingStream(MissingStream(lane))) => Ok(Err(Retry::Needs(lane))),
            Ok(()) if work.has_events() => self.commit(decision, context, work, passes).await,
            decided => {
                // The first time round, others may go on meanwhile. If that made the check fail, the gates stay shut.
                let passes = if moved == 0 { Vec::new() } else { passes };
                let is_rejected = decided.is_err();
                let checked = self.check(decision, context, work, is_rejected).await;
                drop(passes);
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

fn too_many_lanes(lane: &Lane) -> StoreError {
    let source = format!("more than {MAX_LANES} streams, among them {}", lane.stream);
    StoreError::Failed {
        operation: "decide",
        source: Arc::from(Box::from(source)),
    }
}
