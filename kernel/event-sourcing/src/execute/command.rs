//! The command trait, the context of an execution and its result.

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
    /// The name in logs and metrics.
    const NAME: &'static str;
    /// The domain's reason for rejecting the command.
    type Rejection: Debug + Send;
    /// The result for the caller.
    type Reply: Send;

    /// The stored name of the operation, part of the first event's metadata. A command id that took effect under
    /// another name returns [`ExecuteError::Reused`]. A type that implements several operations returns a name for
    /// each.
    fn operation(&self) -> &'static str {
        Self::NAME
    }

    /// The streams that the decision certainly needs. It may request more while it decides, and is then restarted each
    /// time, so listing them is only an optimization.
    fn streams(&self) -> Vec<Lane> {
        Vec::new()
    }

    /// Reads states and appends events. Appending no event means that there was nothing to do. It must be pure: it may
    /// run several times, on newer states.
    ///
    /// # Errors
    /// [`DecideError::Rejected`] if the domain rejects the command; [`DecideError::MissingStream`] is returned by the
    /// [`UnitOfWork`] and must be passed on.
    fn decide(
        &self,
        work: &mut UnitOfWork<'_, Self::Rejection>,
    ) -> Result<(), DecideError<Self::Rejection>>;

    /// The reply, from the states after the command. A repeated command gets the states after its first execution.
    /// `None` if the commit found under the command id cannot be this command's.
    fn reply(&self, states: &States) -> Option<Self::Reply>;
}

/// The context of an execution: identity, deadline, metadata and fence.
#[derive(Clone, Debug)]
pub struct Context {
    /// The idempotency key: a command id takes effect at most once.
    pub command_id: CommandId,
    /// The caller stops waiting at this time.
    pub deadline: Instant,
    /// Stored with each event.
    pub metadata: Metadata,
    /// The lease that the caller must still hold at the commit, if any.
    pub fence: Option<Fence>,
}

impl Context {
    /// A context with a timeout, without metadata and without a fence.
    #[must_use]
    pub fn new(command_id: CommandId, timeout: Duration) -> Self {
        Self {
            command_id,
            deadline: Instant::now() + timeout,
            metadata: Metadata::default(),
            fence: None,
        }
    }
}

/// A command that took effect, now or before, or had nothing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed<T> {
    /// From the states after the command.
    pub reply: T,
    /// A reader that has reached this position sees the effects in `reply`.
    pub position: Position,
    /// Whether it took effect before this call.
    pub duplicate: bool,
    /// Whether there was nothing to do, so that no event was written.
    pub unchanged: bool,
}

/// Why a command has no reply.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<R: Debug> {
    /// The domain rejected the command. Nothing was written.
    #[error("rejected: {rejection:?}")]
    Rejected {
        /// Why.
        rejection: R,
        /// A reader that has reached this position sees the state that the decision was made on.
        position: Position,
    },
    /// The command id took effect before, for another operation or stream. This call wrote nothing.
    #[error("the command id was used for another operation")]
    Reused,
    /// The caller no longer holds its lease. Nothing was written.
    #[error("the lease was lost")]
    Fenced,
    /// The deadline passed, or the store was unreachable. The [`CommitOutcome`] states whether events may have been
    /// written.
    #[error("unavailable ({0:?})")]
    Unavailable(CommitOutcome),
    /// The command took effect, now or before, but its reply cannot be read. Sending the same command again returns it.
    #[error("the command took effect at position {}, but its reply cannot be read", .position.0)]
    ReplyUnavailable {
        /// Where it took effect: a reader at this position sees it.
        position: Position,
        /// Why the reply cannot be read.
        #[source]
        error: StoreError,
    },
    /// A bug, or a damaged store. Nothing was written.
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
