//! The list of event handlers and how they are started.

use std::time::Duration;

use event_sourcing::Filter;
use event_sourcing::handler::{
    EventHandler, HandlerConfig, HandlerParts, HandlerRunner, HandlerState, filter_of,
};
use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::status::EventHandlers;
use crate::Tasks;

/// An event handler that has not been started yet.
pub struct PlannedHandler {
    filter: Filter,
    attempt_timeout: Option<Duration>,
    build: Box<dyn FnOnce(HandlerParts, HandlerConfig) -> BuiltHandler + Send>,
}

/// A handler with its runner.
struct BuiltHandler {
    name: String,
    state: watch::Receiver<HandlerState>,
    run: Box<dyn FnOnce(CancellationToken) -> BoxFuture<'static, ()> + Send>,
}

impl std::fmt::Debug for PlannedHandler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Planned")
            .field("filter", &self.filter)
            .finish_non_exhaustive()
    }
}

impl PlannedHandler {
    pub fn new<H: EventHandler>(handler: H) -> Self {
        Self {
            filter: filter_of(&handler),
            attempt_timeout: None,
            build: Box::new(|parts, config| {
                let runner = HandlerRunner::new(handler, parts, config);
                BuiltHandler {
                    name: runner.name().to_owned(),
                    state: runner.state(),
                    run: Box::new(|stop| Box::pin(runner.run(stop))),
                }
            }),
        }
    }
}

impl PlannedHandler {
    /// Overrides the time limit of one attempt.
    #[must_use]
    pub fn within(mut self, attempt_timeout: Duration) -> Self {
        self.attempt_timeout = Some(attempt_timeout);
        self
    }
}

/// The union of the events that the handlers read from the log.
#[must_use]
pub fn filter(handlers: &[PlannedHandler]) -> Filter {
    Filter::union(handlers.iter().map(|planned| planned.filter.clone()))
}

/// Starts the handlers; they run until `tasks` stop.
#[must_use]
pub fn start(
    handlers: Vec<PlannedHandler>,
    parts: &HandlerParts,
    config: &HandlerConfig,
    tasks: &Tasks,
) -> EventHandlers {
    let mut running = Vec::with_capacity(handlers.len());
    for planned in handlers {
        let own = HandlerConfig {
            attempt_timeout: planned.attempt_timeout.unwrap_or(config.attempt_timeout),
            ..config.clone()
        };
        let built = (planned.build)(parts.clone(), own);
        tasks.spawn("event handler", (built.run)(tasks.stopping()));
        running.push((built.name, built.state));
    }
    EventHandlers::new(running, parts)
}
