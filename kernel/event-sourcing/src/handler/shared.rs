//! What a handler is run with: its reactions, the stores, and what it shows of itself.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use metrics::Counter;
use tokio::sync::watch;
use tokio::time::Instant;

use super::reactions::Handled;
use super::{Delivery, EventHandler, HandlerConfig, HandlerStore, Reactions, name_of};
use crate::clock::{Clock, SystemClock};
use crate::decision;
use crate::envelope::Envelope;
use crate::failure_log::FailureLog;
use crate::id::Position;
use crate::lease::LeaseStore;
use crate::store::EventStore;
use crate::subscription::{Lease, OwnedSubscription};

/// What a handler shows of itself, in this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HandlerState {
    /// Whether this process runs the handler, rather than waiting for its lease.
    pub active: bool,
    /// The checkpoint that this process wrote or found last.
    pub position: Position,
    /// The end of the log as this process saw it last.
    pub head: Position,
    /// How many streams are parked.
    pub parked: usize,
    /// How many events are tried again.
    pub retrying: usize,
    /// Whether an operator has paused it.
    pub is_paused: bool,
    /// Whether it reads no further because too many streams are parked.
    pub is_full: bool,
    /// The database error that it is retrying, if it is; or that the log is another one.
    pub failing: Option<String>,
}

/// Where a handler works.
#[derive(Clone)]
pub struct HandlerParts {
    /// The log.
    pub log: Arc<dyn EventStore>,
    /// Who runs the handler.
    pub leases: Arc<dyn LeaseStore>,
    /// Where its progress is.
    pub store: Arc<dyn HandlerStore>,
    /// For the times at which streams are parked.
    pub clock: Arc<dyn Clock>,
}

impl HandlerParts {
    /// These, and the machine's clock.
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

/// All that the parts of a running handler share.
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
    /// Whether this process has had the parked streams try again.
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

    /// A counter that appears with its first event hides that event from a rate.
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
            format_args!("event handler {} works again", self.name),
        );
        // Most steps change nothing of it.
        if *self.state.borrow() != state {
            self.measure(&state);
            self.state.send_replace(state);
        }
    }

    /// Another process may run the handler now: what this one knew of it may be old.
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
        #[expect(clippy::cast_precision_loss, reason = "a gauge has no better number")]
        metrics::gauge!("event_handler_lag_events", "handler" => handler())
            .set(state.head.0.saturating_sub(state.position.0) as f64);
        #[expect(clippy::cast_precision_loss, reason = "a gauge has no better number")]
        metrics::gauge!("event_handler_parked_streams", "handler" => handler())
            .set(state.parked as f64);
    }

    pub(super) async fn react(&self, delivery: Delivery<'_>, envelope: &Arc<Envelope>) -> Handled {
        self.reactions.run(&self.handler, delivery, envelope).await
    }
}
