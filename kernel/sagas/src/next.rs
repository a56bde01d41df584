//! What to do next: a pure function of a saga's state and the time.

use std::ops::Range;

use chrono::{DateTime, Utc};
use event_sourcing::clock::after;

use super::definition::{Role, Saga, Step, StepKind};
use super::operation::MAX_RETRY_AFTER;
use super::state::{Phase, Run, StepState, StepStatus};

/// Something that is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextMove {
    /// Decide a local step, or its compensation.
    Decide {
        /// The step's index.
        step: usize,
        /// Whether it is its compensation.
        undo: bool,
    },
    /// Record the intent of a call, and make it.
    Call {
        /// The step's index.
        step: usize,
        /// Whether it is its compensation.
        undo: bool,
        /// Whether the intent is recorded already. The process that has the call in flight needs no other; for any
        /// other process the outcome of that call is unknown.
        intent_recorded: bool,
    },
    /// Give a step up. If its intent is recorded, only if the call is not in flight.
    GiveUp {
        /// The step's index.
        step: usize,
    },
    /// Start compensation.
    Compensate {
        /// Why.
        reason: String,
        /// The step that failed, if that is why.
        step: Option<usize>,
    },
    /// End as completed.
    Complete,
    /// End as compensated.
    Compensated,
}

/// What to do now, and when to evaluate again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The moves that are due now.
    pub moves: Vec<NextMove>,
    /// When the next move will be due, if nothing else happens.
    pub wake_at: Option<DateTime<Utc>>,
}

impl Plan {
    fn now(only: NextMove) -> Self {
        Self {
            moves: vec![only],
            wake_at: None,
        }
    }

    fn wake(&mut self, at: DateTime<Utc>) {
        self.wake_at = Some(self.wake_at.map_or(at, |known| known.min(at)));
    }
}

/// Returns what a saga is to do at `now`: nothing if it has ended or is suspended.
#[must_use]
pub fn next<S: Saga>(run: &Run<S>, now: DateTime<Utc>) -> Plan {
    if run.suspended.is_some() {
        return Plan::default();
    }
    match run.phase {
        Phase::Ended(_) => Plan::default(),
        Phase::Running => forward(run, now),
        Phase::Compensating { .. } => compensate(run, now),
    }
}

fn forward<S: Saga>(run: &Run<S>, now: DateTime<Utc>) -> Plan {
    let Some(definition) = run.definition_of() else {
        return Plan::default();
    };
    let unfinished = |group: &Range<usize>| {
        run.steps[group.clone()]
            .iter()
            .any(|step| step.status != StepStatus::Done)
    };
    let group = definition.ranges().find(unfinished);
    let turn = compensation(run, group.clone().unwrap_or_default(), now);
    let Some(group) = group else {
        return Plan::now(turn.unwrap_or(NextMove::Complete));
    };
    let mut plan = Plan::default();
    for index in group {
        let Some((step, state)) = run.step(index) else {
            continue;
        };
        match state.status {
            // If the call is in flight in this process, its result is awaited. A call of a dead process is not made
            // again only to be compensated: its step is given up as unknown, and the compensation closes the key.
            StepStatus::Calling if turn.is_some() || is_late(step, state, now) => {
                plan.moves.push(NextMove::GiveUp { step: index });
            }
            StepStatus::Calling => plan.moves.push(NextMove::Call {
                step: index,
                undo: false,
                intent_recorded: true,
            }),
            _ if turn.is_some() => {}
            StepStatus::Pending => plan.moves.push(start_step(step, index, false)),
            StepStatus::Waiting | StepStatus::Unknown if is_late(step, state, now) => {
                plan.moves.push(NextMove::GiveUp { step: index });
            }
            StepStatus::Waiting | StepStatus::Unknown => match state.retry_at {
                Some(at) if must_wait(step, at, now) => plan.wake(at),
                _ => plan.moves.push(start_step(step, index, false)),
            },
            StepStatus::Done
            | StepStatus::GivenUp
            | StepStatus::Compensating
            | StepStatus::CompensationWaiting
            | StepStatus::KeyOpen
            | StepStatus::Compensated => {}
        }
    }
    match turn {
        Some(turn) if plan.moves.is_empty() => Plan::now(turn),
        _ => {
            let limit = after(run.started_at, definition.pivot_deadline);
            if !run.is_decided() && limit > now {
                plan.wake(limit);
            }
            plan
        }
    }
}

