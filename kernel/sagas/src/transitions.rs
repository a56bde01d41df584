//! The legal transitions of a saga: one total match.

use chrono::{DateTime, Utc};
use event_sourcing::event::{DomainEvent, Payload};
use serde_json::Value;

use super::definition::{EventOf, Saga, SagaDefinition, StepKind};
use super::event::{
    CancelRequested, CompensationStarted, FailureKind, ResumeKind, SagaEvent, Started,
    StepCompleted, StepFailed, StepStarted,
};
use super::state::{Phase, Run, SagaOutcome, StepState, StepStatus};

/// An event that is illegal in the state of the saga.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event} is illegal in {place}")]
pub struct IllegalTransition {
    event: &'static str,
    place: String,
}

pub(super) fn illegal<D: Payload>(
    event: &SagaEvent<D>,
    place: impl Into<String>,
) -> IllegalTransition {
    IllegalTransition {
        event: event.encode().event_type,
        place: place.into(),
    }
}

impl<S: Saga> Run<S> {
    /// Without the definition it has no steps.
    pub(super) fn begin(started: &Started<S::Data>, at: DateTime<Utc>) -> Self {
        let definition = S::definition_of(started.definition).into_iter();
        Self {
            saga_id: started.saga_id.clone(),
            subject: started.subject.clone(),
            definition: started.definition,
            partition: started.partition,
            started_at: at,
            updated_at: at,
            failure: None,
            data: started.data.clone(),
            origin: started.origin.clone(),
            phase: Phase::Running,
            suspended: None,
            cancel: None,
            steps: definition
                .flat_map(SagaDefinition::steps)
                .map(|_| StepState::default())
                .collect(),
        }
    }

    /// Follows a saga whose definition this binary does not have: whether it has ended can be read without it, and which
    /// of its events are legal cannot.
    pub(super) fn follow_ends(&mut self, event: &EventOf<S>) {
        let outcome = match event {
            SagaEvent::Completed(_) => SagaOutcome::Completed,
            SagaEvent::Compensated(_) => SagaOutcome::Compensated,
            SagaEvent::Failed(_) => SagaOutcome::Failed,
            SagaEvent::Started(_)
            | SagaEvent::StepStarted(_)
            | SagaEvent::StepCompleted(_)
            | SagaEvent::StepFailed(_)
            | SagaEvent::StepCompensated(_)
            | SagaEvent::CompensationStarted(_)
            | SagaEvent::CancelRequested(_)
            | SagaEvent::Suspended(_)
            | SagaEvent::Resumed(_) => return,
        };
        self.phase = Phase::Ended(outcome);
    }

    /// Applies one event. The state is unchanged if the transition is illegal.
    pub(super) fn apply(&mut self, event: &EventOf<S>) -> Result<(), IllegalTransition> {
        use Phase::{Compensating, Ended, Running};
        match (&self.phase, event) {
            (Ended(_), _) => Err(illegal(event, "a saga that has ended")),
            (Running, SagaEvent::StepStarted(e)) if !e.undo => self.call(event, e),
            (Compensating { .. }, SagaEvent::StepStarted(e)) if e.undo => self.call(event, e),
            (Running, SagaEvent::StepFailed(e)) if !e.undo => self.fail(event, e),
            (Compensating { .. }, SagaEvent::StepFailed(e)) if e.undo => self.fail(event, e),
            (Running, SagaEvent::StepCompleted(e)) => self.complete(event, e),
            (Compensating { .. }, SagaEvent::StepCompensated(e)) => self.undo(event, &e.step),
            (Running, SagaEvent::CancelRequested(e)) => self.cancel(event, e),
            (Running, SagaEvent::CompensationStarted(e)) => self.start_compensation(event, e),
            (Running, SagaEvent::Completed(_)) => {
                let is_done = self
                    .steps
                    .iter()
                    .all(|step| step.status == StepStatus::Done);
                self.end(event, is_done && self.is_decided(), SagaOutcome::Completed)
            }
            (Compensating { .. }, SagaEvent::Compensated(_)) => {
                let is_undone = (0..self.steps.len()).all(|index| !self.needs_undo(index));
                self.end(event, is_undone, SagaOutcome::Compensated)
            }
            (Running | Compensating { .. }, SagaEvent::Failed(e)) => {
                self.end(event, self.suspended.is_some(), SagaOutcome::Failed)?;
                self.failure = Some(e.actor.reason.clone());
                Ok(())
            }
            (Running | Compensating { .. }, SagaEvent::Suspended(e)) => {
                if self.suspended.is_some() {
                    return Err(illegal(event, "a saga that is suspended"));
                }
                self.suspended = Some(self.index(event, &e.step)?);
                Ok(())
            }
            (Running | Compensating { .. }, SagaEvent::Resumed(e)) => {
                let only = e.step.as_deref().map(|step| self.index(event, step));
                self.resume(e.action, only.transpose()?);
                Ok(())
            }
            (
                Running | Compensating { .. },
                SagaEvent::Started(_)
                | SagaEvent::StepStarted(_)
                | SagaEvent::StepFailed(_)
                | SagaEvent::StepCompleted(_)
                | SagaEvent::StepCompensated(_)
                | SagaEvent::CancelRequested(_)
                | SagaEvent::CompensationStarted(_)
                | SagaEvent::Completed(_)
                | SagaEvent::Compensated(_),
            ) => Err(illegal(event, format!("a saga in {:?}", self.phase))),
        }
    }

