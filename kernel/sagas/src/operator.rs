//! What people do to sagas, and what providers say of them by themselves. Each is an event that says who and why.

use event_sourcing::Actor;
use event_sourcing::execute::{Command, DecideError, Lane, States, UnitOfWork};

use super::definition::{EventOf, Saga, StateReader, StepKind, Writes};
use super::event::{
    Action, CancelRequested, Closed, Resumed, SagaEvent, StepCompensated, StepCompleted,
};
use super::operation::CompensationResult;
use super::state::{Phase, Run, SagaState};
use super::summary::Summary;

/// What is to be done to a saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorAction {
    /// A suspended saga goes on and counts its tries anew.
    Resume,
    /// The next try is due now.
    Retry,
    /// It is undone.
    Cancel,
    /// The step that it cannot pass counts as done, or undone, by hand.
    Resolve,
    /// It ends as failed, whatever is left of it.
    Close,
}

/// Why a person's act is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActionRejected {
    /// There is no such saga.
    #[error("there is no such saga")]
    Unknown,
    /// It has ended.
    #[error("the saga has ended")]
    Ended,
    /// The act is for suspended sagas.
    #[error("the saga is not suspended")]
    NotSuspended,
    /// Nothing is waiting for another try.
    #[error("no step waits for another try")]
    NothingWaits,
    /// It can only go on.
    #[error("the saga can no longer be cancelled")]
    Decided,
    /// Its stream holds what no saga can do, so nothing more is written to it.
    #[error("the saga's stream is corrupt: {0}")]
    Corrupt(String),
}

/// An act of a person on a saga, answered with where the saga then stands.
#[derive(Clone, Debug)]
pub struct OperatorCommand<S: Saga> {
    saga_id: String,
    request: Request,
    actor: Actor,
    saga: std::marker::PhantomData<fn() -> S>,
}

#[derive(Clone, Debug)]
enum Request {
    Act(OperatorAction),
    /// With the key of a step.
    Hint(String),
}

impl<S: Saga> OperatorCommand<S> {
    /// `actor` does `act` to the saga.
    #[must_use]
    pub fn new(saga_id: impl Into<String>, act: OperatorAction, by: Actor) -> Self {
        Self::for_request(saga_id, Request::Act(act), by)
    }

    /// `actor`, a provider, says that something happened under the key of a step. If that step waits for another try it is
    /// tried now, and the try asks the provider. All else stays as it is: other steps wait for as long as their
    /// providers asked for, and what is suspended waits for a person.
    #[must_use]
    pub fn hint(saga_id: impl Into<String>, key: impl Into<String>, by: Actor) -> Self {
        Self::for_request(saga_id, Request::Hint(key.into()), by)
    }

    fn for_request(saga_id: impl Into<String>, deed: Request, by: Actor) -> Self {
        Self {
            saga_id: saga_id.into(),
            request: deed,
            actor: by,
            saga: std::marker::PhantomData,
        }
    }
}

impl<S: Saga> Command for OperatorCommand<S> {
    const NAME: &'static str = "act_on_saga";
    type Rejection = ActionRejected;
    type Reply = Summary;

    fn operation(&self) -> &'static str {
        match self.request {
            Request::Act(OperatorAction::Resume) => "resume_saga",
            Request::Act(OperatorAction::Retry) => "retry_saga",
            Request::Act(OperatorAction::Cancel) => "cancel_saga",
            Request::Act(OperatorAction::Resolve) => "resolve_saga",
            Request::Act(OperatorAction::Close) => "close_saga",
            Request::Hint(_) => "hint_saga",
        }
    }

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::write::<SagaState<S>>(&self.saga_id)]
    }

    fn decide(
        &self,
        work: &mut UnitOfWork<'_, ActionRejected>,
    ) -> Result<(), DecideError<ActionRejected>> {
        let state = work.state::<SagaState<S>>(&self.saga_id)?;
        let run = state.run().ok_or(ActionRejected::Unknown)?;
        if let Some(damage) = state.corruption() {
            return Err(ActionRejected::Corrupt(damage.to_owned()).into());
        }
        let events = decide(run, &self.request, &self.actor)?;
        let writes = match (&self.request, run.definition_of()) {
            (Request::Act(OperatorAction::Close), Some(table)) => {
                let mut reader = StateReader(work.rejecting());
                (table.failed)(&run.data, &self.actor.reason, &mut reader)
                    .map_err(DecideError::missing_stream)?
            }
            (Request::Act(OperatorAction::Resolve), _) => undone_by_hand(run),
            _ => Writes::none(),
        };
        work.append::<SagaState<S>>(&self.saga_id, &events)?;
        writes.append_to(work)
    }

    fn reply(&self, states: &States) -> Option<Summary> {
        states.get::<SagaState<S>>(&self.saga_id)?.0.summary()
    }
}

