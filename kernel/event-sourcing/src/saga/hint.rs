//! What a provider says by itself.

use std::marker::PhantomData;

use super::definition::Saga;
use super::event::{Action, Person, Resumed, SAGA_EVENTS, SagaEvent};
use super::person::ActRefused;
use super::state::{Phase, Run, SagaState};
use super::summary::Summary;
use crate::execute::{Command, Lane, States, Stop, Work};

/// Something happened under a key, or is said to have. A step that waits for another try of it is tried now, and that
/// try asks the provider. All else stays as it is: other steps wait for as long as their providers asked for, and
/// what is suspended waits for a person.
#[derive(Clone, Debug)]
pub struct ProviderHint<S: Saga> {
    saga_id: String,
    key: String,
    by: Person,
    saga: PhantomData<fn() -> S>,
}

impl<S: Saga> ProviderHint<S> {
    /// A hint about the step of a saga that has this key.
    #[must_use]
    pub fn new(saga_id: impl Into<String>, key: impl Into<String>, by: Person) -> Self {
        Self {
            saga_id: saga_id.into(),
            key: key.into(),
            by,
            saga: PhantomData,
        }
    }

    /// The step that waits for this hint.
    fn step(&self, run: &Run<S>) -> Option<&'static str> {
        let has_key = |index| run.key(index).is_some_and(|key| key.as_str() == self.key);
        let index = (0..run.steps.len()).find(|index| has_key(*index))?;
        let (step, state) = run.step(index)?;
        let waits = state.retry_at.is_some() && run.suspended.is_none();
        waits.then_some(step.name)
    }
}

impl<S: Saga> Command for ProviderHint<S> {
    type Refusal = ActRefused;
    type Answer = Summary;
    const FIRST_EVENTS: &'static [&'static str] = &SAGA_EVENTS;

    fn lanes(&self) -> Vec<Lane> {
        vec![Lane::write::<SagaState<S>>(&self.saga_id)]
    }

    fn decide(&self, work: &mut Work) -> Result<(), Stop<ActRefused>> {
        let state = work.state::<SagaState<S>>(&self.saga_id)?;
        let run = state.run().ok_or(Stop::Refused(ActRefused::Unknown))?;
        if matches!(run.phase, Phase::Ended(_)) {
            return Err(Stop::Refused(ActRefused::Ended));
        }
        let step = self
            .step(run)
            .ok_or(Stop::Refused(ActRefused::NothingWaits))?;
        let resumed = SagaEvent::Resumed(Resumed {
            saga_id: run.saga_id.clone(),
            subject: run.subject.clone(),
            action: Action::Retry,
            step: Some(step.to_owned()),
            by: self.by.clone(),
        });
        Ok(work.append::<SagaState<S>>(&self.saga_id, &[resumed])?)
    }

    fn answer(&self, states: &States) -> Option<Summary> {
        states.get::<SagaState<S>>(&self.saga_id)?.0.summary()
    }
}
