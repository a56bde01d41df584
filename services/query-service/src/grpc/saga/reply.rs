//! Sagas as messages.

use contract::query::{self, Saga, SagaListResponse};
use sagas::SagaStatus;

use super::super::reply::{MICROS, MessageBudget};
use crate::projections::SagaRow;
use crate::queries::List;

pub(super) fn saga(row: &SagaRow) -> Saga {
    Saga {
        id: row.id.clone(),
        r#type: row.saga_type.clone(),
        order_id: row.order_id.clone(),
        status: status(row.status).into(),
        current_step: row.current_step.clone(),
        completed_steps: row.completed_steps.clone(),
        compensated_steps: row.compensated_steps.clone(),
        failure_reason: row.failure_reason().map(str::to_owned),
        started_at: row.started_at.div_euclid(MICROS),
        completed_at: row.completed_at.map_or(0, |at| at.div_euclid(MICROS)),
        started_at_micros: row.started_at,
        completed_at_micros: row.completed_at,
        updated_at_micros: row.updated_at,
    }
}

fn status(status: SagaStatus) -> query::SagaStatus {
    match status {
        SagaStatus::Started => query::SagaStatus::Started,
        SagaStatus::Running => query::SagaStatus::Running,
        SagaStatus::Compensating => query::SagaStatus::Compensating,
        SagaStatus::Completed => query::SagaStatus::Completed,
        SagaStatus::Failed => query::SagaStatus::Failed,
        SagaStatus::Compensated => query::SagaStatus::Compensated,
        SagaStatus::Suspended => query::SagaStatus::Suspended,
    }
}

pub(super) fn list(list: &List<SagaRow>) -> SagaListResponse {
    let mut sagas = list.rows.iter().map(|row| saga(row)).collect();
    let is_cut = MessageBudget::new().fit(&mut sagas);
    SagaListResponse {
        sagas,
        truncated: list.is_truncated || is_cut,
    }
}
