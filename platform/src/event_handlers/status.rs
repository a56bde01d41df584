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

/// The event handlers of the write side.
#[derive(Clone)]
pub struct EventHandlers {
    handlers: Arc<[(String, watch::Receiver<HandlerState>)]>,
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
    pub(super) fn new(
        handlers: Vec<(String, watch::Receiver<HandlerState>)>,
        parts: &HandlerParts,
    ) -> Self {
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
        let mut standings = Vec::with_capacity(self.handlers.len());
        for (name, state) in self.handlers.iter() {
            standings.push(self.standing(name, state).await?);
        }
        // Read after the checkpoints, so that no checkpoint is above the head and no lag is negative.
        let head = self.log.head().await?;
        for standing in &mut standings {
            standing.head = head;
        }
        Ok(standings)
    }

    /// The status of one handler; `None` if the name is unknown.
    ///
    /// # Errors
    /// [`StoreError`] if a store cannot be read.
    pub async fn show(&self, name: &str) -> Result<Option<HandlerReport>, StoreError> {
        let mut handlers = self.handlers.iter();
        match handlers.find(|(known, _)| known == name) {
            Some((name, state)) => {
                let mut standing = self.standing(name, state).await?;
                standing.head = self.log.head().await?;
                Ok(Some(standing))
            }
            None => Ok(None),
        }
    }

    /// The status without the head, which the caller reads afterwards.
    async fn standing(
        &self,
        name: &str,
        state: &watch::Receiver<HandlerState>,
    ) -> Result<HandlerReport, StoreError> {
        let progress = self.store.progress(name).await?;
        let decisions = handler_decisions(&*self.log, name).await?;
        let mut control = HandlerControl::default();
        for decision in &decisions {
            control.evolve(&decision.event, decision.at);
        }
        let state = state.borrow().clone();
        Ok(HandlerReport {
            name: name.to_owned(),
            status: standing(&state, control.is_paused()),
            progress,
            head: Position::START,
            retrying: state.retrying,
            failing: state.failing,
            decisions,
        })
    }
}

fn standing(state: &HandlerState, is_paused: bool) -> HandlerStatus {
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
