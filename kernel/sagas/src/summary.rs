//! A saga's state without its type, for operators and their tools.

use chrono::{DateTime, Utc};
use event_sourcing::id::Version;

use super::definition::Saga;
use super::state::{Phase, Run, SagaOutcome, SagaState, StepStatus};
use super::status::SagaStatus;
use super::unsupported::UnsupportedDefinition;

/// A saga as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its id.
    pub saga_id: String,
    /// What it is about.
    pub subject: String,
    /// The name of its type.
    pub saga_type: &'static str,
    /// The version of its definition.
    pub definition: u32,
    /// The version of its stream: its number of events.
    pub version: Version,
    /// Set if this binary lacks its definition. Its steps are unknown then, and its status is suspended until it ends.
    pub unsupported: Option<UnsupportedDefinition>,
    /// Its status.
    pub status: SagaStatus,
    /// Its current step; none if it has ended.
    pub current_step: Option<&'static str>,
    /// The steps that took effect, in the order of the definition; retained when they are undone.
    pub completed_steps: Vec<&'static str>,
    /// The steps that were undone, the last step first.
    pub compensated_steps: Vec<&'static str>,
    /// Why it was compensated, suspended or closed.
    pub failure: Option<String>,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// The time of its last event.
    pub updated_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// The number of tries of the current step, since compensation started or an operator resumed the saga.
    pub attempts: u32,
    /// When the next try of the current step is due, if it waits for one.
    pub retry_at: Option<DateTime<Utc>>,
    /// When the action of the current step is given up.
    pub deadline: Option<DateTime<Utc>>,
}

impl<S: Saga> SagaState<S> {
    /// The saga as operators see it, if it has started.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        let run = self.started_run()?;
        let unsupported = self.unsupported();
        let names = || {
            run.definition_of()
                .into_iter()
                .flat_map(|definition| definition.steps().map(|step| step.name))
        };
        let current = run.current_step().filter(|_| unsupported.is_none());
        let at = current.and_then(|index| run.steps.get(index));
        let with_state = || names().zip(&run.steps);
        let completed = with_state().filter(|(_, state)| state.completed);
        let compensated = with_state().filter(|(_, state)| state.status == StepStatus::Compensated);
        let mut compensated_steps: Vec<_> = compensated.map(|(name, _)| name).collect();
        compensated_steps.reverse();
        let is_forward = matches!(run.phase, Phase::Running);
        let status = match (self.corruption(), &unsupported) {
            // It waits for an operator, although there is no event for that.
            (Some(_), _) => SagaStatus::Suspended,
            // Or for another binary.
            (None, Some(_)) if !run.status().is_end() => SagaStatus::Suspended,
            (None, _) => run.status(),
        };
        Some(Summary {
            saga_id: run.saga_id.clone(),
            subject: run.subject.clone(),
            saga_type: S::NAME,
            definition: run.definition,
            version: self.version(),
            unsupported: unsupported.clone(),
            status,
            current_step: current.and_then(|index| names().nth(index)),
            completed_steps: completed.map(|(name, _)| name).collect(),
            compensated_steps,
            failure: match run.suspended {
                _ if self.corruption().is_some() => {
                    self.corruption().map(|damage| format!("corrupt: {damage}"))
                }
                _ if unsupported.is_some() && !status.is_end() => {
                    unsupported.as_ref().map(ToString::to_string)
                }
                Some(index) => run.steps.get(index).and_then(|step| step.reason.clone()),
                None => run.failure.clone(),
            },
            started_at: run.started_at,
            updated_at: run.updated_at,
            ended_at: matches!(run.phase, Phase::Ended(_)).then_some(run.updated_at),
            attempts: at.map_or(0, |step| step.attempts),
            retry_at: at.and_then(|step| step.retry_at),
            deadline: at.and_then(|step| step.deadline).filter(|_| is_forward),
        })
    }
}

impl<S: Saga> Run<S> {
    /// Its status.
    #[must_use]
    pub fn status(&self) -> SagaStatus {
        match &self.phase {
            Phase::Ended(SagaOutcome::Completed) => SagaStatus::Completed,
            Phase::Ended(SagaOutcome::Compensated) => SagaStatus::Compensated,
            Phase::Ended(SagaOutcome::Failed) => SagaStatus::Failed,
            _ if self.suspended.is_some() => SagaStatus::Suspended,
            Phase::Compensating { .. } => SagaStatus::Compensating,
            Phase::Running => {
                let is_new = self
                    .steps
                    .iter()
                    .all(|step| step.status == StepStatus::Pending);
                if is_new {
                    SagaStatus::Started
                } else {
                    SagaStatus::Running
                }
            }
        }
    }

    fn current_step(&self) -> Option<usize> {
        match self.phase {
            Phase::Ended(_) => None,
            _ if self.suspended.is_some() => self.suspended,
            Phase::Running => self
                .steps
                .iter()
                .position(|step| step.status != StepStatus::Done),
            Phase::Compensating { .. } => (0..self.steps.len())
                .rev()
                .find(|index| self.needs_undo(*index)),
        }
    }
}
