//! The sagas of this service: told of what was committed, found, shown, and acted on.

use std::sync::Arc;

use contract::business::ErrorType;
use contract::proto::Error;
use contract::status::Reason;
use domain::fulfilment::{CancelOrderSaga, OrderSaga};
use domain::order::Order;
use domain::value::{EntityId, OrderStatus};
use event_sourcing::saga::{Act, Person, PersonActs, Saga, SagaEngine, SagaState, Summary};
use event_sourcing::{Aggregate, Envelope, EventStore, Executor, StoreError, StreamId, Version};
use tonic::{Request, Status};

use crate::bus::{CommandBus, Heard, internal};
use crate::commands::OrderAnswer;

/// How many events of a saga are shown at once.
const HISTORY: usize = 1_000;

/// The sagas of this service.
#[derive(Clone, Debug)]
pub struct Fulfilments {
    pub(super) engine: SagaEngine,
    executor: Arc<Executor>,
    store: Store,
}

/// The event store, which has no debug form.
#[derive(Clone)]
struct Store(Arc<dyn EventStore>);

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EventStore")
    }
}

/// That there is no such saga.
#[must_use]
pub fn no_saga(id: &str) -> Error {
    ErrorType::NotFound.error(format!("saga {id} does not exist"))
}

impl Fulfilments {
    /// Those that `engine` runs.
    #[must_use]
    pub fn new(engine: SagaEngine, executor: Arc<Executor>, store: Arc<dyn EventStore>) -> Self {
        Self {
            engine,
            executor,
            store: Store(store),
        }
    }

    /// An order was placed, perhaps.
    pub fn placed(&self, heard: &Heard<OrderAnswer>) {
        if let (Ok(answer), Some(position)) = (&heard.result, heard.position) {
            let saga_id = answer.values.saga_id.as_str();
            self.engine.begun::<OrderSaga>(saga_id, position);
        }
    }

    /// A cancellation was asked for, perhaps: it turned the order's saga round, or began another.
    pub fn cancelled(&self, heard: &Heard<OrderAnswer>) {
        let (Ok(answer), Some(position)) = (&heard.result, heard.position) else {
            return;
        };
        let saga_id = answer.values.saga_id.as_str();
        if answer.values.status == OrderStatus::Confirmed && !heard.unchanged {
            self.engine.begun::<CancelOrderSaga>(saga_id, position);
        } else {
            self.engine.touched(saga_id);
        }
    }

    /// A saga of either kind.
    ///
    /// # Errors
    /// The event store cannot be read.
    pub async fn find(&self, saga_id: &str) -> Result<Option<Summary>, Status> {
        if let Some(found) = self.load::<OrderSaga>(saga_id).await? {
            return Ok(Some(found));
        }
        self.load::<CancelOrderSaga>(saga_id).await
    }

    /// The saga of an order that began last.
    ///
    /// # Errors
    /// The event store cannot be read.
    pub async fn latest_of(&self, order_id: &str) -> Result<Option<String>, Status> {
        let order = self.executor.load::<Order>(order_id).await;
        let (order, _) = order.map_err(|error| unreadable(&error))?;
        Ok(order.values().map(|order| order.saga_id.to_string()))
    }

    pub(super) async fn load<S: Saga>(&self, saga_id: &str) -> Result<Option<Summary>, Status> {
        let state = self.executor.load::<SagaState<S>>(saga_id).await;
        let (state, _) = state.map_err(|error| unreadable(&error))?;
        Ok(state.summary())
    }

    /// A page of a saga's events, and whether it is the last.
    ///
    /// # Errors
    /// The event store cannot be read.
    pub async fn history(
        &self,
        saga: &Summary,
        after: u64,
    ) -> Result<(Vec<Envelope>, bool), Status> {
        let stream = stream(saga);
        let page = self
            .store
            .0
            .read_stream(&stream, Version(after), HISTORY)
            .await;
        let page = page.map_err(|error| unreadable(&error))?;
        Ok((page.events, page.is_end))
    }

    /// What a person does to a saga of either kind.
    ///
    /// # Errors
    /// A status, if it could not be executed.
    pub async fn act(
        &self,
        bus: &CommandBus,
        request: Request<()>,
        saga_id: &EntityId,
        act: Act,
        by: Person,
    ) -> Result<Heard<Summary>, Status> {
        let name = match act {
            Act::Resume => "resume_saga",
            Act::Retry => "retry_saga",
            Act::Cancel => "cancel_saga",
            Act::Resolve => "resolve_saga",
            Act::Close => "close_saga",
        };
        let found = self.find(saga_id.as_str()).await?;
        let is_cancelling = found.is_some_and(|saga| saga.saga_type == CancelOrderSaga::NAME);
        let heard = if is_cancelling {
            let command = PersonActs::<CancelOrderSaga>::new(saga_id.as_str(), act, by);
            bus.dispatch(name, request, |(), _| Ok(command)).await?
        } else {
            let command = PersonActs::<OrderSaga>::new(saga_id.as_str(), act, by);
            bus.dispatch(name, request, |(), _| Ok(command)).await?
        };
        self.engine.touched(saga_id.as_str());
        Ok(heard)
    }
}

fn stream(saga: &Summary) -> StreamId {
    if saga.saga_type == CancelOrderSaga::NAME {
        SagaState::<CancelOrderSaga>::stream(&saga.saga_id)
    } else {
        SagaState::<OrderSaga>::stream(&saga.saga_id)
    }
}

fn unreadable(error: &StoreError) -> Status {
    if error.is_retryable() {
        Reason::OutcomeNone.status("the event store does not answer")
    } else {
        internal("a saga could not be read", error)
    }
}