    fn complete(
        &mut self,
        event: &EventOf<S>,
        completed: &StepCompleted,
    ) -> Result<(), IllegalTransition> {
        let index = self.open_step(event, &completed.step, false)?;
        if let Some(output) = &completed.output {
            self.apply_output(index, output)
                .map_err(|reason| illegal(event, reason))?;
        }
        let step = &mut self.steps[index];
        (step.status, step.completed) = (StepStatus::Done, true);
        (step.unresolved, step.retry_at, step.reason) = (false, None, None);
        Ok(())
    }

    /// Adds the output of a step to the data, or returns why it cannot.
    fn apply_output(&mut self, index: usize, output: &Value) -> Result<(), String> {
        let Some((step, _)) = self.step(index) else {
            return Err(format!("a definition without step {index}"));
        };
        match &step.kind {
            StepKind::External(external) => {
                let applied = (external.apply_output)(&mut self.data, output);
                applied.map_err(|misfit| misfit.to_string())
            }
            StepKind::Local { .. } => Err(format!("step {}, which has no output", step.name)),
        }
    }

    fn undo(&mut self, event: &EventOf<S>, name: &str) -> Result<(), IllegalTransition> {
        let index = self.open_step(event, name, true)?;
        let step = &mut self.steps[index];
        step.status = StepStatus::Compensated;
        (step.unresolved, step.retry_at, step.reason) = (false, None, None);
        Ok(())
    }

    fn cancel(
        &mut self,
        event: &EventOf<S>,
        requested: &CancelRequested,
    ) -> Result<(), IllegalTransition> {
        if self.is_decided() || self.cancel.is_some() {
            return Err(illegal(
                event,
                "a saga that is decided, or cancelled before",
            ));
        }
        self.cancel = Some(requested.actor.clone());
        Ok(())
    }

    fn start_compensation(
        &mut self,
        event: &EventOf<S>,
        turned: &CompensationStarted,
    ) -> Result<(), IllegalTransition> {
        if self.is_decided() || self.suspended.is_some() {
            return Err(illegal(event, "a saga that is decided, or suspended"));
        }
        if self.open_intents().next().is_some() {
            return Err(illegal(event, "a saga with a call in flight"));
        }
        let reason = turned.reason.clone();
        self.failure = Some(reason.clone());
        self.phase = Phase::Compensating { reason };
        for step in &mut self.steps {
            (step.attempts, step.failures, step.retry_at) = (0, 0, None);
        }
        Ok(())
    }

    fn end(
        &mut self,
        event: &EventOf<S>,
        may_end: bool,
        outcome: SagaOutcome,
    ) -> Result<(), IllegalTransition> {
        if !may_end {
            return Err(illegal(
                event,
                format!("a saga in {:?} with open steps", self.phase),
            ));
        }
        self.phase = Phase::Ended(outcome);
        Ok(())
    }

    fn index(&self, event: &EventOf<S>, name: &str) -> Result<usize, IllegalTransition> {
        self.definition_of()
            .and_then(|definition| definition.position(name))
            .ok_or_else(|| illegal(event, format!("a definition without step {name:?}")))
    }

