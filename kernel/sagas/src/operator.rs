//! Commands of operators on sagas, and notifications from providers. Each appends an event with the actor and the reason.

use event_sourcing::Actor;
use event_sourcing::execute::{Command, DecideError, Lane, States, UnitOfWork};

use super::definition::{EventOf, Saga, StateReader, StepKind, Writes};
use super::event::{
    CancelRequested, Closed, ResumeKind, Resumed, SagaEvent, StepCompensated, StepCompleted,
};
use super::operation::CompensationResult;
use super::state::{Phase, Run, SagaState};
use super::summary::Summary;
use super::unsupported::UnsupportedDefinition;

/// What an operator does to a saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorAction {
    /// A suspended saga continues, and its tries are counted from zero.
    Resume,
    /// The next try is due now.
    Retry,
    /// It is compensated.
    Cancel,
    /// The step that it cannot complete or undo counts as done, or undone, manually.
    Resolve,
    /// It ends as failed, whatever effects remain.
    Close,
}

impl OperatorAction {
    /// Its name in metrics and in the metadata of its events.
    #[must_use]
    pub const fn operation(self) -> &'static str {
        match self {
            Self::Resume => "resume_saga",
            Self::Retry => "retry_saga",
            Self::Cancel => "cancel_saga",
            Self::Resolve => "resolve_saga",
            Self::Close => "close_saga",
        }
    }
}

/// Why a command on a saga is rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActionRejected {
    /// There is no such saga.
    #[error("there is no such saga")]
    Unknown,
    /// It has ended.
    #[error("the saga has ended")]
    Ended,
    /// Only a suspended saga accepts the action.
    #[error("the saga is not suspended")]
    NotSuspended,
    /// Nothing is waiting for another try.
    #[error("no step waits for another try")]
    NothingWaits,
    /// It is past its pivot and can only complete.
    #[error("the saga can no longer be cancelled")]
    Decided,
    /// Its stream holds an illegal transition, so nothing more is written to it.
    #[error("the saga's stream is corrupt: {0}")]
    Corrupt(String),
    /// This binary does not have its definition, so it cannot decide what the action means.
    #[error("{0}: act on the saga through a service that has this version")]
    Unsupported(UnsupportedDefinition),
}

/// A command of an operator on a saga. Replies with the saga's summary.
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
    /// `by` is who takes the action, and why.
    #[must_use]
    pub fn new(saga_id: impl Into<String>, act: OperatorAction, actor: Actor) -> Self {
        Self::for_request(saga_id, Request::Act(act), actor)
    }

    /// A provider reports that the status of a key has changed, for example in a webhook. If the step of that key waits for
    /// another try, the try is due now and asks the provider; the report itself is not trusted. Other steps keep their
    /// pauses, and a suspended saga still waits for an operator.
    #[must_use]
    pub fn hint(saga_id: impl Into<String>, key: impl Into<String>, actor: Actor) -> Self {
        Self::for_request(saga_id, Request::Hint(key.into()), actor)
    }

    fn for_request(saga_id: impl Into<String>, request: Request, actor: Actor) -> Self {
        Self {
            saga_id: saga_id.into(),
            request,
            actor,
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
            Request::Act(action) => action.operation(),
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
        let run = readable_run(&state)?;
        let events = decide(run, &self.request, &self.actor)?;
        let writes = match (&self.request, run.definition_of()) {
            (Request::Act(OperatorAction::Close), Some(definition)) => {
                let mut reader = StateReader(work.rejecting());
                (definition.failed)(&run.data, &self.actor.reason, &mut reader)
                    .map_err(DecideError::missing_stream)?
            }
            (Request::Act(OperatorAction::Resolve), _) => resolved_compensation(run),
            _ => Writes::none(),
        };
        work.append::<SagaState<S>>(&self.saga_id, &events)?;
        writes.append_to(work)
    }

    fn reply(&self, states: &States) -> Option<Summary> {
        states.get::<SagaState<S>>(&self.saga_id)?.0.summary()
    }
}

/// The events of a cancellation, for commands that append them in their own commit. Empty if the saga is being
/// compensated or was cancelled before. A command that is rejected must not append its other events either.
///
/// # Errors
/// [`ActionRejected`] if the saga cannot be cancelled, or cannot be read by this binary.
pub fn cancel<S: Saga>(
    state: &SagaState<S>,
    actor: &Actor,
) -> Result<Vec<EventOf<S>>, ActionRejected> {
    cancel_run(readable_run(state)?, actor)
}

