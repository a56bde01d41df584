//! One type of sagas, erased, so that a process can treat all of its types alike.

use std::fmt;

use event_sourcing::execute::{Command, DecideError, Lane, States, UnitOfWork};
use event_sourcing::{Actor, Aggregate, Executor, StoreError, StreamId};
use futures::future::BoxFuture;

use crate::definition::Saga;
use crate::operator::{ActionRejected, OperatorAction, OperatorCommand};
use crate::state::SagaState;
use crate::summary::Summary;

type Summarize =
    for<'a> fn(&'a Executor, &'a str) -> BoxFuture<'a, Result<Option<Summary>, StoreError>>;
type Decide =
    fn(&SagaAction, &mut UnitOfWork<'_, ActionRejected>) -> Result<(), DecideError<ActionRejected>>;

/// A type of sagas.
#[derive(Clone, Copy)]
pub(crate) struct SagaType {
    pub(crate) name: &'static str,
    pub(crate) stream: fn(&str) -> StreamId,
    pub(crate) summarize: Summarize,
    lane: fn(&str) -> Lane,
    decide: Decide,
    reply: fn(&str, &States) -> Option<Summary>,
}

impl fmt::Debug for SagaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl SagaType {
    pub(crate) fn of<S: Saga>() -> Self {
        Self {
            name: S::NAME,
            stream: SagaState::<S>::stream,
            summarize: |executor, id| Box::pin(summarize::<S>(executor, id)),
            lane: |id| Lane::write::<SagaState<S>>(id),
            decide: |action, work| action.typed::<S>().decide(work),
            reply: |id, states| states.get::<SagaState<S>>(id)?.0.summary(),
        }
    }
}

async fn summarize<S: Saga>(executor: &Executor, id: &str) -> Result<Option<Summary>, StoreError> {
    let (state, _) = executor.load_latest::<SagaState<S>>(id).await?;
    // A list reads thousands of sagas that have been inactive for long. They must not evict states in use.
    executor.evict::<SagaState<S>>(id);
    Ok(state.summary())
}

/// An [`OperatorCommand`] on a saga of any type of a directory. Replies with the saga's summary.
#[derive(Clone, Debug)]
pub struct SagaAction {
    pub(crate) saga_type: SagaType,
    pub(crate) saga_id: String,
    pub(crate) action: OperatorAction,
    pub(crate) actor: Actor,
}

impl SagaAction {
    fn typed<S: Saga>(&self) -> OperatorCommand<S> {
        OperatorCommand::new(self.saga_id.as_str(), self.action, self.actor.clone())
    }
}

impl Command for SagaAction {
    const NAME: &'static str = "act_on_saga";
    type Rejection = ActionRejected;
    type Reply = Summary;

    fn operation(&self) -> &'static str {
        self.action.operation()
    }

    fn streams(&self) -> Vec<Lane> {
        vec![(self.saga_type.lane)(&self.saga_id)]
    }

    fn decide(
        &self,
        work: &mut UnitOfWork<'_, ActionRejected>,
    ) -> Result<(), DecideError<ActionRejected>> {
        (self.saga_type.decide)(self, work)
    }

    fn reply(&self, states: &States) -> Option<Summary> {
        (self.saga_type.reply)(&self.saga_id, states)
    }
}
