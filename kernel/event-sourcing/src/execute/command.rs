//! What a caller hands to the executor, and what it gets back.

use std::fmt::Debug;

use tokio::time::Instant;

use super::work::{Lane, States, Stop, Work};
use crate::appender::Outcome;
use crate::event::Metadata;
use crate::id::{CommandId, Position};
use crate::lease::Fence;
use crate::store::StoreError;

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
    /// Whether there was nothing to do, so that no event was written.
    pub unchanged: bool,
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
            Self::Unavailable(Outcome::None)
        } else {
            Self::Failed(error)
        }
    }
}
