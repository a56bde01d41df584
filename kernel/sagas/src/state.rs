//! The state of a saga, folded from its stream. `transitions` has the legal transitions.
//!
//! ```text
//!   step: action                                            step: compensation
//!
//!   Pending ──► Calling ──► Done ───────────────┐
//!      │         │ ▲  │                         │
//!      │         ▼ │  └───► GivenUp ─(unless it │──► Compensating ──► Compensated
//!      │     Waiting,       is known that it    │        │ ▲
//!      │     Unknown        had no effect)──────┘        ▼ │
//!      └──────────────────► Done  (local steps)     CompensationWaiting, KeyOpen
//!
//!   saga:   Running ──► Completed
//!              └──────► Compensating ──► Compensated        an operator may close a suspended one: Failed
//! ```

use chrono::{DateTime, Utc};
use event_sourcing::aggregate::Aggregate;
use event_sourcing::event::Metadata;
use event_sourcing::id::Version;
use serde::{Deserialize, Serialize};

use super::definition::{EventOf, Role, Saga, SagaDefinition, Step};
use super::event::SagaEvent;
use super::operation::OperationKey;
use super::transitions::{IllegalTransition, illegal};
use super::unsupported::UnsupportedDefinition;
use event_sourcing::Actor;

/// The version of what the snapshots of all sagas have in common: of every field here but the data.
const STATE_VERSION: u32 = 2;
/// A snapshot's version is that of the state and that of the saga, in one number: 2001 is version 2 and version 1.
const PER_STATE_VERSION: u32 = 1_000;

/// A saga's state. Before its first event there is no run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct SagaState<S: Saga> {
    version: Version,
    run: Option<Run<S>>,
    /// The first illegal transition in the stream; the saga is parked then. Never part of a snapshot: another binary may
    /// read the same stream without it.
    #[serde(skip)]
    corruption: Option<String>,
}

/// A saga that has started.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Run<S: Saga> {
    /// Its id.
    pub saga_id: String,
    /// What it is about.
    pub subject: String,
    /// The version of its definition.
    pub definition: u32,
    /// The partition whose owner drives it.
    pub partition: u16,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// The time of its last event.
    pub updated_at: DateTime<Utc>,
    /// Why it was compensated or closed, if it was.
    pub failure: Option<String>,
    /// The data that it started with, and what its steps added.
    pub data: S::Data,
    /// The metadata of the request that started it.
    pub origin: Metadata,
    /// Its phase.
    pub phase: Phase,
    /// The index of the step that needs an operator, if it is suspended.
    pub suspended: Option<usize>,
    /// Who cancelled it and why, if it was cancelled.
    pub cancel: Option<Actor>,
    /// In the order of the definition.
    pub steps: Vec<StepState>,
}

/// The phase of a saga.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Executing its steps.
    Running,
    /// Undoing its steps in reverse order.
    Compensating {
        /// Why.
        reason: String,
    },
    /// It has ended.
    Ended(SagaOutcome),
}

/// The end of a saga. There is exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SagaOutcome {
    /// Every step took effect.
    Completed,
    /// Every effect is undone.
    Compensated,
    /// An operator closed it.
    Failed,
}

/// The state of one step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each recorded on its own in the saga log"
)]
pub struct StepState {
    /// Its status.
    pub status: StepStatus,
    /// The number of tries, of the action or of its compensation, since compensation started or an operator resumed the
    /// saga.
    pub attempts: u32,
    /// How many of these tries failed. The others were interrupted, for example by the end of a process, and do not count
    /// against the limit of tries.
    #[serde(default)]
    pub failures: u32,
    /// How many intents to call the action were recorded under the current key.
    pub calls: u32,
    /// Whether the action may have taken effect, or may still do so.
    pub unresolved: bool,
    /// Whether it was declined, which closed its key.
    #[serde(default)]
    pub is_declined: bool,
    /// Whether it was undone at a provider that still accepts the action under its key.
    pub is_key_open: bool,
    /// Whether the action took effect; stays when it is undone.
    pub completed: bool,
    /// The part of its key that is incremented when an operator asks for another try after a decline.
    pub epoch: u32,
    /// When its action is given up.
    pub deadline: Option<DateTime<Utc>>,
    /// When the next try is due.
    pub retry_at: Option<DateTime<Utc>>,
    /// Why the last try failed.
    pub reason: Option<String>,
}

/// The status of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepStatus {
    /// Not started.
    #[default]
    Pending,
    /// The intent to call is recorded; there is no result yet.
    Calling,
    /// It had no effect; it will be tried again.
    Waiting,
    /// The outcome is unknown; the provider will be asked.
    Unknown,
    /// It took effect.
    Done,
    /// It will not be tried again.
    GivenUp,
    /// The intent to call its compensation is recorded.
    Compensating,
    /// Its compensation will be tried again.
    CompensationWaiting,
    /// It is undone, but the provider could not close the key: its compensation will be tried again.
    KeyOpen,
    /// It is undone, and its key is closed.
    Compensated,
}

impl<S: Saga> Default for SagaState<S> {
    fn default() -> Self {
        Self {
            version: Version::NONE,
            run: None,
            corruption: None,
        }
    }
}

impl<S: Saga> SagaState<S> {
    /// How many events it has.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The saga, if it has started and this binary has its definition.
    #[must_use]
    pub fn run(&self) -> Option<&Run<S>> {
        self.run
            .as_ref()
            .filter(|run| run.definition_of().is_some())
    }

