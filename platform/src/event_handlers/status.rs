//! Status and progress of the event handlers.

use std::sync::Arc;

use event_sourcing::handler::{
    HandlerControl, HandlerControlEvent, HandlerParts, HandlerProgress, HandlerState, HandlerStore,
    handler_decisions,
};
use event_sourcing::{Aggregate, Decision, EventStore, Position, StoreError};
use tokio::sync::watch;

/// What a handler is doing, as this process sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandlerStatus {
    /// This process delivers its events.
    Running,
    /// Another process holds the lease, or this one waits for a lease to expire.
    Waiting,
    /// An operator paused it.
    Paused,
    /// It stopped because too many streams are parked.
    Full,
    /// A database does not answer; the handler retries.
    Failing,
}

/// A handler's status with its progress.
#[derive(Clone, Debug)]
pub struct HandlerReport {
    pub name: String,
    pub status: HandlerStatus,
    /// The checkpoint and the parked streams.
    pub progress: HandlerProgress,
    /// The position of the log's last event.
    pub head: Position,
    /// How many events this process is retrying.
    pub retrying: usize,
    /// The error while the status is failing.
    pub failing: Option<String>,
    /// The operators' decisions about it.
    pub decisions: Vec<Decision<HandlerControlEvent>>,
}

/// The name of a handler, and its state in this process.
type ObservedHandler = (String, watch::Receiver<HandlerState>);

/// The event handlers of the write side.
#[derive(Clone)]
pub struct EventHandlers {
    handlers: Arc<[ObservedHandler]>,
    log: Arc<dyn EventStore>,
    store: Arc<dyn HandlerStore>,
}

impl std::fmt::Debug for EventHandlers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.handlers.iter().map(|(name, _)| name);
        f.debug_list().entries(names).finish()
    }
}

impl EventHandlers {
    pub(super) fn new(handlers: Vec<ObservedHandler>, parts: &HandlerParts) -> Self {
        Self {
            handlers: handlers.into(),
            log: Arc::clone(&parts.log),
            store: Arc::clone(&parts.store),
        }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.handlers.iter().map(|(name, _)| name.as_str())
    }

    /// The status of all handlers.
    ///
    /// # Errors
    /// [`StoreError`] if a store cannot be read.
    pub async fn list(&self) -> Result<Vec<HandlerReport>, StoreError> {
        self.report(&self.handlers).await
    }

    /// The status of one handler; `None` if the name is unknown.
    ///
    /// # Errors
    /// [`StoreError`] if a store cannot be read.
    pub async fn show(&self, name: &str) -> Result<Option<HandlerReport>, StoreError> {
        let mut handlers = self.handlers.iter();
        match handlers.find(|(known, _)| known == name) {
            Some(handler) => Ok(self.report(std::slice::from_ref(handler)).await?.pop()),
            None => Ok(None),
        }
    }

    async fn report(&self, handlers: &[ObservedHandler]) -> Result<Vec<HandlerReport>, StoreError> {
        let mut progress = Vec::with_capacity(handlers.len());
        for (name, _) in handlers {
            progress.push(self.store.progress(name).await?);
        }
        // Read after the checkpoints, so that no checkpoint is above the head and no lag is negative.
        let head = self.log.head().await?;
        let mut reports = Vec::with_capacity(handlers.len());
        for (handler, progress) in handlers.iter().zip(progress) {
            reports.push(self.report_one(handler, progress, head).await?);
        }
        Ok(reports)
    }

    async fn report_one(
        &self,
        (name, state): &ObservedHandler,
        progress: HandlerProgress,
        head: Position,
    ) -> Result<HandlerReport, StoreError> {
        let decisions = handler_decisions(&*self.log, name).await?;
        let mut control = HandlerControl::default();
        for decision in &decisions {
            control.evolve(&decision.event, decision.at);
        }
        let state = state.borrow().clone();
        Ok(HandlerReport {
            name: name.clone(),
            status: status(&state, control.is_paused()),
            progress,
            head,
            retrying: state.retrying,
            failing: state.failing,
            decisions,
        })
    }
}

fn status(state: &HandlerState, is_paused: bool) -> HandlerStatus {
    if is_paused {
        HandlerStatus::Paused
    } else if state.failing.is_some() {
        HandlerStatus::Failing
    } else if !state.active {
        HandlerStatus::Waiting
    } else if state.is_full {
        HandlerStatus::Full
    } else {
        HandlerStatus::Running
    }
}