    /// The index of the step that an event is about, if it is open and its stage is the current one.
    fn open_step(
        &self,
        event: &EventOf<S>,
        name: &str,
        undo: bool,
    ) -> Result<usize, IllegalTransition> {
        let index = self.index(event, name)?;
        let status = self.steps[index].status;
        let is_open = if undo {
            self.needs_undo(index)
        } else {
            !matches!(status, StepStatus::Done | StepStatus::GivenUp)
        };
        if is_open && self.is_in_turn(index, undo) {
            Ok(index)
        } else {
            Err(illegal(event, format!("step {name} that is {status:?}")))
        }
    }

    /// Whether all earlier stages are done; for a compensation, whether all later stages are undone.
    fn is_in_turn(&self, index: usize, undo: bool) -> bool {
        let stage = self
            .definition_of()
            .and_then(|definition| definition.ranges().find(|stage| stage.contains(&index)));
        stage.is_some_and(|stage| {
            if undo {
                (stage.end..self.steps.len()).all(|later| !self.needs_undo(later))
            } else {
                let earlier = &self.steps[..stage.start];
                earlier.iter().all(|step| step.status == StepStatus::Done)
            }
        })
    }

    fn call(&mut self, event: &EventOf<S>, started: &StepStarted) -> Result<(), IllegalTransition> {
        if self.suspended.is_some() {
            return Err(illegal(event, "a saga that is suspended"));
        }
        let index = self.open_step(event, &started.step, started.undo)?;
        let step = &mut self.steps[index];
        // An earlier intent without a result: it is unknown whether that call took effect.
        step.unresolved |= step.status == StepStatus::Calling;
        step.status = if started.undo {
            StepStatus::Compensating
        } else {
            step.calls += 1;
            step.deadline = started.deadline;
            StepStatus::Calling
        };
        (step.attempts, step.retry_at) = (started.attempt, None);
        Ok(())
    }

    fn fail(&mut self, event: &EventOf<S>, failed: &StepFailed) -> Result<(), IllegalTransition> {
        let index = self.open_step(event, &failed.step, failed.undo)?;
        let step = &mut self.steps[index];
        step.attempts = failed.attempt;
        step.failures += 1;
        step.retry_at = failed.retry_at;
        step.reason = Some(failed.reason.clone());
        step.is_key_open = failed.outcome == FailureKind::KeyOpen;
        step.status = if failed.undo {
            match failed.outcome {
                FailureKind::KeyOpen => StepStatus::KeyOpen,
                FailureKind::Declined | FailureKind::Transient | FailureKind::Unknown => {
                    StepStatus::CompensationWaiting
                }
            }
        } else {
            match failed.outcome {
                FailureKind::Unknown | FailureKind::KeyOpen => step.unresolved = true,
                FailureKind::Declined => step.unresolved = false,
                FailureKind::Transient => {}
            }
            step.is_declined = failed.outcome == FailureKind::Declined;
            match failed.retry_at {
                None => StepStatus::GivenUp,
                Some(_) if step.unresolved => StepStatus::Unknown,
                Some(_) => StepStatus::Waiting,
            }
        };
        Ok(())
    }

    /// Resumes: waiting steps are due now, and a suspended saga's given-up steps are tried again.
    fn resume(&mut self, action: ResumeKind, only: Option<usize>) {
        let was_suspended = self.suspended.take().is_some();
        for (index, step) in self.steps.iter_mut().enumerate() {
            if only.is_some_and(|only| only != index) {
                continue;
            }
            step.retry_at = None;
            if !was_suspended {
                continue;
            }
            if action == ResumeKind::Resume {
                (step.attempts, step.failures) = (0, 0);
            }
            if step.status == StepStatus::GivenUp {
                // The provider's decline closed the key, so another try needs a new one.
                if step.is_declined && step.calls > 0 && action != ResumeKind::Resolve {
                    (step.epoch, step.calls) = (step.epoch + 1, 0);
                }
                step.is_declined = false;
                step.status = if step.unresolved {
                    StepStatus::Unknown
                } else {
                    StepStatus::Waiting
                };
            }
        }
    }
}
