//! The progress of sagas.

use async_graphql::{ID, SimpleObject};
use contract::query;
use graphql_http::{ApiError, DateTime};

use super::super::convert::from_micros;
use super::status::SagaStatus;

/// The latest saga of an order, which fulfils or cancels it.
#[derive(Debug, SimpleObject)]
pub struct SagaState {
    /// `order` (it fulfils the order) or `cancel_order` (it undoes a fulfilled one).
    #[graphql(name = "type")]
    saga_type: String,
    /// The `SagaStatus` in lower case.
    state: &'static str,
    /// How far the saga is.
    status: SagaStatus,
    /// The step that is being executed or compensated, such as `process_payment`; null if there is none.
    current_step: Option<String>,
    /// The steps that took effect, in their order. A step stays in this list when it is compensated.
    completed_steps: Vec<String>,
    /// The steps whose effect was compensated, in the order of their compensation.
    compensated_steps: Vec<String>,
    /// Why it compensates, failed or is suspended; null if nothing failed.
    failure_reason: Option<String>,
    /// The time of its start.
    started_at: DateTime,
    /// The time of its end; null while it runs.
    completed_at: Option<DateTime>,
}

/// The latest saga of an order, which fulfils or cancels it, with its id.
#[derive(Debug, SimpleObject)]
pub struct SagaStatusInfo {
    /// The id of the saga.
    saga_id: ID,
    /// `order` (it fulfils the order) or `cancel_order` (it undoes a fulfilled one).
    #[graphql(name = "type")]
    saga_type: String,
    /// The `SagaStatus` in lower case.
    state: &'static str,
    /// The step that is being executed or compensated, such as `process_payment`; null if there is none.
    current_step: Option<String>,
    /// The steps that took effect, in their order. A step stays in this list when it is compensated.
    completed_steps: Vec<String>,
    /// The steps whose effect was compensated, in the order of their compensation.
    compensated_steps: Vec<String>,
    /// Why it compensates, failed or is suspended; null if nothing failed.
    error: Option<String>,
    /// The time of its start.
    started_at: DateTime,
    /// The time of its end; null while it runs.
    completed_at: Option<DateTime>,
}

impl SagaState {
    /// From the read side.
    ///
    /// # Errors
    /// It has no status, or a time is outside the calendar.
    pub fn from_row(row: query::Saga) -> Result<Self, ApiError> {
        let status = SagaStatus::from_number(row.status)?;
        Ok(Self {
            saga_type: row.r#type,
            state: status.lower_case(),
            status,
            current_step: row.current_step,
            completed_steps: row.completed_steps,
            compensated_steps: row.compensated_steps,
            failure_reason: row.failure_reason,
            started_at: from_micros(row.started_at_micros)?,
            completed_at: row.completed_at_micros.map(from_micros).transpose()?,
        })
    }
}

impl SagaStatusInfo {
    /// From the read side.
    ///
    /// # Errors
    /// It has no status, or a time is outside the calendar.
    pub fn from_row(mut row: query::Saga) -> Result<Self, ApiError> {
        let saga_id = ID(std::mem::take(&mut row.id));
        let state = SagaState::from_row(row)?;
        Ok(Self {
            saga_id,
            saga_type: state.saga_type,
            state: state.state,
            current_step: state.current_step,
            completed_steps: state.completed_steps,
            compensated_steps: state.compensated_steps,
            error: state.failure_reason,
            started_at: state.started_at,
            completed_at: state.completed_at,
        })
    }
}
