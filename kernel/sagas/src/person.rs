//! What people do to sagas, and what providers say of them by themselves. Each is an event that says who and why.

use event_sourcing::execute::{Command, DecideError, Lane, States, UnitOfWork};

use super::definition::{EventOf, Kind, Saga, StateReader, Writes};
use super::event::{
    Action, CancelRequested, Closed, Person, Resumed, SagaEvent, StepCompensated, StepCompleted,
};
use super::operation::Undone;
use super::state::{Phase, Run, SagaState};
use super::summary::Summary;

/// What is to be done to a saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
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
pub enum ActRefused {
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
pub struct PersonActs<S: Saga> {
    saga_id: String,
    deed: Deed,
    by: Person,
    saga: std::marker::PhantomData<fn() -> S>,
}

#[derive(Clone, Debug)]
enum Deed {
    Act(Act),
    /// With the key of a step.
    Hint(String),
}

impl<S: Saga> PersonActs<S> {
    /// `by` does `act` to the saga.
    #[must_use]
    pub fn new(saga_id: impl Into<String>, act: Act, by: Person) -> Self {
        Self::having(saga_id, Deed::Act(act), by)
    }

    /// `by`, a provider, says that something happened under the key of a step. If that step waits for another try it is
    /// tried now, and the try asks the provider. All else stays as it is: other steps wait for as long as their
    /// providers asked for, and what is suspended waits for a person.
    #[must_use]
    pub fn hint(saga_id: impl Into<String>, key: impl Into<String>, by: Person) -> Self {
        Self::having(saga_id, Deed::Hint(key.into()), by)
    }

    fn having(saga_id: impl Into<String>, deed: Deed, by: Person) -> Self {
        Self {
            saga_id: saga_id.into(),
            deed,
            by,
            saga: std::marker::PhantomData,
        }
    }
}

impl<S: Saga> Command for PersonActs<S> {
    const NAME: &'static str = "act_on_saga";
    type Rejection = ActRefused;
    type Reply = Summary;

    fn operation(&self) -> &'static str {
        match self.deed {
            Deed::Act(Act::Resume) => "resume_saga",
            Deed::Act(Act::Retry) => "retry_saga",
            Deed::Act(Act::Cancel) => "cancel_saga",
            Deed::Act(Act::Resolve) => "resolve_saga",
            Deed::Act(Act::Close) => "close_saga",
            Deed::Hint(_) => "hint_saga",
        }
    }

    fn streams(&self) -> Vec<Lane> {
        vec![Lane::write::<SagaState<S>>(&self.saga_id)]
    }

    fn decide(&self, work: &mut UnitOfWork<'_, ActRefused>) -> Result<(), DecideError<ActRefused>> {
        let state = work.state::<SagaState<S>>(&self.saga_id)?;
        let run = state.run().ok_or(ActRefused::Unknown)?;
        if let Some(damage) = state.damage() {
            return Err(ActRefused::Corrupt(damage.to_owned()).into());
        }
        let events = decide(run, &self.deed, &self.by)?;
        let writes = match (&self.deed, run.table()) {
            (Deed::Act(Act::Close), Some(table)) => {
                let mut reader = StateReader(work.rejecting());
                (table.failed)(&run.data, &self.by.why, &mut reader).map_err(DecideError::widen)?
            }
            (Deed::Act(Act::Resolve), _) => undone_by_hand(run),
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
/// [`ActRefused::Ended`] and [`ActRefused::Decided`].
pub fn cancel<S: Saga>(run: &Run<S>, by: &Person) -> Result<Vec<EventOf<S>>, ActRefused> {
    match run.phase {
        Phase::Ended(_) => Err(ActRefused::Ended),
        Phase::Backward { .. } => Ok(Vec::new()),
        Phase::Forward if run.is_decided() => Err(ActRefused::Decided),
        Phase::Forward if run.cancel.is_some() => Ok(Vec::new()),
        Phase::Forward => Ok(vec![SagaEvent::CancelRequested(CancelRequested {
            saga_id: run.saga_id.clone(),
            subject: run.subject.clone(),
            by: by.clone(),
        })]),
    }
}

fn decide<S: Saga>(run: &Run<S>, deed: &Deed, by: &Person) -> Result<Vec<EventOf<S>>, ActRefused> {
    if matches!(run.phase, Phase::Ended(_)) {
        return Err(ActRefused::Ended);
    }
    match deed {
        Deed::Act(act) => acted(run, *act, by),
        Deed::Hint(key) => {
            let step = waiting_step(run, key).ok_or(ActRefused::NothingWaits)?;
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

fn acted<S: Saga>(run: &Run<S>, act: Act, by: &Person) -> Result<Vec<EventOf<S>>, ActRefused> {
    match act {
        Act::Cancel => cancel(run, by),
        Act::Retry => {
            let is_due_later = run.steps.iter().any(|step| step.retry_at.is_some());
            if run.suspended.is_none() && !is_due_later {
                return Err(ActRefused::NothingWaits);
            }
            Ok(vec![resumed(run, Action::Retry, None, by)])
        }
        Act::Resume | Act::Resolve | Act::Close => {
            let step = run.suspended.ok_or(ActRefused::NotSuspended)?;
            Ok(match act {
                Act::Resume => vec![resumed(run, Action::Resume, None, by)],
                Act::Close => vec![SagaEvent::Failed(Closed {
                    saga_id: run.saga_id.clone(),
                    subject: run.subject.clone(),
                    by: by.clone(),
                })],
                Act::Resolve | Act::Retry | Act::Cancel => {
                    let mut events = vec![resumed(run, Action::Resolve, None, by)];
                    events.extend(resolved(run, step, by));
                    events
                }
            })
        }
    }
}

fn resumed<S: Saga>(run: &Run<S>, action: Action, only: Option<&str>, by: &Person) -> EventOf<S> {
    SagaEvent::Resumed(Resumed {
        saga_id: run.saga_id.clone(),
        subject: run.subject.clone(),
        action,
        step: only.map(str::to_owned),
        by: by.clone(),
    })
}

/// What the domain writes when a person has undone what a provider did. What a local step does by hand is up to them.
fn undone_by_hand<S: Saga>(run: &Run<S>) -> Writes {
    let step = run.suspended.and_then(|index| run.step(index));
    match (step.map(|(step, state)| (&step.kind, state)), &run.phase) {
        (Some((Kind::External(external), state)), Phase::Backward { .. }) => {
            let found = Undone {
                happened: state.completed,
                reference: None,
                closed: true,
            };
            (external.compensated)(&run.data, &found)
        }
        _ => Writes::none(),
    }
}

fn resolved<S: Saga>(run: &Run<S>, step: usize, by: &Person) -> Option<EventOf<S>> {
    let (step, state) = run.step(step)?;
    let (step, happened) = (step.name.to_owned(), state.completed);
    let (saga_id, subject, by) = (run.saga_id.clone(), run.subject.clone(), Some(by.clone()));
    Some(match run.phase {
        Phase::Backward { .. } => SagaEvent::StepCompensated(StepCompensated {
            saga_id,
            subject,
            step,
            happened,
            by,
        }),
        Phase::Forward | Phase::Ended(_) => SagaEvent::StepCompleted(StepCompleted {
            saga_id,
            subject,
            step,
            output: None,
            by,
        }),
    })
}
