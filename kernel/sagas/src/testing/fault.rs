//! The faults of a step.

use std::fmt;
use std::time::Duration;

use crate::{Role, Saga, SagaDefinition, SagaOutcome, Step, StepKind};

/// A fault of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Of the call of a step, or of its compensation.
    Call {
        /// Whether it is the compensation.
        undo: bool,
        /// How the call fails.
        how: CallFault,
    },
    /// Of the commit that records that the step is done, or undone.
    Commit {
        /// Whether it is the compensation.
        undo: bool,
        /// How the commit fails.
        how: CommitFault,
    },
    /// The domain rejects the local step.
    Declined,
}

/// A fault of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallFault {
    /// Fails twice, before its effect.
    FailsTwice,
    /// Fails until an operator resumes the saga.
    FailsAlways,
    /// Is declined.
    Declined,
    /// Takes effect, and the answer is lost.
    AnswerLost,
    /// Has no effect and never answers.
    NeverAnswers,
    /// Takes effect and never answers.
    DoneNeverAnswers,
    /// Takes effect only after the compensation was requested.
    Late,
    /// Arrives a second time, after everything else.
    Twice,
    /// The process crashes before the effect.
    CrashBefore,
    /// The process crashes after the effect.
    CrashAfter,
    /// The saga is cancelled after the intent of the call is recorded and before the call.
    CancelBefore,
    /// The saga is cancelled while the call is in flight.
    CancelDuring,
    /// The process is paused for longer than its lease while the call is in flight, and continues.
    Zombie,
    /// The provider panics during the call.
    Panics,
    /// The provider cannot close the key, and the action arrives late.
    KeyStaysOpen,
}

/// A fault of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitFault {
    /// The store cannot be reached, once.
    Unavailable,
    /// The store cannot be reached for longer than a lease.
    Down,
    /// It is written, and the answer is lost.
    AnswerLost,
    /// It is written, the answer is lost, and the store cannot be reached for longer than a lease.
    AnswerLostAndDown,
    /// The process crashes before it is written.
    CrashBefore,
    /// The process crashes after it.
    CrashAfter,
    /// It is rejected with a version conflict on another stream.
    LostRace,
    /// The saga is cancelled at this moment.
    Cancel,
    /// The process is paused for longer than its lease before it is written, and continues.
    Zombie,
}

const CALLS: [CallFault; 15] = [
    CallFault::FailsTwice,
    CallFault::FailsAlways,
    CallFault::Declined,
    CallFault::AnswerLost,
    CallFault::NeverAnswers,
    CallFault::DoneNeverAnswers,
    CallFault::Late,
    CallFault::Twice,
    CallFault::CrashBefore,
    CallFault::CrashAfter,
    CallFault::CancelBefore,
    CallFault::CancelDuring,
    CallFault::Zombie,
    CallFault::Panics,
    CallFault::KeyStaysOpen,
];

const COMMITS: [CommitFault; 9] = [
    CommitFault::Unavailable,
    CommitFault::Down,
    CommitFault::AnswerLost,
    CommitFault::AnswerLostAndDown,
    CommitFault::CrashBefore,
    CommitFault::CrashAfter,
    CommitFault::LostRace,
    CommitFault::Cancel,
    CommitFault::Zombie,
];

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call { undo: false, how } => write!(f, "call {how:?}"),
            Self::Call { undo: true, how } => write!(f, "undo {how:?}"),
            Self::Commit { undo: false, how } => write!(f, "commit {how:?}"),
            Self::Commit { undo: true, how } => write!(f, "commit of undo {how:?}"),
            Self::Declined => f.write_str("local Declined"),
        }
    }
}

/// The allowed ends of a saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExpectedEnd {
    /// This one.
    Only(SagaOutcome),
    /// Completed, or any other if its deadlines are too short for that.
    Either,
    /// Compensated if the cancellation was accepted, else completed.
    AsCancelled,
}

impl Fault {
    /// All faults that apply to a step.
    pub(super) fn of<S: Saga>(definition: &SagaDefinition<S>, index: usize) -> Vec<Self> {
        let Some(step) = definition.steps().nth(index) else {
            return Vec::new();
        };
        let calls = [false, true].into_iter().flat_map(|undo| {
            let faults = CALLS.into_iter().filter(move |how| how.fits(undo));
            faults.map(move |how| Self::Call { undo, how })
        });
        let commits = [false, true].into_iter().flat_map(|undo| {
            let faults = COMMITS
                .into_iter()
                .filter(move |how| !undo || *how != CommitFault::Cancel);
            faults.map(move |how| Self::Commit { undo, how })
        });
        let all = calls.chain(commits).chain([Self::Declined]);
        all.filter(|fault| fault.concerns(definition, index, step))
            .collect()
    }

