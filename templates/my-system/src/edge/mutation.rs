//! Commands.

use async_graphql::{Context, ID, Object};
use event_sourcing::{Actor, CommandId};
use graphql_http::{ApiError, Code, ForAdmins};

use super::answers::unavailable;
use super::execute::execute;
use super::resolvers::Edge;
use super::types::{AccountObject, SagaAction, SagaObject};
use crate::account::{Deposit, OpenAccount, PayOut};
use crate::payout::{Payout, PayoutData};

#[derive(Debug)]
pub(super) struct Mutation;

/// Derived from the command id, so that a repeat names the same stream.
fn new_id(command: CommandId) -> String {
    command.derive("id").to_string()
}

#[Object]
impl Mutation {
    #[graphql(directive = ForAdmins::apply())]
    async fn open_account(
        &self,
        context: &Context<'_>,
        owner: String,
    ) -> Result<AccountObject, ApiError> {
        let mut id = String::new();
        let done = execute(context, |command| {
            id = new_id(command);
            let id = id.clone();
            OpenAccount { id, owner }
        });
        let account = done.await?.reply;
        Ok(AccountObject::after(id, account))
    }

    #[graphql(directive = ForAdmins::apply())]
    async fn deposit(
        &self,
        context: &Context<'_>,
        account: ID,
        cents: i32,
    ) -> Result<AccountObject, ApiError> {
        let (id, cents) = (account.0, cents.into());
        let command = Deposit { id, cents };
        let id = command.id.clone();
        let done = execute(context, |_| command).await?;
        Ok(AccountObject::after(id, done.reply))
    }

    /// Starts the payout. Follow it by its id.
    #[graphql(directive = ForAdmins::apply())]
    async fn pay_out(
        &self,
        context: &Context<'_>,
        account: ID,
        cents: i32,
        iban: String,
    ) -> Result<SagaObject, ApiError> {
        let data = PayoutData {
            account: account.0,
            cents: cents.into(),
            iban,
            reference: None,
        };
        let done = execute(context, |command| {
            let id = new_id(command);
            PayOut { id, data }
        });
        let done = done.await?;
        let engine = context.data_unchecked::<Edge>().sagas.engine();
        engine.on_started::<Payout>(&done.reply.saga_id, done.position);
        Ok(done.reply.into())
    }

    /// An operator's action on a saga. Who took it, and why, is an event.
    #[graphql(directive = ForAdmins::apply())]
    async fn act_on_saga(
        &self,
        context: &Context<'_>,
        id: ID,
        action: SagaAction,
        who: String,
        reason: String,
    ) -> Result<SagaObject, ApiError> {
        for (field, text) in [("who", &who), ("reason", &reason)] {
            if text.trim().is_empty() {
                return Err(ApiError::invalid(field, "must not be empty"));
            }
        }
        let sagas = &context.data_unchecked::<Edge>().sagas;
        let found = sagas.find(&id).await.map_err(|error| unavailable(&error))?;
        let found = found.ok_or_else(|| ApiError::not_found("saga", "id", &id))?;
        let actor = Actor { id: who, reason };
        let command = sagas.action(&found, action.into(), actor);
        let command = command
            .ok_or_else(|| ApiError::new(Code::NotFound, "the saga is of an unknown type"))?;
        let done = execute(context, |_| command).await?;
        // Only saves time: the engine also reads the action from the log.
        sagas.engine().wake(&id);
        Ok(done.reply.into())
    }
}
