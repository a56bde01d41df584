//! What a caller hands to the executor, and what it gets back.

use std::fmt::Debug;

use tokio::time::{Duration, Instant};

use super::states::States;
use super::stream_lane::Lane;
use super::work::{DecideError, UnitOfWork};
use crate::appender::CommitOutcome;
use crate::event::Metadata;
use crate::id::{CommandId, Position};
use crate::lease::Fence;
use crate::store::StoreError;

/// A decision over several streams: all of its events are written, or none. For one stream, call
/// [`Executor::transact`](super::Executor::transact) instead.
///
/// ```
/// # use event_sourcing::testing::doc::{Counter, increment};
/// use event_sourcing::execute::{Command, DecideError, States, UnitOfWork};
///
/// /// Increments two counters.
/// struct IncrementBoth {
///     counters: [&'static str; 2],
///     by: u64,
/// }
///
/// impl Command for IncrementBoth {
///     const NAME: &'static str = "increment_both";
///     type Rejection = String;
///     type Reply = u64;
///
///     fn decide(&self, work: &mut UnitOfWork<'_, String>) -> Result<(), DecideError<String>> {
///         for counter in self.counters {
///             work.decide::<Counter, _>(counter, |counter| increment(counter, self.by))?;
///         }
///         Ok(())
///     }
///
///     fn reply(&self, states: &States) -> Option<u64> {
///         let [first, _] = self.counters;
///         let (counter, _) = states.get::<Counter>(first)?;
///         Some(counter.value)
///     }
/// }
/// ```
pub trait Command: Send + Sync {
    /// Its name, in logs and metrics.
    const NAME: &'static str;
    /// What the domain rejects the command with.
    type Rejection: Debug + Send;
    /// What the caller gets.
    type Reply: Send;

    /// The stored name of the operation, part of the first event's metadata. A command id that took effect under
    /// another name belongs to something else. A type that stands for several operations names each of them.
    fn operation(&self) -> &'static str {
        Self::NAME
    }

    /// The streams that the decision needs for certain. It may ask for more while it decides; each time it then
    /// starts over, so naming them saves time and nothing else.
    fn streams(&self) -> Vec<Lane> {
        Vec::new()
    }

    /// Reads states and appends events. No event appended means that there was nothing to do. It is pure: it may run
    /// several times, on newer states.
    ///
    /// # Errors
    /// [`DecideError::Rejected`] if the domain rejects the command; [`DecideError::MissingStream`] comes from the
    /// [`UnitOfWork`] and is handed on.
    fn decide(
        &self,
        work: &mut UnitOfWork<'_, Self::Rejection>,
    ) -> Result<(), DecideError<Self::Rejection>>;

    /// The reply, from the states as the command left them. The repeat of a command gets the states of then.
    /// Nothing if the commit that was found under its id cannot be this command's.
    fn reply(&self, states: &States) -> Option<Self::Reply>;
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

impl Context {
    /// Of a caller that waits for so long, without metadata and without a lease.
    #[must_use]
    pub fn new(command_id: CommandId, patience: Duration) -> Self {
        Self {
            command_id,
            deadline: Instant::now() + patience,
            metadata: Metadata::default(),
            fence: None,
        }
    }
}

/// A command that took effect, now or before, or had nothing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed<T> {
    /// From the states as the command left them.
    pub reply: T,
    /// A reader at this position sees what the reply says.
    pub position: Position,
    /// Whether it had taken effect before this call.
    pub duplicate: bool,
    /// Whether there was nothing to do, so that no event was written.
    pub unchanged: bool,
}

/// Why a command has no reply.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<R: Debug> {
    /// The domain rejected the command. Nothing happened.
    #[error("rejected: {0:?}")]
    Rejected(R),
    /// The command id took effect before, for something else. Nothing happened now.
    #[error("the command id was used for something else")]
    Reused,
    /// The caller's lease is no longer its own. Nothing happened.
    #[error("the lease was lost")]
    Fenced,
    /// The deadline passed, or the store was out of reach.
    #[error("unavailable ({0:?})")]
    Unavailable(CommitOutcome),
    /// The command took effect, now or before, and its answer cannot be had. Sending the same command again gets it.
    #[error("the command took effect at position {}, but its answer cannot be had", .position.0)]
    Unanswered {
        /// Where it took effect: a reader at this position sees it.
        position: Position,
        /// Why there is no answer.
        #[source]
        error: StoreError,
    },
    /// A bug, or a damaged store. Nothing happened.
    #[error(transparent)]
    Failed(StoreError),
}

impl<R: Debug> From<StoreError> for ExecuteError<R> {
    fn from(error: StoreError) -> Self {
        if error.is_retryable() {
            Self::Unavailable(CommitOutcome::None)
        } else {
            Self::Failed(error)
        }
    }
}