    fn concerns<S: Saga>(
        self,
        definition: &SagaDefinition<S>,
        index: usize,
        step: &Step<S>,
    ) -> bool {
        let is_external = matches!(step.kind, StepKind::External(_));
        match self {
            Self::Declined => !is_external && step.role != Role::Retriable,
            Self::Call { undo, how } => {
                let needs_turn = undo || how == CallFault::KeyStaysOpen;
                is_external && (!needs_turn || turning_point(definition, index).is_some())
            }
            Self::Commit { undo, .. } => !undo || turning_point(definition, index).is_some(),
        }
    }

    /// Whether the saga must be made to compensate after the step.
    pub(super) fn is_of_undo(self) -> bool {
        matches!(
            self,
            Self::Call { undo: true, .. } | Self::Commit { undo: true, .. }
        )
    }

    pub(super) fn is_call(self, undo: bool) -> Option<CallFault> {
        match self {
            Self::Call { undo: of, how } if of == undo => Some(how),
            _ => None,
        }
    }

    pub(super) fn is_commit(self, undo: bool) -> Option<CommitFault> {
        match self {
            Self::Commit { undo: of, how } if of == undo => Some(how),
            _ => None,
        }
    }

    /// The expected end of a saga with this fault.
    pub(super) fn expected<S: Saga>(
        self,
        definition: &SagaDefinition<S>,
        step: &Step<S>,
    ) -> ExpectedEnd {
        use ExpectedEnd::{AsCancelled, Either, Only};
        let by_role = match step.role {
            Role::Retriable => SagaOutcome::Completed,
            Role::Compensatable | Role::Pivot => SagaOutcome::Compensated,
        };
        if self.is_of_undo() {
            return Only(SagaOutcome::Compensated);
        }
        let is_external_pivot =
            step.role == Role::Pivot && matches!(step.kind, StepKind::External(_));
        match self {
            Self::Declined
            | Self::Call {
                how: CallFault::FailsAlways | CallFault::Declined,
                ..
            } => Only(by_role),
            Self::Call {
                how: CallFault::Late | CallFault::KeyStaysOpen,
                ..
            } if step.role == Role::Compensatable => Only(SagaOutcome::Compensated),
            Self::Call {
                how: CallFault::CancelBefore,
                ..
            } => AsCancelled,
            Self::Call {
                how: CallFault::CancelDuring,
                ..
            }
            | Self::Commit {
                how: CommitFault::Cancel,
                ..
            } if !is_external_pivot => AsCancelled,
            Self::Call { .. } | Self::Commit { .. } if has_time(definition, step) => {
                Only(SagaOutcome::Completed)
            }
            Self::Call { .. } | Self::Commit { .. } => Either,
        }
    }

    /// How often the saga is suspended.
    pub(super) fn suspensions<S: Saga>(self, step: &Step<S>) -> usize {
        let is_suspended = match self {
            Self::Call { undo: true, how } => how == CallFault::FailsAlways,
            Self::Call { undo: false, how } => {
                step.role == Role::Retriable
                    && matches!(how, CallFault::FailsAlways | CallFault::Declined)
            }
            Self::Commit { .. } | Self::Declined => false,
        };
        usize::from(is_suspended)
    }
}

impl CallFault {
    fn fits(self, undo: bool) -> bool {
        match self {
            Self::Declined
            | Self::Late
            | Self::Twice
            | Self::CancelBefore
            | Self::CancelDuring
            | Self::KeyStaysOpen => !undo,
            Self::FailsTwice
            | Self::FailsAlways
            | Self::AnswerLost
            | Self::NeverAnswers
            | Self::DoneNeverAnswers
            | Self::CrashBefore
            | Self::CrashAfter
            | Self::Zombie
            | Self::Panics => true,
        }
    }
}

/// The longest delay of a step by a fault, in addition to one call and three pauses.
pub(super) const HOLD_UP: Duration = Duration::from_secs(12);

/// Whether the deadlines leave enough time to recover from a fault of the step.
fn has_time<S: Saga>(definition: &SagaDefinition<S>, step: &Step<S>) -> bool {
    let needed = step
        .timeout
        .saturating_add(step.retry.min.saturating_mul(3))
        .saturating_add(HOLD_UP);
    step.role == Role::Retriable || needed <= step.deadline.min(definition.pivot_deadline)
}

/// How a saga is made to undo a step that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CompensationTrigger {
    /// It is cancelled while the step's own call is in flight.
    CancelDuring,
    /// The provider declines this later step.
    Declined(&'static str),
}

pub(super) fn turning_point<S: Saga>(
    definition: &SagaDefinition<S>,
    index: usize,
) -> Option<CompensationTrigger> {
    let step = definition.steps().nth(index)?;
    if !step.can_be_undone() || step.role != Role::Compensatable {
        return None;
    }
    if matches!(step.kind, StepKind::External(_)) {
        return Some(CompensationTrigger::CancelDuring);
    }
    let mut later = definition.steps().skip(index + 1);
    later
        .find(|step| matches!(step.kind, StepKind::External(_)) && step.role != Role::Retriable)
        .map(|step| CompensationTrigger::Declined(step.name))
}
