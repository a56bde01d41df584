//! Sagas, one row each.
//!
//! The row is folded from the events alone, without the saga definition. So a step is current from its first event
//! on; a local step that succeeds is never current, because its completion is its only event.
//!
//! A saga's row changes with each of its events, so no index contains a column that changes before the saga ends (which
//! keeps updates cheap). There are few open sagas at any time: they share one index, and lists filter it by status and
//! step.

use domain::fulfilment::SAGA_STREAMS;
use event_sourcing::projection::{EventContext, Handlers};
use event_sourcing::{Projection, StoredEvent};
use read_model_sql::TableProjection;
use sagas::event::{ResumeKind, Started};
use sagas::{AnySagaEvent, SagaEvent, SagaStatus, event_filter};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default)]
pub struct Sagas;

/// The row of a saga. Times are in microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SagaRow {
    pub id: String,
    pub saga_type: String,
    pub order_id: String,
    /// The status that clients see.
    pub status: SagaStatus,
    /// The status disregarding a suspension.
    pub progress: SagaStatus,
    /// The final status, once the saga has ended.
    pub ended_as: Option<SagaStatus>,
    /// The first of the open steps.
    pub current_step: Option<String>,
    /// The steps that were started and are neither completed nor compensated yet, the current one first.
    pub open_steps: Vec<OpenStep>,
    /// In the order of completion. Compensated steps stay in the list.
    pub completed_steps: Vec<String>,
    /// In the order of compensation.
    pub compensated_steps: Vec<String>,
    /// Why compensation started, or why the saga was closed as failed.
    pub turn_reason: Option<String>,
    /// Why it is suspended.
    pub suspension_reason: Option<String>,
    pub suspended_at: Option<i64>,
    /// The position of its first event. It identifies the latest of an order's sagas independently of clocks.
    pub started_position: i64,
    /// The time of its first event.
    pub started_at: i64,
    /// The time of its end.
    pub completed_at: Option<i64>,
    /// The time of its last event.
    pub updated_at: i64,
}

/// A step in progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenStep {
    pub step: String,
    /// The number of the attempt, of its action or of its compensation.
    pub attempt: u32,
    /// When the next attempt is due, if known.
    pub retry_at: Option<i64>,
    /// The reason of the last failure.
    pub reason: Option<String>,
}

impl TableProjection for Sagas {
    const DDL: &'static str = "
        CREATE TABLE {table} (
            id {text} PRIMARY KEY,
            saga_type {text} NOT NULL,
            order_id {text} NOT NULL,
            status {text} NOT NULL,
            progress {text} NOT NULL,
            ended_as {text},
            current_step {text},
            open_steps {text} NOT NULL,
            completed_steps {text} NOT NULL,
            compensated_steps {text} NOT NULL,
            turn_reason {text},
            suspension_reason {text},
            suspended_at bigint,
            started_position bigint NOT NULL,
            started_at bigint NOT NULL,
            completed_at bigint,
            updated_at bigint NOT NULL
        ) {fillfactor};
        CREATE INDEX {table}_by_order ON {table} (order_id, started_position);
        CREATE INDEX {table}_by_time ON {table} (started_at, id);
        CREATE INDEX {table}_open ON {table} (started_at, id) WHERE ended_as IS NULL;
        CREATE INDEX {table}_by_end ON {table} (ended_as, started_at, id) WHERE ended_as IS NOT NULL;";

    fn key(row: &SagaRow) -> &str {
        &row.id
    }
}

impl Projection for Sagas {
    const NAME: &'static str = "sagas";
    const SCHEMA_VERSION: u32 = 1;
    type Row = SagaRow;

    fn handlers(on: &mut Handlers<Self>) {
        let sagas = event_filter(&SAGA_STREAMS, AnySagaEvent::TYPES);
        on.events::<AnySagaEvent>(sagas, fold);
    }
}

fn fold(row: Option<SagaRow>, event: &AnySagaEvent, context: EventContext<'_>) -> Option<SagaRow> {
    match event {
        SagaEvent::Started(data) => Some(SagaRow::started(data, context)),
        event => row.map(|mut row| {
            row.updated_at = context.recorded_at_micros();
            row.apply(event);
            row.with_status()
        }),
    }
}

impl SagaRow {
    /// Computes the derived columns.
    fn with_status(mut self) -> Self {
        self.status = if self.suspended_at.is_some() {
            SagaStatus::Suspended
        } else {
            self.progress
        };
        self.ended_as = Some(self.progress).filter(|progress| progress.is_end());
        self.current_step = self.open_steps.first().map(|open| open.step.clone());
        self
    }

