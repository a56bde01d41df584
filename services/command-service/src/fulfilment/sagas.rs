//! The sagas of this service: woken after commits, looked up, and changed by operators.

use std::sync::Arc;
use std::time::Duration;

use contract::business::ErrorType;
use contract::proto::Error;
use contract::status::Outcome;
use domain::fulfilment::{CancelOrderSaga, OrderSaga};
use domain::order::Order;
use domain::value::{EntityId, OrderStatus};
use event_sourcing::{
    Actor, Aggregate, Envelope, EventStore, Executor, StoreError, StreamId, Version,
};
use sagas::{OperatorAction, OperatorCommand, Saga, SagaEngine, SagaState, Summary};
use tokio::time::timeout;
use tonic::{Request, Status};

use crate::bus::{CommandBus, CommandOutcome, internal};

/// How many events of a saga one page shows.
const HISTORY: usize = 1_000;
/// Time limit of reading one saga.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);

/// The sagas of this service.
#[derive(Clone, Debug)]
pub struct SagaService {
    pub(super) engine: SagaEngine,
    executor: Arc<Executor>,
    store: Store,
}

/// The event store, which does not implement `Debug`.
#[derive(Clone)]
struct Store(Arc<dyn EventStore>);

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EventStore")
    }
}

/// The `NOT_FOUND` error for an unknown saga id.
#[must_use]
pub fn no_saga(id: &str) -> Error {
    ErrorType::NotFound.error(format!("saga {id} does not exist"))
}

impl SagaService {
    /// The sagas that `engine` runs.
    #[must_use]
    pub fn new(engine: SagaEngine, executor: Arc<Executor>, store: Arc<dyn EventStore>) -> Self {
        Self {
            engine,
            executor,
            store: Store(store),
        }
    }

    /// Starts driving the saga of a placed order without waiting for the log. Ignores a rejected command.
    pub fn placed(&self, heard: &CommandOutcome<Arc<Order>>) {
        if let (Ok(order), Some(position)) = (&heard.result, heard.position)
            && let Some(order) = order.values()
        {
            let saga_id = order.saga_id.as_str();
            self.engine.on_started::<OrderSaga>(saga_id, position);
        }
    }

    /// Wakes the saga that a cancellation affects: the order's own saga starts compensation, or for a confirmed order a
    /// `cancel_order` saga starts. Ignores a rejected command.
    pub fn cancelled(&self, heard: &CommandOutcome<Arc<Order>>) {
        let (Ok(order), Some(position)) = (&heard.result, heard.position) else {
            return;
        };
        let Some(order) = order.values() else {
            return;
        };
        let saga_id = order.saga_id.as_str();
        if order.status == OrderStatus::Confirmed && !heard.unchanged {
            self.engine.on_started::<CancelOrderSaga>(saga_id, position);
        } else {
            self.engine.wake(saga_id);
        }
    }

    /// The latest state of a saga of either type.
    ///
    /// # Errors
    /// `UNAVAILABLE` or `INTERNAL` if the event store cannot be read.
    pub async fn find(&self, saga_id: &str) -> Result<Option<Summary>, Status> {
        if let Some(found) = self.summary::<OrderSaga>(saga_id).await? {
            return Ok(Some(found));
        }
        self.summary::<CancelOrderSaga>(saga_id).await
    }

    /// The saga of an order that started last.
    ///
    /// # Errors
    /// `UNAVAILABLE` or `INTERNAL` if the event store cannot be read.
    pub async fn latest_of(&self, order_id: &EntityId) -> Result<Option<EntityId>, Status> {
        let order = self.load_latest::<Order>(order_id.as_str()).await?;
        Ok(order.values().map(|order| order.saga_id.clone()))
    }

    async fn summary<S: Saga>(&self, saga_id: &str) -> Result<Option<Summary>, Status> {
        let state = self.load_latest::<SagaState<S>>(saga_id).await?;
        // A list reads thousands of sagas that have been inactive for long. They must not evict states in use.
        self.executor.evict::<SagaState<S>>(saga_id);
        Ok(state.summary())
    }

    async fn load_latest<A: Aggregate>(&self, id: &str) -> Result<Arc<A>, Status> {
        let present = timeout(COMMAND_TIMEOUT, self.executor.load_latest::<A>(id)).await;
        let present = present.map_err(|_| out_of_reach())?;
        present
            .map(|(state, _)| state)
            .map_err(|error| unreadable(&error))
    }

    /// A page of a saga's events, and whether it is the last.
    ///
    /// # Errors
    /// `UNAVAILABLE` or `INTERNAL` if the event store cannot be read.
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
        if let Some(event) = page.unreadable.first() {
            return Err(internal("a saga cannot be shown", event));
        }
        Ok((page.events, page.is_end))
    }

    /// Executes an operator's action on a saga of either type.
    ///
    /// # Errors
    /// A status if the command could not be executed.
    pub async fn act(
        &self,
        bus: &CommandBus,
        request: Request<()>,
        saga_id: &EntityId,
        act: OperatorAction,
        by: Actor,
    ) -> Result<CommandOutcome<Summary>, Status> {
        let Some(found) = self.find(saga_id.as_str()).await? else {
            return Ok(CommandOutcome::rejected(no_saga(saga_id.as_str())));
        };
        let heard = if found.saga_type == CancelOrderSaga::NAME {
            let command = OperatorCommand::<CancelOrderSaga>::new(saga_id.as_str(), act, by);
            bus.dispatch(request, |(), _| Ok(command)).await?
        } else {
            let command = OperatorCommand::<OrderSaga>::new(saga_id.as_str(), act, by);
            bus.dispatch(request, |(), _| Ok(command)).await?
        };
        // Only saves time: the engine also reads the action from the log.
        self.engine.wake(saga_id.as_str());
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
        out_of_reach()
    } else {
        Outcome::None.mark(internal("a saga could not be read", error))
    }
}

fn out_of_reach() -> Status {
    Outcome::None.unavailable("the event store does not answer")
}
