//! The sagas of this service: woken after commits, looked up, and changed by operators.

use std::sync::Arc;
use std::time::Duration;

use contract::business::ErrorType;
use contract::proto::Error;
use contract::status::Outcome;
use domain::fulfilment::{CancelOrderSaga, OrderSaga};
use domain::order::Order;
use domain::value::{EntityId, OrderStatus};
use event_sourcing::{Actor, Aggregate, Envelope, EventStore, Executor, StoreError, Version};
use sagas::{OperatorAction, SagaDirectory, SagaEngine, SagaFilter, SagaPage, Summary};
use tokio::time::timeout;
use tonic::{Request, Status};

use crate::bus::{CommandBus, CommandOutcome, internal};

/// Time limit of reading one saga.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);

/// The sagas of this service.
#[derive(Clone, Debug)]
pub struct SagaService {
    sagas: SagaDirectory,
    executor: Arc<Executor>,
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
        let sagas = SagaDirectory::new(engine, Arc::clone(&executor), store);
        Self { sagas, executor }
    }

    /// Starts driving the saga of a placed order without waiting for the log. Ignores a rejected command.
    pub fn placed(&self, outcome: &CommandOutcome<Arc<Order>>) {
        if let (Ok(order), Some(position)) = (&outcome.result, outcome.position)
            && let Some(order) = order.values()
        {
            let saga_id = order.saga_id.as_str();
            self.sagas
                .engine()
                .on_started::<OrderSaga>(saga_id, position);
        }
    }

    /// Wakes the saga that a cancellation affects: the order's own saga starts compensation, or for a confirmed order a
    /// `cancel_order` saga starts. Ignores a rejected command.
    pub fn cancelled(&self, outcome: &CommandOutcome<Arc<Order>>) {
        let (Ok(order), Some(position)) = (&outcome.result, outcome.position) else {
            return;
        };
        let Some(order) = order.values() else {
            return;
        };
        let saga_id = order.saga_id.as_str();
        if order.status == OrderStatus::Confirmed && !outcome.unchanged {
            self.sagas
                .engine()
                .on_started::<CancelOrderSaga>(saga_id, position);
        } else {
            self.sagas.engine().wake(saga_id);
        }
    }

    /// The latest state of a saga of either type.
    ///
    /// # Errors
    /// `UNAVAILABLE` or `INTERNAL` if the event store cannot be read.
    pub async fn find(&self, saga_id: &str) -> Result<Option<Summary>, Status> {
        let found = self.sagas.find(saga_id).await;
        found.map_err(|error| unreadable(&error))
    }

    /// A page of the open sagas that match the filter.
    ///
    /// # Errors
    /// `UNAVAILABLE` if the event store cannot be read.
    pub(crate) async fn list(&self, wanted: &SagaFilter) -> Result<SagaPage, Status> {
        let listed = self.sagas.list(wanted).await;
        let page = listed.map_err(|error| unreadable(&error))?;
        for error in &page.unreadable {
            // Logged; the page goes without it.
            let _status = unreadable(error);
        }
        Ok(page)
    }

    /// The saga of an order that started last.
    ///
    /// # Errors
    /// `UNAVAILABLE` or `INTERNAL` if the event store cannot be read.
    pub async fn latest_of(&self, order_id: &EntityId) -> Result<Option<EntityId>, Status> {
        let order = self.load_latest::<Order>(order_id.as_str()).await?;
        Ok(order.values().map(|order| order.saga_id.clone()))
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
        let page = self.sagas.history(saga, Version(after)).await;
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
        let Some(command) = self.sagas.action(&found, act, by) else {
            return Ok(CommandOutcome::rejected(no_saga(saga_id.as_str())));
        };
        let outcome = bus.dispatch(request, |(), _| Ok(command)).await?;
        // Only saves time: the engine also reads the action from the log.
        self.sagas.engine().wake(saga_id.as_str());
        Ok(outcome)
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