    /// The saga, if it has started. Without its definition only what every definition shares is known.
    pub(super) fn started_run(&self) -> Option<&Run<S>> {
        self.run.as_ref()
    }

    /// The version of the saga's definition, if this binary does not have it.
    #[must_use]
    pub fn unsupported(&self) -> Option<UnsupportedDefinition> {
        let run = self.run.as_ref()?;
        run.definition_of()
            .is_none()
            .then(|| UnsupportedDefinition {
                version: run.definition,
                supported: S::DEFINITIONS.iter().map(|one| one.definition).collect(),
            })
    }

    /// The illegal transition in the stream, if there is one.
    #[must_use]
    pub fn corruption(&self) -> Option<&str> {
        self.corruption.as_deref()
    }

    /// Applies one event, if the transition is legal.
    ///
    /// # Errors
    /// [`IllegalTransition`]; the state is unchanged.
    pub fn apply(
        &mut self,
        event: &EventOf<S>,
        at: DateTime<Utc>,
    ) -> Result<(), IllegalTransition> {
        match (&mut self.run, event) {
            (None, SagaEvent::Started(started)) => {
                self.run = Some(Run::begin(started, at));
                Ok(())
            }
            (None, event) => Err(illegal(event, "a saga that has not started")),
            (Some(_), event @ SagaEvent::Started(_)) => {
                Err(illegal(event, "a saga that has started"))
            }
            (Some(run), event) if run.definition_of().is_none() => {
                run.follow_ends(event);
                Ok(())
            }
            (Some(run), event) => run.apply(event),
        }
    }
}

impl<S: Saga> Aggregate for SagaState<S> {
    const TYPE: &'static str = S::STREAM;
    const SNAPSHOT_VERSION: u32 = {
        assert!(
            S::SNAPSHOT_VERSION < PER_STATE_VERSION,
            "the snapshot version of a saga must be below 1000"
        );
        STATE_VERSION * PER_STATE_VERSION + S::SNAPSHOT_VERSION
    };
    type Event = EventOf<S>;

    fn evolve(&mut self, event: &EventOf<S>, at: DateTime<Utc>) {
        self.version = self.version.next();
        if let Err(error) = self.apply(event, at) {
            // The first is the cause: the events after it may be illegal only because it was not applied.
            let version = self.version.0;
            self.corruption
                .get_or_insert_with(|| format!("version {version}: {error}"));
        }
        if let Some(run) = &mut self.run {
            run.updated_at = at;
        }
    }

    fn may_be_snapshotted(&self) -> bool {
        // Without the definition the steps are not followed: a binary that has it must not read such a snapshot.
        self.corruption.is_none() && self.unsupported().is_none()
    }
}

impl<S: Saga> Run<S> {
    /// The definition that it runs by; none if this binary no longer has it.
    #[must_use]
    pub fn definition_of(&self) -> Option<&'static SagaDefinition<S>> {
        S::definition_of(self.definition)
    }

    /// The step of an index, with its state.
    #[must_use]
    pub fn step(&self, index: usize) -> Option<(&'static Step<S>, &StepState)> {
        Some((
            self.definition_of()?.steps().nth(index)?,
            self.steps.get(index)?,
        ))
    }

    /// The key of a step at its provider.
    #[must_use]
    pub fn key(&self, index: usize) -> Option<OperationKey> {
        let (step, state) = self.step(index)?;
        Some(OperationKey::new(&self.saga_id, step.name, state.epoch))
    }

    /// Whether the saga can no longer be compensated: its pivot is done. In a definition without a pivot the last step that
    /// can be undone decides, unless the saga was cancelled before.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        let pivot = self.definition_of().map_or(0, SagaDefinition::pivot);
        let is_done = |step: &StepState| step.status == StepStatus::Done;
        match self.step(pivot) {
            Some((step, state)) if step.role == Role::Pivot => is_done(state),
            _ => self.cancel.is_none() && self.steps.iter().take(pivot).all(is_done),
        }
    }

    /// Whether a step must be undone before the saga can end as compensated.
    #[must_use]
    pub fn needs_undo(&self, index: usize) -> bool {
        let Some((step, state)) = self.step(index) else {
            return false;
        };
        step.can_be_undone()
            && match state.status {
                StepStatus::Pending | StepStatus::Compensated => false,
                StepStatus::Waiting | StepStatus::GivenUp => state.unresolved,
                StepStatus::Calling
                | StepStatus::Unknown
                | StepStatus::Done
                | StepStatus::Compensating
                | StepStatus::CompensationWaiting
                | StepStatus::KeyOpen => true,
            }
    }

    /// The steps with a recorded intent and no result yet.
    pub fn open_intents(&self) -> impl Iterator<Item = usize> + '_ {
        self.steps.iter().enumerate().filter_map(|(index, step)| {
            matches!(step.status, StepStatus::Calling | StepStatus::Compensating).then_some(index)
        })
    }

    /// Why it compensates; empty if it does not.
    #[must_use]
    pub fn reason(&self) -> &str {
        match &self.phase {
            Phase::Compensating { reason } => reason,
            Phase::Running | Phase::Ended(_) => "",
        }
    }

    /// Whether it continues without an operator.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.suspended.is_none() && !matches!(self.phase, Phase::Ended(_))
    }
}
