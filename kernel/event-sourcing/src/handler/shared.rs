//! The parts of a running handler: its reactions, stores and observable state.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use metrics::Counter;
use tokio::sync::watch;
use tokio::time::Instant;

use super::reactions::DeliveryResult;
use super::{Delivery, EventHandler, HandlerConfig, HandlerStore, Reactions, name_of};
use crate::clock::{Clock, SystemClock};
use crate::decision;
use crate::envelope::Envelope;
use crate::failure_log::FailureLog;
use crate::id::Position;
use crate::lease::LeaseStore;
use crate::store::EventStore;
use crate::subscription::{Lease, OwnedSubscription};

/// The observable state of a handler in this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HandlerState {
    /// Whether this process holds the lease and runs the handler.
    pub active: bool,
    /// The checkpoint that this process wrote or read last.
    pub position: Position,
    /// The head of the log that this process read last.
    pub head: Position,
    /// The number of parked streams.
    pub parked: usize,
    /// The number of events that are being retried.
    pub retrying: usize,
    /// Whether an operator has paused it.
    pub is_paused: bool,
    /// Whether it has stopped reading because too many streams are parked.
    pub is_full: bool,
    /// The database error after which it retries, or that its checkpoint belongs to another log.
    pub failing: Option<String>,
}

/// The stores and the clock of a handler.
#[derive(Clone)]
pub struct HandlerParts {
    /// The log.
    pub log: Arc<dyn EventStore>,
    /// The leases; one process at a time runs the handler.
    pub leases: Arc<dyn LeaseStore>,
    /// The store of its progress.
    pub store: Arc<dyn HandlerStore>,
    /// The clock, for the times at which streams are parked.
    pub clock: Arc<dyn Clock>,
}

impl HandlerParts {
    /// The parts with the system clock.
    #[must_use]
    pub fn new(
        log: Arc<dyn EventStore>,
        leases: Arc<dyn LeaseStore>,
        store: Arc<dyn HandlerStore>,
    ) -> Self {
        Self {
            log,
            leases,
            store,
            clock: Arc::new(SystemClock),
        }
    }
}

impl fmt::Debug for HandlerParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerParts").finish_non_exhaustive()
    }
}

/// The state that the futures of a running handler share.
pub(super) struct Shared<H: EventHandler> {
    handler: H,
    pub(super) name: Cow<'static, str>,
    pub(super) reactions: Reactions<H>,
    pub(super) subscription: OwnedSubscription,
    pub(super) store: Arc<dyn HandlerStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) config: HandlerConfig,
    pub(super) state: watch::Sender<HandlerState>,
    pub(super) failures: FailureLog,
    pub(super) retries: FailureLog,
    /// Whether this process has retried all parked streams after its start.
    pub(super) has_resumed: AtomicBool,
}

impl<H: EventHandler> Shared<H> {
    pub(super) fn new(handler: H, parts: HandlerParts, config: HandlerConfig) -> Self {
        let name = name_of(&handler);
        let lease = Lease {
            name: format!("event_handler/{name}").into(),
            owner: config.owner.clone(),
            ttl: config.lease,
        };
        Self {
            reactions: Reactions::of(&handler),
            handler,
            name,
            subscription: OwnedSubscription::new(parts.log, parts.leases, lease),
            store: parts.store,
            clock: parts.clock,
            config,
            state: watch::Sender::default(),
            failures: FailureLog::new(),
            retries: FailureLog::new(),
            has_resumed: AtomicBool::new(false),
        }
    }

    /// Registers the counters at 0: a counter that first appears with value 1 hides its first event from `rate()`.
    pub(super) fn register_counters(&self) {
        for counter in [self.handled(), self.retried(), self.streams_parked()] {
            counter.increment(0);
        }
        metrics::counter!("events_unreadable_total", "reader" => decision::READER).increment(0);
    }

    pub(super) fn handled(&self) -> Counter {
        metrics::counter!("event_handler_events_total", "handler" => self.name.clone())
    }

    pub(super) fn retried(&self) -> Counter {
        metrics::counter!("event_handler_retries_total", "handler" => self.name.clone())
    }

    pub(super) fn streams_parked(&self) -> Counter {
        metrics::counter!("event_handler_streams_parked_total", "handler" => self.name.clone())
    }

    pub(super) fn show(&self, state: HandlerState) {
        self.failures.log_recovery(
            Instant::now(),
            format_args!("event handler {} has recovered", self.name),
        );
        // Most steps do not change it, and watchers should not wake for nothing.
        if *self.state.borrow() != state {
            self.measure(&state);
            self.state.send_replace(state);
        }
    }

    /// Resets the state: another process may run the handler now, so the values of this one may be stale.
    pub(super) fn set_idle(&self, failing: Option<String>) {
        let position = self.state.borrow().position;
        self.measure(&HandlerState::default());
        self.state.send_replace(HandlerState {
            position,
            failing,
            ..HandlerState::default()
        });
    }

    fn measure(&self, state: &HandlerState) {
        let handler = || self.name.clone();
        #[expect(clippy::cast_precision_loss, reason = "a gauge takes a float")]
        metrics::gauge!("event_handler_lag_events", "handler" => handler())
            .set(state.head.0.saturating_sub(state.position.0) as f64);
        #[expect(clippy::cast_precision_loss, reason = "a gauge takes a float")]
        metrics::gauge!("event_handler_parked_streams", "handler" => handler())
            .set(state.parked as f64);
    }

    pub(super) async fn react(
        &self,
        delivery: Delivery<'_>,
        envelope: &Arc<Envelope>,
    ) -> DeliveryResult {
        self.reactions.run(&self.handler, delivery, envelope).await
    }
}