/// The events of cancelling, for commands that put them into a commit of their own. None if it is being undone, or
/// will be.
///
/// # Errors
/// [`ActionRejected::Ended`] and [`ActionRejected::Decided`].
pub fn cancel<S: Saga>(run: &Run<S>, by: &Actor) -> Result<Vec<EventOf<S>>, ActionRejected> {
    match run.phase {
        Phase::Ended(_) => Err(ActionRejected::Ended),
        Phase::Compensating { .. } => Ok(Vec::new()),
        Phase::Running if run.is_decided() => Err(ActionRejected::Decided),
        Phase::Running if run.cancel.is_some() => Ok(Vec::new()),
        Phase::Running => Ok(vec![SagaEvent::CancelRequested(CancelRequested {
            saga_id: run.saga_id.clone(),
            subject: run.subject.clone(),
            actor: by.clone(),
        })]),
    }
}

fn decide<S: Saga>(
    run: &Run<S>,
    deed: &Request,
    by: &Actor,
) -> Result<Vec<EventOf<S>>, ActionRejected> {
    if matches!(run.phase, Phase::Ended(_)) {
        return Err(ActionRejected::Ended);
    }
    match deed {
        Request::Act(act) => acted(run, *act, by),
        Request::Hint(key) => {
            let step = waiting_step(run, key).ok_or(ActionRejected::NothingWaits)?;
            Ok(vec![resumed(run, Action::Retry, Some(step), by)])
        }
    }
}

/// The step of a key, if it waits for another try.
fn waiting_step<S: Saga>(run: &Run<S>, key: &str) -> Option<&'static str> {
    let has_key = |index| {
        run.key(index)
            .is_some_and(|of_step| of_step.as_str() == key)
    };
    let index = (0..run.steps.len()).find(|index| has_key(*index))?;
    let (step, state) = run.step(index)?;
    let waits = state.retry_at.is_some() && run.suspended.is_none();
    waits.then_some(step.name)
}

fn acted<S: Saga>(
    run: &Run<S>,
    act: OperatorAction,
    by: &Actor,
) -> Result<Vec<EventOf<S>>, ActionRejected> {
    match act {
        OperatorAction::Cancel => cancel(run, by),
        OperatorAction::Retry => {
            let is_due_later = run.steps.iter().any(|step| step.retry_at.is_some());
            if run.suspended.is_none() && !is_due_later {
                return Err(ActionRejected::NothingWaits);
            }
            Ok(vec![resumed(run, Action::Retry, None, by)])
        }
        OperatorAction::Resume | OperatorAction::Resolve | OperatorAction::Close => {
            let step = run.suspended.ok_or(ActionRejected::NotSuspended)?;
            Ok(match act {
                OperatorAction::Resume => vec![resumed(run, Action::Resume, None, by)],
                OperatorAction::Close => vec![SagaEvent::Failed(Closed {
                    saga_id: run.saga_id.clone(),
                    subject: run.subject.clone(),
                    actor: by.clone(),
                })],
                OperatorAction::Resolve | OperatorAction::Retry | OperatorAction::Cancel => {
                    let mut events = vec![resumed(run, Action::Resolve, None, by)];
                    events.extend(resolved(run, step, by));
                    events
                }
            })
        }
    }
}

fn resumed<S: Saga>(run: &Run<S>, action: Action, only: Option<&str>, by: &Actor) -> EventOf<S> {
    SagaEvent::Resumed(Resumed {
        saga_id: run.saga_id.clone(),
        subject: run.subject.clone(),
        action,
        step: only.map(str::to_owned),
        actor: by.clone(),
    })
}

/// What the domain writes when a person has undone what a provider did. What a local step does by hand is up to them.
fn undone_by_hand<S: Saga>(run: &Run<S>) -> Writes {
    let step = run.suspended.and_then(|index| run.step(index));
    match (step.map(|(step, state)| (&step.kind, state)), &run.phase) {
        (Some((StepKind::External(external), state)), Phase::Compensating { .. }) => {
            let found = CompensationResult {
                had_effect: state.completed,
                reference: None,
                key_closed: true,
            };
            (external.compensated)(&run.data, &found)
        }
        _ => Writes::none(),
    }
}

fn resolved<S: Saga>(run: &Run<S>, step: usize, by: &Actor) -> Option<EventOf<S>> {
    let (step, state) = run.step(step)?;
    let (step, happened) = (step.name.to_owned(), state.completed);
    let (saga_id, subject, by) = (run.saga_id.clone(), run.subject.clone(), Some(by.clone()));
    Some(match run.phase {
        Phase::Compensating { .. } => SagaEvent::StepCompensated(StepCompensated {
            saga_id,
            subject,
            step,
            had_effect: happened,
            actor: by,
        }),
        Phase::Running | Phase::Ended(_) => SagaEvent::StepCompleted(StepCompleted {
            saga_id,
            subject,
            step,
            output: None,
            actor: by,
        }),
    })
}