    /// Why the saga is suspended, else why it started compensation.
    #[must_use]
    pub fn failure_reason(&self) -> Option<&str> {
        let suspension = self.suspension_reason.as_deref();
        suspension.or(self.turn_reason.as_deref())
    }

    fn started<D>(data: &Started<D>, context: EventContext<'_>) -> Self {
        let at = context.recorded_at_micros();
        Self {
            id: data.saga_id.clone(),
            saga_type: data.saga_type.clone(),
            order_id: data.subject.clone(),
            status: SagaStatus::Started,
            progress: SagaStatus::Started,
            ended_as: None,
            current_step: None,
            open_steps: Vec::new(),
            completed_steps: Vec::new(),
            compensated_steps: Vec::new(),
            turn_reason: None,
            suspension_reason: None,
            suspended_at: None,
            started_position: context.position(),
            started_at: at,
            completed_at: None,
            updated_at: at,
        }
    }

    fn apply(&mut self, event: &AnySagaEvent) {
        match event {
            // The start is handled by the caller. A cancel request takes effect when compensation starts.
            SagaEvent::Started(_) | SagaEvent::CancelRequested(_) => {}
            SagaEvent::StepStarted(data) => {
                self.run();
                let open = self.open(&data.step);
                (open.attempt, open.retry_at) = (data.attempt, None);
            }
            SagaEvent::StepFailed(data) => {
                self.run();
                let open = self.open(&data.step);
                open.attempt = data.attempt;
                open.retry_at = data.retry_at.map(|at| at.timestamp_micros());
                open.reason = Some(data.reason.clone());
            }
            SagaEvent::StepCompleted(data) => {
                self.run();
                self.close(&data.step);
                note(&mut self.completed_steps, &data.step);
            }
            SagaEvent::StepCompensated(data) => {
                self.close(&data.step);
                note(&mut self.compensated_steps, &data.step);
            }
            SagaEvent::CompensationStarted(data) => {
                self.progress = SagaStatus::Compensating;
                self.turn_reason = Some(data.reason.clone());
                self.open_steps.clear();
            }
            SagaEvent::Completed(_) => self.end(SagaStatus::Completed),
            SagaEvent::Compensated(_) => self.end(SagaStatus::Compensated),
            SagaEvent::Failed(data) => {
                self.end(SagaStatus::Failed);
                self.turn_reason = Some(data.actor.reason.clone());
            }
            SagaEvent::Suspended(data) => {
                self.suspended_at = Some(self.updated_at);
                self.suspension_reason = Some(data.reason.clone());
                self.put_first(&data.step);
            }
            SagaEvent::Resumed(data) => self.resume(data.action, data.step.as_deref()),
        }
    }

    /// Marks the saga as running once its first step has started.
    fn run(&mut self) {
        if self.progress == SagaStatus::Started {
            self.progress = SagaStatus::Running;
        }
    }

    fn end(&mut self, end: SagaStatus) {
        self.progress = end;
        self.completed_at = Some(self.updated_at);
        self.open_steps.clear();
        (self.suspended_at, self.suspension_reason) = (None, None);
    }

    /// Makes waiting retries due immediately. After a suspension the step that caused it starts counting attempts
    /// again.
    fn resume(&mut self, action: ResumeKind, only: Option<&str>) {
        let was_suspended = self.suspended_at.take().is_some();
        self.suspension_reason = None;
        for (index, open) in self.open_steps.iter_mut().enumerate() {
            if only.is_some_and(|only| only != open.step) {
                continue;
            }
            open.retry_at = None;
            if was_suspended && index == 0 && action == ResumeKind::Resume {
                open.attempt = 0;
            }
        }
    }

    fn open(&mut self, step: &str) -> &mut OpenStep {
        let steps = &mut self.open_steps;
        let place = steps.iter().position(|open| open.step == step);
        let place = place.unwrap_or_else(|| {
            steps.push(OpenStep {
                step: step.to_owned(),
                attempt: 0,
                retry_at: None,
                reason: None,
            });
            steps.len() - 1
        });
        &mut steps[place]
    }

    fn put_first(&mut self, step: &str) {
        let open = self.open(step).clone();
        self.close(step);
        self.open_steps.insert(0, open);
    }

    fn close(&mut self, step: &str) {
        self.open_steps.retain(|open| open.step != step);
    }
}

fn note(steps: &mut Vec<String>, step: &str) {
    if !steps.iter().any(|noted| noted == step) {
        steps.push(step.to_owned());
    }
}