/// The saga, if this binary can decide what an action on it means.
fn readable_run<S: Saga>(state: &SagaState<S>) -> Result<&Run<S>, ActionRejected> {
    if let Some(unsupported) = state.unsupported() {
        return Err(ActionRejected::Unsupported(unsupported));
    }
    let run = state.run().ok_or(ActionRejected::Unknown)?;
    match state.corruption() {
        Some(damage) => Err(ActionRejected::Corrupt(damage.to_owned())),
        None => Ok(run),
    }
}

fn cancel_run<S: Saga>(run: &Run<S>, actor: &Actor) -> Result<Vec<EventOf<S>>, ActionRejected> {
    match run.phase {
        Phase::Ended(_) => Err(ActionRejected::Ended),
        Phase::Compensating { .. } => Ok(Vec::new()),
        Phase::Running if run.is_decided() => Err(ActionRejected::Decided),
        Phase::Running if run.cancel.is_some() => Ok(Vec::new()),
        Phase::Running => Ok(vec![SagaEvent::CancelRequested(CancelRequested {
            saga_id: run.saga_id.clone(),
            subject: run.subject.clone(),
            actor: actor.clone(),
        })]),
    }
}

fn decide<S: Saga>(
    run: &Run<S>,
    request: &Request,
    actor: &Actor,
) -> Result<Vec<EventOf<S>>, ActionRejected> {
    if matches!(run.phase, Phase::Ended(_)) {
        return Err(ActionRejected::Ended);
    }
    match request {
        Request::Act(act) => decide_action(run, *act, actor),
        Request::Hint(key) => {
            let step = waiting_step(run, key).ok_or(ActionRejected::NothingWaits)?;
            Ok(vec![resumed(run, ResumeKind::Retry, Some(step), actor)])
        }
    }
}

/// The step with this key, if it waits for another try.
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

fn decide_action<S: Saga>(
    run: &Run<S>,
    act: OperatorAction,
    actor: &Actor,
) -> Result<Vec<EventOf<S>>, ActionRejected> {
    match act {
        OperatorAction::Cancel => cancel_run(run, actor),
        OperatorAction::Retry => {
            let is_due_later = run.steps.iter().any(|step| step.retry_at.is_some());
            if run.suspended.is_none() && !is_due_later {
                return Err(ActionRejected::NothingWaits);
            }
            Ok(vec![resumed(run, ResumeKind::Retry, None, actor)])
        }
        OperatorAction::Resume | OperatorAction::Resolve | OperatorAction::Close => {
            let step = run.suspended.ok_or(ActionRejected::NotSuspended)?;
            Ok(match act {
                OperatorAction::Resume => vec![resumed(run, ResumeKind::Resume, None, actor)],
                OperatorAction::Close => vec![SagaEvent::Failed(Closed {
                    saga_id: run.saga_id.clone(),
                    subject: run.subject.clone(),
                    actor: actor.clone(),
                })],
                OperatorAction::Resolve | OperatorAction::Retry | OperatorAction::Cancel => {
                    let mut events = vec![resumed(run, ResumeKind::Resolve, None, actor)];
                    events.extend(resolved(run, step, actor));
                    events
                }
            })
        }
    }
}

fn resumed<S: Saga>(
    run: &Run<S>,
    action: ResumeKind,
    only: Option<&str>,
    actor: &Actor,
) -> EventOf<S> {
    SagaEvent::Resumed(Resumed {
        saga_id: run.saga_id.clone(),
        subject: run.subject.clone(),
        action,
        step: only.map(str::to_owned),
        actor: actor.clone(),
    })
}

/// The domain's events for an external step that an operator has undone. For a local step the operator has to change the
/// aggregates as well, since its compensation could not be decided.
fn resolved_compensation<S: Saga>(run: &Run<S>) -> Writes {
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

fn resolved<S: Saga>(run: &Run<S>, step: usize, actor: &Actor) -> Option<EventOf<S>> {
    let (step, state) = run.step(step)?;
    let (step, had_effect) = (step.name.to_owned(), state.completed);
    let (saga_id, subject, actor) = (
        run.saga_id.clone(),
        run.subject.clone(),
        Some(actor.clone()),
    );
    Some(match run.phase {
        Phase::Compensating { .. } => SagaEvent::StepCompensated(StepCompensated {
            saga_id,
            subject,
            step,
            had_effect,
            actor,
        }),
        Phase::Running | Phase::Ended(_) => SagaEvent::StepCompleted(StepCompleted {
            saga_id,
            subject,
            step,
            output: None,
            actor,
        }),
    })
}
