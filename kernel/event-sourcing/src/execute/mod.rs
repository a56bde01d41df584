//! From a command to its events: enter the lanes, decide, send, answer.
//!
//! ```text
//!   enter lanes ──► decide ──► send commit ──► wait ──► answer from the decided states
//!    ▲   ▲            │ │                       │
//!    │   └─ needs ────┘ │ refused, or nothing   ├─ conflict: drop the tips, decide again
//!    │     another lane ▼ to do                 └─ a repeat: answer from the states at the first receipt
//!    │                check: is what it was decided on durable and still so? was the command done before?
//!    └───── no ─────────┘
//! ```
//!
//! A refusal never meets an append, and the tip may be stale or not durable yet, so a refusal is checked against
//! the store before it is answered. A conflict can only come from another process (or from a commit ahead that
//! such a conflict took along); it is decided again until the command's deadline.

mod lane;
mod load;
mod snapshots;
mod state;
mod work;

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Debug};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use self::lane::{LaneCell, Lanes, Pass, Tip};
use self::load::load;
use self::snapshots::Snapshots;
use self::state::{Kind, typed};
use self::work::{Entered, Mode};
pub use self::work::{Lane, Needs, States, Stop, Work};
use crate::aggregate::Aggregate;
use crate::appender::{AppendError, Appender, AppenderConfig, Outcome, Pending};
use crate::clock::Clock;
use crate::commit::{Receipt, Refused};
use crate::event::Metadata;
use crate::id::{CommandId, Position, Version};
use crate::lease::Fence;
use crate::store::{EventStore, StoreError};
use crate::stream::StreamId;

/// How long past its deadline a caller waits for the word that nothing was written; without it the outcome would be
/// unknown whenever the store is out of reach.
const GRACE: Duration = Duration::from_millis(100);

/// The most streams that one command may decide on.
const MAX_LANES: usize = 300;

/// Something that a person or a process wants done. Deciding is pure: it may run several times, on fresher states.
pub trait Command: Send + Sync + 'static {
    /// What the domain says when it says no.
    type Refusal: Debug + Send + 'static;
    /// What the caller gets.
    type Answer: Send + 'static;
    /// The names of events that its commit can begin with. The receipt of an earlier commit under the same command
    /// id that begins with another event belongs to something else.
    const FIRST_EVENTS: &'static [&'static str];

    /// The streams that the decision needs for certain. It may ask for more while it decides; each time it then
    /// starts over.
    fn lanes(&self) -> Vec<Lane>;

    /// Reads states and appends events. No event appended means that there was nothing to do.
    ///
    /// # Errors
    /// [`Stop::Refused`] if the domain says no; [`Stop::Needs`] comes from [`Work`] and is handed on.
    fn decide(&self, work: &mut Work) -> Result<(), Stop<Self::Refusal>>;

    /// The answer, from the states that the command left behind. The repeat of a command gets the states of then.
    /// Nothing if the commit that was found under its id cannot be this command's.
    fn answer(&self, states: &States) -> Option<Self::Answer>;
}

/// What surrounds a command.
#[derive(Clone, Debug)]
pub struct Context {
    /// Never takes effect twice.
    pub command_id: CommandId,
    /// After it the caller no longer waits.
    pub deadline: Instant,
    /// Stored with each event.
    pub metadata: Metadata,
    /// The lease that the caller acts under, if any.
    pub fence: Option<Fence>,
}

/// A command that took effect, now or before, or had nothing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done<A> {
    /// From the states behind the command.
    pub answer: A,
    /// A reader at this position sees what the answer says.
    pub position: Position,
    /// Whether it had taken effect before this call.
    pub duplicate: bool,
}

/// Why a command has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<R: Debug> {
    /// The domain said no. Nothing happened.
    #[error("refused: {0:?}")]
    Refused(R),
    /// The command id took effect before, for something else. Nothing happened now.
    #[error("the command id was used for something else")]
    Reused,
    /// The caller's lease is no longer its own. Nothing happened.
    #[error("the lease was lost")]
    Fenced,
    /// The deadline passed, or the store was out of reach.
    #[error("unavailable ({0:?})")]
    Unavailable(Outcome),
    /// A bug, or a damaged store. Nothing happened.
    #[error(transparent)]
    Failed(StoreError),
}

