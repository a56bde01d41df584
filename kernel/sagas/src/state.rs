//! Where a saga stands, folded from its stream, and which moves are legal from there.
//!
//! ```text
//!   step, forwards                                          step, backwards
//!
//!   Pending ──► Calling ──► Done ───────────────┐
//!      │         │ ▲  │                         │
//!      │         ▼ │  └───► GaveUp ──(unless it │──► Undoing ──► Undone
//!      │     Waiting,       is known that it    │      │ ▲
//!      │     Unknown        did not happen)─────┘      ▼ │
//!      └──────────────────► Done  (local steps)     UndoWaiting
//!
//!   saga    Forward ──► Completed
//!              └──────► Backward ──► Compensated        a suspended one may be Failed by a person
//! ```

use chrono::{DateTime, Utc};
use event_sourcing::aggregate::Aggregate;
use event_sourcing::event::Metadata;
use event_sourcing::id::Version;
use serde::{Deserialize, Serialize};

use super::definition::{EventOf, Role, Saga, SagaDefinition, Step};
use super::event::SagaEvent;
use super::moves::{IllegalMove, illegal};
use super::operation::OperationKey;
use event_sourcing::Actor;

/// A saga's state. Before its first event there is no run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct SagaState<S: Saga> {
    version: Version,
    run: Option<Run<S>>,
    /// What the stream says that no saga can do. Nothing more is done with it. Never part of a snapshot: it is this
    /// binary's opinion, and another one may read the same stream without it.
    #[serde(skip)]
    corruption: Option<String>,
}

/// A saga that has begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Run<S: Saga> {
    /// Its id.
    pub saga_id: String,
    /// What it is about.
    pub subject: String,
    /// The version of its table.
    pub definition: u32,
    /// The partition whose owner runs it.
    pub partition: u16,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// The time of its last event.
    pub updated_at: DateTime<Utc>,
    /// Why it went backwards or was closed, if it was.
    pub failure: Option<String>,
    /// What it began with, and what its steps added.
    pub data: S::Data,
    /// The request that led to it.
    pub origin: Metadata,
    /// Which way it goes.
    pub phase: Phase,
    /// The step that a person must look at, if it waits for one.
    pub suspended: Option<usize>,
    /// Who wants it undone, if somebody does.
    pub cancel: Option<Actor>,
    /// In the order of the table.
    pub steps: Vec<StepState>,
}

/// Which way a saga goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// From step to step.
    Running,
    /// Undoing.
    Compensating {
        /// Why.
        reason: String,
    },
    /// Nowhere.
    Ended(SagaOutcome),
}

/// The one end that a saga has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SagaOutcome {
    /// Every step took effect.
    Completed,
    /// Nothing of it is left.
    Compensated,
    /// A person closed it.
    Failed,
}

/// Where one step stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each of which the ledger tells by itself"
)]
pub struct StepState {
    /// What happened last.
    pub status: StepStatus,
    /// How many tries there were, of the action or of its compensation, since the last change of direction or
    /// resumption by a person.
    pub attempts: u32,
    /// How many of these tries failed. The others were cut off, by the end of a process for example, and are not held
    /// against the step.
    #[serde(default)]
    pub failures: u32,
    /// How many calls of the action were announced under the present key.
    pub calls: u32,
    /// Whether the action may yet turn out to have happened, or may still happen.
    pub unresolved: bool,
    /// Whether it was refused for good, which closed its key.
    #[serde(default)]
    pub is_declined: bool,
    /// Whether it was undone at a provider that still accepts the action under its key.
    pub is_key_open: bool,
    /// Whether the action took effect; stays when it is undone.
    pub completed: bool,
    /// The part of its key that grows when a person asks for another try after a refusal.
    pub epoch: u32,
    /// When its action gives up.
    pub deadline: Option<DateTime<Utc>>,
    /// When the next try is due.
    pub retry_at: Option<DateTime<Utc>>,
    /// What stood against it last.
    pub reason: Option<String>,
}

/// What happened to a step last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepStatus {
    /// Nothing.
    #[default]
    Pending,
    /// Its call was announced; there is no word yet.
    Calling,
    /// It did not happen; it will be tried again.
    Waiting,
    /// The word was lost; the provider will be asked.
    Unknown,
    /// It took effect.
    Done,
    /// It will not be tried again.
    GivenUp,
    /// The call of its compensation was announced.
    Compensating,
    /// Its compensation will be tried again; `KeyOpen` if only the key is still open.
    CompensationWaiting,
    /// As [`StepStatus::CompensationWaiting`], undone, but the provider cannot close the key.
    KeyOpen,
    /// Undone, and closed.
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

    /// The saga, if it has begun.
    #[must_use]
    pub fn run(&self) -> Option<&Run<S>> {
        self.run.as_ref()
    }

    /// What is wrong with the stream, if anything is.
    #[must_use]
    pub fn corruption(&self) -> Option<&str> {
        self.corruption.as_deref()
    }

    /// Moves by one event, if the move is legal.
    ///
    /// # Errors
    /// [`IllegalMove`]; the state is as before.
    pub fn apply(&mut self, event: &EventOf<S>, at: DateTime<Utc>) -> Result<(), IllegalMove> {
        match (&mut self.run, event) {
            (None, SagaEvent::Started(started)) => {
                self.run = Some(Run::begin(started, at)?);
                Ok(())
            }
            (None, event) => Err(illegal(event, "a saga that has not begun")),
            (Some(_), event @ SagaEvent::Started(_)) => {
                Err(illegal(event, "a saga that has begun"))
            }
            (Some(run), event) => run.apply(event),
        }
    }
}

impl<S: Saga> Aggregate for SagaState<S> {
    const TYPE: &'static str = S::STREAM;
    const SNAPSHOT_VERSION: u32 = 2;
    type Event = EventOf<S>;

    fn evolve(&mut self, event: &EventOf<S>, at: DateTime<Utc>) {
        self.version = self.version.next();
        if let Err(error) = self.apply(event, at) {
            self.corruption = Some(format!("version {}: {error}", self.version.0));
        }
        if let Some(run) = &mut self.run {
            run.updated_at = at;
        }
    }

    fn may_be_snapshotted(&self) -> bool {
        self.corruption.is_none()
    }
}

impl<S: Saga> Run<S> {
    /// The table that it runs by; none if this binary no longer has it.
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

    /// Whether the saga can no longer go backwards: its pivot is done. In a table without a pivot the last step that
    /// can be undone decides, unless somebody had asked to cancel before.
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

    /// The steps whose calls were announced, and of which there is no word yet.
    pub fn announced(&self) -> impl Iterator<Item = usize> + '_ {
        self.steps.iter().enumerate().filter_map(|(index, step)| {
            matches!(step.status, StepStatus::Calling | StepStatus::Compensating).then_some(index)
        })
    }

    /// Why it goes backwards; empty if it does not.
    #[must_use]
    pub fn reason(&self) -> &str {
        match &self.phase {
            Phase::Compensating { reason } => reason,
            Phase::Running | Phase::Ended(_) => "",
        }
    }

    /// Whether it goes on by itself.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.suspended.is_none() && !matches!(self.phase, Phase::Ended(_))
    }
}
