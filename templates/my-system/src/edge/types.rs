//! The types of the schema.

use async_graphql::{Enum, ID, SimpleObject};
use sagas::{OperatorAction, Summary};

use crate::account::Account;
use crate::accounts::AccountRow;

#[derive(Debug, SimpleObject)]
#[graphql(name = "Account")]
pub(super) struct AccountObject {
    id: ID,
    owner: String,
    cents: i64,
}

impl AccountObject {
    pub(super) fn after(id: String, account: Account) -> Self {
        Self {
            id: ID(id),
            owner: account.owner.unwrap_or_default(),
            cents: account.cents,
        }
    }
}

impl From<AccountRow> for AccountObject {
    fn from(row: AccountRow) -> Self {
        Self {
            id: ID(row.id),
            owner: row.owner,
            cents: row.cents,
        }
    }
}

/// A saga as operators see it.
#[derive(Debug, SimpleObject)]
#[graphql(name = "Saga")]
pub(super) struct SagaObject {
    id: ID,
    #[graphql(name = "type")]
    saga_type: &'static str,
    /// What it is about.
    subject: String,
    status: &'static str,
    current_step: Option<&'static str>,
    completed_steps: Vec<&'static str>,
    compensated_steps: Vec<&'static str>,
    /// Why it was compensated, suspended or closed.
    failure: Option<String>,
    /// Tries of the current step.
    attempts: u32,
}

impl From<Summary> for SagaObject {
    fn from(saga: Summary) -> Self {
        Self {
            id: ID(saga.saga_id),
            saga_type: saga.saga_type,
            subject: saga.subject,
            status: saga.status.name(),
            current_step: saga.current_step,
            completed_steps: saga.completed_steps,
            compensated_steps: saga.compensated_steps,
            failure: saga.failure,
            attempts: saga.attempts,
        }
    }
}

/// What an operator does to a saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(super) enum SagaAction {
    /// A suspended saga continues.
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

impl From<SagaAction> for OperatorAction {
    fn from(action: SagaAction) -> Self {
        match action {
            SagaAction::Resume => Self::Resume,
            SagaAction::Retry => Self::Retry,
            SagaAction::Cancel => Self::Cancel,
            SagaAction::Resolve => Self::Resolve,
            SagaAction::Close => Self::Close,
        }
    }
}