impl<R: Debug> From<StoreError> for ExecuteError<R> {
    fn from(error: StoreError) -> Self {
        if error.is_retryable() {
            Self::Unavailable(Outcome::None)
        } else {
            Self::Failed(error)
        }
    }
}

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
    store: Arc<dyn EventStore>,
    clock: Arc<dyn Clock>,
    appender: Appender,
    lanes: Lanes,
    snapshots: Snapshots,
    snapshot_every: u64,
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
                    error = &error as &dyn std::error::Error,
                    "executor task failed"
                );
            }
        }
    }
}

/// How an attempt ended without an end.
enum Retry {
    /// Another stream is needed.
    Needs(Lane),
    /// Something had moved.
    Moved,
}

type LaneSet = BTreeMap<StreamId, Lane>;

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

    /// Takes a command to its end.
    ///
    /// # Errors
    /// [`ExecuteError`] says for each case what happened.
    pub async fn execute<C: Command>(
        &self,
        command: &C,
        context: &Context,
    ) -> Result<Done<C::Answer>, ExecuteError<C::Refusal>> {
        let mut lanes = LaneSet::new();
        for lane in command.lanes() {
            widen(&mut lanes, lane);
        }
        let mut moved = 0;
        loop {
            match self.attempt(command, context, &lanes, moved).await? {
                Ok(done) => return Ok(done),
                Err(Retry::Needs(lane)) if lanes.len() < MAX_LANES => widen(&mut lanes, lane),
                Err(Retry::Needs(lane)) => return Err(too_many_lanes(&lane).into()),
                Err(Retry::Moved) => {
                    moved += 1;
                    // What was assumed to be new may not be: look this time.
                    for lane in lanes.values_mut().filter(|lane| lane.mode == Mode::Create) {
                        lane.mode = Mode::Write;
                    }
                }
            }
            if Instant::now() >= context.deadline {
                return Err(ExecuteError::Unavailable(Outcome::None));
            }
        }
    }

    /// The present state of an aggregate, from the cache if it is there.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be read.
    pub async fn load<A: Aggregate>(&self, id: &str) -> Result<(Arc<A>, Version), StoreError> {
        let lane = Lane::read::<A>(id);
        let cell = self.lanes.get(&lane.stream);
        let tip = self.tip(&lane, &cell).await?;
        Ok((typed(&tip.state), tip.version))
    }

    async fn attempt<C: Command>(
        &self,
        command: &C,
        context: &Context,
        lanes: &LaneSet,
        moved: usize,
    ) -> Result<Result<Done<C::Answer>, Retry>, ExecuteError<C::Refusal>> {
        let (passes, entered) =
            within(context.deadline, self.enter(lanes, context.deadline)).await??;
        let mut work = Work::new(
            context.command_id,
            self.clock.now(),
            context.metadata.clone(),
            entered,
        );
        match command.decide(&mut work) {
            Err(Stop::Needs(Needs(lane))) => Ok(Err(Retry::Needs(lane))),
            Ok(()) if work.has_events() => self.commit(command, context, work, passes).await,
            decided => {
                // The first time round, others may go on meanwhile. If that made the check fail, the gates stay shut.
                let passes = if moved == 0 { Vec::new() } else { passes };
                let refusal = match decided {
                    Err(Stop::Refused(refusal)) => Some(refusal),
                    _ => None,
                };
                let checked = self.check(command, context, work, refusal).await;
                drop(passes);
                checked
            }
        }
    }

    /// Passes the gates in the order of the streams' names, and gives the tips.
    async fn enter(
        &self,
        lanes: &LaneSet,
        deadline: Instant,
    ) -> Result<(Vec<Pass>, HashMap<StreamId, Entered>), StoreError> {
        let mut passes = Vec::with_capacity(lanes.len());
        let mut entered = HashMap::with_capacity(lanes.len());
        for lane in lanes.values().filter(|lane| lane.mode != Mode::Fresh) {
            let cell = self.lanes.get(&lane.stream);
            passes.push(match lane.mode {
                Mode::Read => cell.read().await,
                _ => cell.write().await,
            });
            let tip = match (lane.mode, cell.tip()) {
                (_, Some(tip)) => tip,
                (Mode::Create, None) => Tip {
                    state: (lane.kind.initial)(),
                    version: Version::NONE,
                    last_event: None,
                    pending: None,
                    epoch: cell.next_epoch(),
                },
                (_, None) => self.tip(lane, &cell).await?,
            };
            entered.insert(lane.stream.clone(), Entered::new(lane, tip));
        }
        let mut settled = false;
        for lane in lanes.values().filter(|lane| lane.mode == Mode::Fresh) {
            if !settled {
                settled = self.appender.settle(deadline).await.is_ok();
            }
            let tip = self.read(lane.kind, &lane.stream, 0).await?;
            entered.insert(lane.stream.clone(), Entered::new(lane, tip));
        }
        Ok((passes, entered))
    }

    /// The tip of a lane, loaded if it is not there.
    async fn tip(&self, lane: &Lane, cell: &LaneCell) -> Result<Tip, StoreError> {
        if let Some(tip) = cell.tip() {
            return Ok(tip);
        }
        let _alone = cell.loading.lock().await;
        if let Some(tip) = cell.tip() {
            return Ok(tip);
        }
        let tip = self
            .read(lane.kind, &lane.stream, cell.next_epoch())
            .await?;
        cell.set_tip(tip.clone());
        Ok(tip)
    }

    async fn read(
        &self,
        kind: &'static Kind,
        stream: &StreamId,
        epoch: u64,
    ) -> Result<Tip, StoreError> {
        let loaded = load(&*self.store, kind, stream, None).await?;
        if loaded.folded >= self.snapshot_every {
            self.snapshots
                .take(kind, stream, &loaded.state, loaded.version);
        }
        let load::Loaded {
            state,
            version,
            last_event,
            ..
        } = loaded;
        Ok(Tip {
            state,
            version,
            last_event,
            pending: None,
            epoch,
        })
    }

    /// Sends the commit, moves the tips, opens the gates, and waits.
    async fn commit<C: Command>(
        &self,
        command: &C,
        context: &Context,
        mut work: Work,
        passes: Vec<Pass>,
    ) -> Result<Result<Done<C::Answer>, Retry>, ExecuteError<C::Refusal>> {
        let (commit, last_events) = work.commit(context.fence.clone()).map_err(too_large)?;
        let slot = self
            .appender
            .reserve(context.deadline)
            .await
            .map_err(no_answer)?;
        // From here to the end of the loop nothing waits, so a caller that goes away cannot leave it half done.
        let mut pending = slot.send(commit, context.deadline);
        let mut written = Vec::with_capacity(last_events.len());
        for (stream, event_id) in last_events {
            let Some(entered) = work.entered.get(&stream) else {
                continue;
            };
            if entered.mode != Mode::Fresh {
                self.lanes
                    .get(&stream)
                    .set_tip(moved_tip(entered, event_id, pending.clone()));
            }
            written.push(stream);
        }
        drop(passes);
        match pending.wait(context.deadline + GRACE).await {
            Ok(receipt) if !receipt.duplicate => {
                self.take_snapshots(&work, &written);
                let states = work.into_states();
                let answer = command.answer(&states).ok_or(ExecuteError::Reused)?;
                Ok(Ok(Done {
                    answer,
                    position: receipt.last,
                    duplicate: false,
                }))
            }
            Ok(receipt) => {
                self.forget(&work, &written);
                self.repeat(command, receipt).await.map(Ok)
            }
            Err(AppendError::Refused(Refused::Conflict { stream, .. })) => {
                self.forget(&work, &written);
                self.forget(&work, &[stream]);
                Ok(Err(Retry::Moved))
            }
            Err(error) => {
                self.forget(&work, &written);
                Err(no_answer(error))
            }
        }
    }

    /// Checks a refusal, or that there is nothing to do, against the store.
    async fn check<C: Command>(
        &self,
        command: &C,
        context: &Context,
        work: Work,
        refusal: Option<C::Refusal>,
    ) -> Result<Result<Done<C::Answer>, Retry>, ExecuteError<C::Refusal>> {
        let streams: Vec<StreamId> = work.used().map(|(stream, _)| stream.clone()).collect();
        let mut settled = true;
        for (stream, entered) in work.used() {
            let Some(mut pending) = entered.tip.pending.clone() else {
                continue;
            };
            match pending.wait(context.deadline).await {
                Ok(receipt) if !receipt.duplicate => {}
                Ok(_) | Err(_) => {
                    settled = false;
                    self.forget(&work, std::slice::from_ref(stream));
                }
            }
        }
        if !settled {
            return Ok(Err(Retry::Moved));
        }
        let standing = self.store.standing(context.command_id, &streams);
        let standing = within(context.deadline, standing).await??;
        if let Some(receipt) = standing.receipt {
            return self.repeat(command, receipt).await.map(Ok);
        }
        let mut moved = false;
        for (stream, version) in streams.iter().zip(&standing.versions) {
            if work
                .entered
                .get(stream)
                .is_some_and(|entered| entered.tip.version != *version)
            {
                moved = true;
                self.forget(&work, std::slice::from_ref(stream));
            }
        }
        match refusal {
            _ if moved => Ok(Err(Retry::Moved)),
            Some(refusal) => Err(ExecuteError::Refused(refusal)),
            None => {
                let answer = command
                    .answer(&work.into_states())
                    .ok_or(ExecuteError::Reused)?;
                Ok(Ok(Done {
                    answer,
                    position: standing.head,
                    duplicate: false,
                }))
            }
        }
    }

    /// The answer of a command that took effect before: from the states at the versions that it left.
    async fn repeat<C: Command>(
        &self,
        command: &C,
        receipt: Receipt,
    ) -> Result<Done<C::Answer>, ExecuteError<C::Refusal>> {
        if !C::FIRST_EVENTS.contains(&receipt.first_event_type.as_str()) {
            return Err(ExecuteError::Reused);
        }
        let mut states = States::new(HashMap::new());
        loop {
            let answer = command.answer(&states);
            let missing = states.take_missing();
            if let (Some(answer), true) = (answer, missing.is_empty()) {
                return Ok(Done {
                    answer,
                    position: receipt.last,
                    duplicate: true,
                });
            }
            let mut found = false;
            for lane in missing {
                let Some(version) = receipt.version_of(&lane.stream) else {
                    continue;
                };
                let loaded = load(&*self.store, lane.kind, &lane.stream, Some(version)).await?;
                states.insert(lane.stream, loaded.state, loaded.version);
                found = true;
            }
            if !found {
                let answer = command.answer(&states).ok_or(ExecuteError::Reused)?;
                return Ok(Done {
                    answer,
                    position: receipt.last,
                    duplicate: true,
                });
            }
        }
    }

    /// Drops the tips that the decision was based on, or made.
    fn forget(&self, work: &Work, streams: &[StreamId]) {
        for stream in streams {
            if let Some(entered) = work.entered.get(stream) {
                self.lanes.get(stream).invalidate(entered.tip.epoch);
            }
        }
    }

    fn take_snapshots(&self, work: &Work, written: &[StreamId]) {
        for stream in written {
            let Some(entered) = work.entered.get(stream) else {
                continue;
            };
            let (before, after) = (entered.tip.version.0, entered.version.0);
            if before / self.snapshot_every < after / self.snapshot_every {
                self.snapshots
                    .take(entered.kind, stream, &entered.state, entered.version);
            }
        }
    }
}

