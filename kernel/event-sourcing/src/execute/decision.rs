//! A command without its types.
//!
//! The attempts are long and the same for all commands. Written against this trait, they are compiled once, and not once
//! for each command.

use super::command::{Command, Done, ExecuteError};
use super::finish::no_answer_kept;
use super::work::{Lane, States, Stop, Work};

/// A command in execution, which keeps its own refusal and its own answer.
pub(super) trait Decision: Send {
    fn lanes(&self) -> Vec<Lane>;

    /// Decides, and keeps the refusal.
    fn decide(&mut self, work: &mut Work) -> Result<(), Stop<()>>;

    /// Whether a commit that begins with this event can be the command's.
    fn can_begin_with(&self, event_type: &str) -> bool;

    /// Keeps the answer. False if there is none.
    fn answer(&mut self, states: &States) -> bool;
}

/// Whose answer and refusal are kept elsewhere.
pub(super) type Ended = Result<Done<()>, ExecuteError<()>>;

pub(super) struct Typed<'c, C: Command> {
    command: &'c C,
    refusal: Option<C::Refusal>,
    answer: Option<C::Answer>,
}

impl<'c, C: Command> Typed<'c, C> {
    pub(super) fn new(command: &'c C) -> Self {
        Self {
            command,
            refusal: None,
            answer: None,
        }
    }

    /// The end with what was kept.
    pub(super) fn end(self, ended: Ended) -> Result<Done<C::Answer>, ExecuteError<C::Refusal>> {
        let done = match ended {
            Ok(done) => done,
            Err(ExecuteError::Refused(())) => {
                return Err(match self.refusal {
                    Some(refusal) => ExecuteError::Refused(refusal),
                    None => ExecuteError::Failed(no_answer_kept()),
                });
            }
            Err(ExecuteError::Reused) => return Err(ExecuteError::Reused),
            Err(ExecuteError::Fenced) => return Err(ExecuteError::Fenced),
            Err(ExecuteError::Unavailable(outcome)) => {
                return Err(ExecuteError::Unavailable(outcome));
            }
            Err(ExecuteError::Unanswered { position, error }) => {
                return Err(ExecuteError::Unanswered { position, error });
            }
            Err(ExecuteError::Failed(error)) => return Err(ExecuteError::Failed(error)),
        };
        match self.answer {
            Some(answer) => Ok(Done {
                answer,
                position: done.position,
                duplicate: done.duplicate,
                unchanged: done.unchanged,
            }),
            None => Err(ExecuteError::Unanswered {
                position: done.position,
                error: no_answer_kept(),
            }),
        }
    }
}

impl<C: Command> Decision for Typed<'_, C> {
    fn lanes(&self) -> Vec<Lane> {
        self.command.lanes()
    }

    fn decide(&mut self, work: &mut Work) -> Result<(), Stop<()>> {
        self.command.decide(work).map_err(|stop| match stop {
            Stop::Refused(refusal) => {
                self.refusal = Some(refusal);
                Stop::Refused(())
            }
            Stop::Needs(needs) => Stop::Needs(needs),
        })
    }

    fn can_begin_with(&self, event_type: &str) -> bool {
        C::FIRST_EVENTS.contains(&event_type)
    }

    fn answer(&mut self, states: &States) -> bool {
        self.answer = self.command.answer(states);
        self.answer.is_some()
    }
}
