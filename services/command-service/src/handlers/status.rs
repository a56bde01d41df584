//! How the event handlers stand.

use std::sync::Arc;

use event_sourcing::handler::{
    HandlerControl, HandlerControlEvent, HandlerParts, HandlerProgress, HandlerState, HandlerStore,
    handler_decisions,
};
use event_sourcing::{Aggregate, Decision, EventStore, Position, StoreError};
use tokio::sync::watch;

/// What a handler is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandlerStatus {
    /// This process delivers its events.
    Running,
    /// Another process does, or this one will when a lease has ended.
    Waiting,
    /// An operator paused it.
    Paused,
    /// Too many streams are parked.
    Full,
    /// A database does not answer; it is tried again.
    Failing,
}

/// A handler with its progress.
#[derive(Clone, Debug)]
pub struct Standings {
    pub name: String,
    /// What it is doing.
    pub standing: HandlerStatus,
    /// Where it is, and what is parked.
    pub progress: HandlerProgress,
    /// The end of the log.
    pub head: Position,
    /// How many events this process tries again.
    pub retrying: usize,
    /// Why it fails, if it does.
    pub failing: Option<String>,
    /// What operators have decided about it.
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

    /// How all of them stand.
    ///
    /// # Errors
    /// [`StoreError`] if a store cannot be read.
    pub async fn list(&self) -> Result<Vec<Standings>, StoreError> {
        let mut standings = Vec::with_capacity(self.handlers.len());
        for (name, state) in self.handlers.iter() {
            standings.push(self.standing(name, state).await?);
        }
        // After the positions, none of which can lie above it then.
        let head = self.log.head().await?;
        for standing in &mut standings {
            standing.head = head;
        }
        Ok(standings)
    }

    /// How one of them stands; nothing if there is none of that name.
    ///
    /// # Errors
    /// [`StoreError`] if a store cannot be read.
    pub async fn show(&self, name: &str) -> Result<Option<Standings>, StoreError> {
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

    /// All of it but the end of the log.
    async fn standing(
        &self,
        name: &str,
        state: &watch::Receiver<HandlerState>,
    ) -> Result<Standings, StoreError> {
        let progress = self.store.progress(name).await?;
        let decisions = handler_decisions(&*self.log, name).await?;
        let mut control = HandlerControl::default();
        for decision in &decisions {
            control.evolve(&decision.event, decision.at);
        }
        let state = state.borrow().clone();
        Ok(Standings {
            name: name.to_owned(),
            standing: standing(&state, control.is_paused()),
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
