//! The sagas of a process, of all types: found, listed, shown, and changed by operators.

mod filter;
mod list;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use event_sourcing::{Actor, EventStore, Executor, StoreError, StreamPage, Version};
use tokio::time::timeout;

use crate::engine::SagaEngine;
use crate::operator::OperatorAction;
use crate::saga_type::{SagaAction, SagaType};
use crate::summary::Summary;

pub use filter::SagaFilter;
pub use list::SagaPage;

/// How many events of a saga one page shows.
const HISTORY: usize = 1_000;
/// Time limit of reading one saga.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// The sagas that an engine runs. Cheap to clone.
#[derive(Clone)]
pub struct SagaDirectory {
    engine: SagaEngine,
    executor: Arc<Executor>,
    store: Arc<dyn EventStore>,
    types: Vec<SagaType>,
}

impl fmt::Debug for SagaDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SagaDirectory")
            .field("types", &self.types)
            .finish_non_exhaustive()
    }
}

impl SagaDirectory {
    /// The directory of all types of sagas that `engine` drives.
    #[must_use]
    pub fn new(engine: SagaEngine, executor: Arc<Executor>, store: Arc<dyn EventStore>) -> Self {
        let types = engine.saga_types();
        Self {
            engine,
            executor,
            store,
            types,
        }
    }

    /// The engine, to be woken after commits.
    #[must_use]
    pub fn engine(&self) -> &SagaEngine {
        &self.engine
    }

    /// The latest state of a saga of any type; `None` if there is none.
    ///
    /// # Errors
    /// [`StoreError`] if the event store cannot be read in time.
    pub async fn find(&self, saga_id: &str) -> Result<Option<Summary>, StoreError> {
        for saga_type in &self.types {
            let reading = (saga_type.summarize)(&self.executor, saga_id);
            let found = timeout(READ_TIMEOUT, reading).await;
            let found = found.map_err(|late| StoreError::Unavailable {
                operation: "read a saga",
                source: Arc::new(late),
            })?;
            if let Some(summary) = found? {
                return Ok(Some(summary));
            }
        }
        Ok(None)
    }

    /// A page of a saga's events after a version of its stream; empty if the directory has no such type.
    ///
    /// # Errors
    /// [`StoreError`] if the event store cannot be read.
    pub async fn history(&self, saga: &Summary, after: Version) -> Result<StreamPage, StoreError> {
        let Some(saga_type) = self.type_of(saga) else {
            return Ok(StreamPage {
                events: Vec::new(),
                unreadable: Vec::new(),
                is_end: true,
            });
        };
        let stream = (saga_type.stream)(&saga.saga_id);
        self.store.read_stream(&stream, after, HISTORY).await
    }

    /// The command by which `actor` acts on a saga that was found; `None` if the directory has no such type. After its
    /// commit [`SagaEngine::wake`] saves the time until the engine reads the action from the log.
    #[must_use]
    pub fn action(
        &self,
        saga: &Summary,
        action: OperatorAction,
        actor: Actor,
    ) -> Option<SagaAction> {
        Some(SagaAction {
            saga_type: *self.type_of(saga)?,
            saga_id: saga.saga_id.clone(),
            action,
            actor,
        })
    }

    fn type_of(&self, saga: &Summary) -> Option<&SagaType> {
        self.types.iter().find(|one| one.name == saga.saga_type)
    }
}