/// The start of compensation, if it is due, with its reason.
fn compensation<S: Saga>(
    run: &Run<S>,
    group: Range<usize>,
    now: DateTime<Utc>,
) -> Option<NextMove> {
    let definition = run.definition_of()?;
    if run.is_decided() {
        return None;
    }
    let mut failed = None;
    for index in group {
        let (step, state) = run.step(index)?;
        // The outcome of the pivot must be known before anything is undone.
        if step.role == Role::Pivot && (state.unresolved || state.status == StepStatus::Calling) {
            return None;
        }
        if step.role != Role::Retriable && state.status == StepStatus::GivenUp && failed.is_none() {
            let why = state
                .reason
                .as_deref()
                .unwrap_or("not done before the deadline");
            failed = Some((index, format!("{}: {why}", step.name)));
        }
    }
    let (step, reason) = match (&run.cancel, failed) {
        (Some(actor), _) => (None, format!("cancelled: {}", actor.reason)),
        (None, Some((index, reason))) => (Some(index), reason),
        (None, None) if now >= after(run.started_at, definition.pivot_deadline) => {
            (None, "the pivot deadline passed".to_owned())
        }
        (None, None) => return None,
    };
    Some(NextMove::Compensate { reason, step })
}

/// Whether a step's action must not be tried again. A pivot with an unknown outcome must be.
fn is_late<S: Saga>(step: &Step<S>, state: &StepState, now: DateTime<Utc>) -> bool {
    let can_give_up = match step.role {
        Role::Compensatable => true,
        Role::Pivot => !state.unresolved && state.status != StepStatus::Calling,
        Role::Retriable => false,
    };
    can_give_up && state.deadline.is_some_and(|deadline| deadline <= now)
}

/// Whether the next try has to wait. A time further away than any pause can be was stored before the machine's clock was
/// set back, so it no longer states how long to wait: the step is tried now.
fn must_wait<S: Saga>(step: &Step<S>, at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    let pause = step.retry.max.max(step.timeout);
    let longest = MAX_RETRY_AFTER.saturating_add(pause);
    at > now && at <= after(now, longest)
}

fn start_step<S: Saga>(step: &Step<S>, index: usize, undo: bool) -> NextMove {
    match step.kind {
        StepKind::Local { .. } => NextMove::Decide { step: index, undo },
        StepKind::External(_) => NextMove::Call {
            step: index,
            undo,
            intent_recorded: false,
        },
    }
}

fn compensate<S: Saga>(run: &Run<S>, now: DateTime<Utc>) -> Plan {
    let Some(definition) = run.definition_of() else {
        return Plan::default();
    };
    let stages: Vec<Range<usize>> = definition.ranges().collect();
    let needs_undo = |group: &Range<usize>| group.clone().any(|index| run.needs_undo(index));
    let Some(group) = stages.into_iter().rev().find(needs_undo) else {
        return Plan::now(NextMove::Compensated);
    };
    let mut plan = Plan::default();
    for index in group.filter(|index| run.needs_undo(*index)) {
        let Some((step, state)) = run.step(index) else {
            continue;
        };
        match (state.status, state.retry_at) {
            (StepStatus::Compensating, _) => plan.moves.push(NextMove::Call {
                step: index,
                undo: true,
                intent_recorded: true,
            }),
            (_, Some(at)) if must_wait(step, at, now) => plan.wake(at),
            _ => plan.moves.push(start_step(step, index, true)),
        }
    }
    plan
}