fn moved_tip(entered: &Entered, last_event: uuid::Uuid, pending: Pending) -> Tip {
    Tip {
        state: Arc::clone(&entered.state),
        version: entered.version,
        last_event: Some(last_event),
        pending: Some(pending),
        epoch: entered.tip.epoch,
    }
}

/// Adds a lane, or takes part in it more strongly.
fn widen(lanes: &mut LaneSet, lane: Lane) {
    match lanes.get_mut(&lane.stream) {
        Some(known) => known.mode = known.mode.max(lane.mode),
        None => {
            lanes.insert(lane.stream.clone(), lane);
        }
    }
}

async fn within<R: Debug, T>(
    deadline: Instant,
    future: impl Future<Output = T>,
) -> Result<T, ExecuteError<R>> {
    timeout_at(deadline, future)
        .await
        .map_err(|_| ExecuteError::Unavailable(Outcome::None))
}

fn no_answer<R: Debug>(error: AppendError) -> ExecuteError<R> {
    match error {
        AppendError::Refused(_) => ExecuteError::Fenced,
        AppendError::Unavailable(outcome) => ExecuteError::Unavailable(outcome),
        AppendError::Failed(error) => ExecuteError::Failed(error),
    }
}

fn too_large<R: Debug>(error: crate::commit::CommitError) -> ExecuteError<R> {
    ExecuteError::Failed(StoreError::Failed {
        operation: "decide",
        source: Arc::new(error),
    })
}

fn too_many_lanes(lane: &Lane) -> StoreError {
    let source = format!("more than {MAX_LANES} streams, among them {}", lane.stream);
    StoreError::Failed {
        operation: "decide",
        source: Arc::from(Box::from(source)),
    }
}
