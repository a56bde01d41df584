//! A command without its type parameters.
//!
//! The code of an attempt is long and the same for all commands. Written against this trait it is compiled once, not
//! once for each command.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

use super::command::{Command, ExecuteError, Executed};
use super::states::States;
use super::stream_lane::Lane;
use super::work::{DecideError, MissingStream, UnitOfWork, UnitOfWorkState};
use crate::aggregate::Aggregate;
use crate::store::StoreError;
use crate::stream::StreamId;

/// The operation named in errors of reading a reply.
pub(super) const READ_REPLY: &str = "read the reply of a command";

/// A command in execution. It stores its typed rejection and reply itself.
pub(super) trait Decision: Send {
    /// The stored name of the operation.
    fn name(&self) -> &'static str;

    fn streams(&self) -> Vec<Lane>;

    /// Decides, and stores the rejection.
    fn decide(&mut self, work: &mut UnitOfWorkState) -> Result<(), UntypedDecideError>;

    /// Whether a commit of this operation whose first event is in this stream can be the command's.
    fn can_start_in(&self, stream: Option<&StreamId>) -> bool;

    /// Stores the reply. Returns false if there is none.
    fn reply(&mut self, states: &States) -> bool;
}

/// [`DecideError`] without the type of the rejection.
pub(super) enum UntypedDecideError {
    Rejected,
    MissingStream(MissingStream),
}

/// The result of a command; its reply and rejection are stored in the [`Decision`].
pub(super) type UntypedResult = Result<Executed<()>, ExecuteError<()>>;

/// The typed result of a decision.
struct DecisionResult<T, R> {
    rejection: Option<R>,
    reply: Option<T>,
}

impl<T, R: Debug> DecisionResult<T, R> {
    const fn new() -> Self {
        Self {
            rejection: None,
            reply: None,
        }
    }

    fn decided(&mut self, decided: Result<(), DecideError<R>>) -> Result<(), UntypedDecideError> {
        decided.map_err(|error| match error {
            DecideError::Rejected(rejection) => {
                self.rejection = Some(rejection);
                UntypedDecideError::Rejected
            }
            DecideError::MissingStream(missing) => UntypedDecideError::MissingStream(missing),
        })
    }

    fn replied(&mut self, reply: Option<T>) -> bool {
        self.reply = reply;
        self.reply.is_some()
    }

    /// Adds the stored reply or rejection to the untyped result.
    fn end(self, ended: UntypedResult) -> Result<Executed<T>, ExecuteError<R>> {
        let executed = match ended {
            Ok(executed) => executed,
            Err(ExecuteError::Rejected { position, .. }) => {
                return Err(match self.rejection {
                    Some(rejection) => ExecuteError::Rejected {
                        rejection,
                        position,
                    },
                    None => ExecuteError::Failed(missing_reply()),
                });
            }
            Err(ExecuteError::Reused) => return Err(ExecuteError::Reused),
            Err(ExecuteError::Fenced) => return Err(ExecuteError::Fenced),
            Err(ExecuteError::Unavailable(outcome)) => {
                return Err(ExecuteError::Unavailable(outcome));
            }
            Err(ExecuteError::ReplyUnavailable { position, error }) => {
                return Err(ExecuteError::ReplyUnavailable { position, error });
            }
            Err(ExecuteError::Failed(error)) => return Err(ExecuteError::Failed(error)),
        };
        match self.reply {
            Some(reply) => Ok(Executed {
                reply,
                position: executed.position,
                duplicate: executed.duplicate,
                unchanged: executed.unchanged,
            }),
            None => Err(ExecuteError::ReplyUnavailable {
                position: executed.position,
                error: missing_reply(),
            }),
        }
    }
}

/// A command over several streams.
pub(super) struct OfCommand<'c, C: Command> {
    command: &'c C,
    result: DecisionResult<C::Reply, C::Rejection>,
}

impl<'c, C: Command> OfCommand<'c, C> {
    pub(super) const fn new(command: &'c C) -> Self {
        Self {
            command,
            result: DecisionResult::new(),
        }
    }

    pub(super) fn end(
        self,
        ended: UntypedResult,
    ) -> Result<Executed<C::Reply>, ExecuteError<C::Rejection>> {
        self.result.end(ended)
    }
}

impl<C: Command> Decision for OfCommand<'_, C> {
    fn name(&self) -> &'static str {
        self.command.operation()
    }

    fn streams(&self) -> Vec<Lane> {
        self.command.streams()
    }

    fn decide(&mut self, work: &mut UnitOfWorkState) -> Result<(), UntypedDecideError> {
        let decided = self.command.decide(&mut UnitOfWork::new(work));
        self.result.decided(decided)
    }

    fn can_start_in(&self, _: Option<&StreamId>) -> bool {
        true
    }

    fn reply(&mut self, states: &States) -> bool {
        self.result.replied(self.command.reply(states))
    }
}

/// A decision on one stream.
pub(super) struct OnStream<'c, A, R, F> {
    name: &'static str,
    id: &'c str,
    decide: F,
    kept: DecisionResult<Arc<A>, R>,
    aggregate: PhantomData<fn(A)>,
}

impl<'c, A: Aggregate, R: Debug, F> OnStream<'c, A, R, F> {
    pub(super) const fn new(name: &'static str, id: &'c str, decide: F) -> Self {
        Self {
            name,
            id,
            decide,
            kept: DecisionResult::new(),
            aggregate: PhantomData,
        }
    }

    pub(super) fn end(self, ended: UntypedResult) -> Result<Executed<Arc<A>>, ExecuteError<R>> {
        self.kept.end(ended)
    }
}

impl<A, R, F> Decision for OnStream<'_, A, R, F>
where
    A: Aggregate,
    R: Debug + Send,
    F: Fn(&A) -> Result<Vec<A::Event>, R> + Send,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::write::<A>(self.id)]
    }

    fn decide(&mut self, work: &mut UnitOfWorkState) -> Result<(), UntypedDecideError> {
        let decided = UnitOfWork::new(work).decide::<A, R>(self.id, &self.decide);
        self.kept.decided(decided)
    }

    fn can_start_in(&self, stream: Option<&StreamId>) -> bool {
        stream == Some(&A::stream(self.id))
    }

    fn reply(&mut self, states: &States) -> bool {
        let state = states.get::<A>(self.id);
        self.kept.replied(state.map(|(state, _)| state))
    }
}

/// Caused only by a bug in a command: its `reply` does not match its `decide`.
pub(super) fn missing_reply() -> StoreError {
    StoreError::Failed {
        operation: READ_REPLY,
        source: Arc::from(Box::from(
            "the command's reply is not derived from the streams that it decided on",
        )),
    }
}
