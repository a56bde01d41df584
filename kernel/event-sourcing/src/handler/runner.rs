//! Runs one event handler: takes its lease, reads the log, has events delivered, and writes how far it is.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::reactions::Handled;
use super::work::Work;
use super::{Delivery, EventHandler, HandlerConfig, HandlerStore, Reactions, Start, name_of};
use crate::backoff::Backoff;
use crate::clock::{Clock, SystemClock};
use crate::decision;
use crate::envelope::Envelope;
use crate::failure_log::FailureLog;
use crate::fields;
use crate::id::Position;
use crate::lease::{LeaseStore, Token};
use crate::store::{EventStore, Filter};
use crate::subscription::{Lease, Lost, OwnedSubscription};

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
    /// Whether it stands still because an operator paused it.
    pub is_paused: bool,
    /// Whether it stands still because too many streams are parked.
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

/// Runs one event handler in this process whenever it holds the lease.
pub struct HandlerRunner<H: EventHandler> {
    handler: H,
    name: Cow<'static, str>,
    reactions: Reactions<H>,
    subscription: OwnedSubscription,
    store: Arc<dyn HandlerStore>,
    clock: Arc<dyn Clock>,
    config: HandlerConfig,
    state: watch::Sender<HandlerState>,
    failures: FailureLog,
    pub(super) retries: FailureLog,
}

impl<H: EventHandler> fmt::Debug for HandlerRunner<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HandlerRunner({})", self.name)
    }
}

impl<H: EventHandler> HandlerRunner<H> {
    /// A runner that does nothing until it is run.
    #[must_use]
    pub fn new(handler: H, parts: HandlerParts, config: HandlerConfig) -> Self {
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
        }
    }

    /// The handler's stored name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it reads of the log.
    #[must_use]
    pub fn filter(&self) -> Filter {
        self.reactions.filter()
    }

    /// What it shows of itself, now and later.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<HandlerState> {
        self.state.subscribe()
    }

    /// Runs until `stop` fires. Events that are being delivered then come to their end, and are noted; then the lease is
    /// given back.
    pub async fn run(self, stop: CancellationToken) {
        self.register_metrics();
        let mut backoff = Backoff::new(self.config.retry_min, self.config.retry_max);
        // What could not be handled before this start may be now: the binary, or its settings, are others.
        let mut is_first = true;
        while !stop.is_cancelled() {
            let lost = match self.hold(&stop, &mut is_first).await {
                Ok(()) => break,
                Err(lost) => lost,
            };
            let wait = self.lost(&lost, &mut backoff);
            // Nothing is to be done if it is cut short.
            let _cut = stop.run_until_cancelled(tokio::time::sleep(wait)).await;
        }
        self.state.send_modify(|state| state.active = false);
        self.subscription.release().await;
    }

    /// Works for as long as it holds the lease, and until `stop` fires.
    async fn hold(&self, stop: &CancellationToken, is_first: &mut bool) -> Result<(), Lost> {
        let Some(taken) = stop.run_until_cancelled(self.subscription.take()).await else {
            return Ok(());
        };
        let token = taken?;
        let work = self.begin(token, std::mem::take(is_first)).await?;
        let work = async { Held(work.run(stop).await) };
        self.subscription.hold(token, work).await.0
    }

    async fn begin(&self, token: Token, is_first: bool) -> Result<Work<'_, H>, Lost> {
        let progress = self.store.begin(&self.name, token).await?;
        let progress = progress.ok_or(Lost::Lease)?;
        let mark = match (progress.mark, H::START) {
            (Some(mark), _) => mark,
            (None, Start::Now) => self.subscription.head().await?,
            (None, Start::Beginning) => self.subscription.start().await?,
        };
        self.subscription.resume_at(Some(mark)).await?;
        Work::begin(self, token, mark, progress, is_first).await
    }

    /// Shows why it stopped, and says how long it stays so.
    fn lost(&self, lost: &Lost, backoff: &mut Backoff) -> Duration {
        let (failing, pause) = match lost {
            Lost::Lease => {
                backoff.reset();
                (None, self.subscription.pause())
            }
            Lost::Log(foreign) => {
                self.log_failure(foreign);
                (Some(foreign.to_string()), self.config.retry_max)
            }
            Lost::Error(error) => {
                self.log_failure(error);
                (Some(error.to_string()), backoff.next_pause())
            }
        };
        self.state.send_modify(|state| {
            state.active = false;
            state.failing = failing;
        });
        pause
    }

    fn log_failure(&self, error: &(dyn std::error::Error + 'static)) {
        if let Some(suppressed) = self.failures.failed(Instant::now()) {
            tracing::warn!(
                { fields::EVENT_HANDLER } = &*self.name,
                { fields::ERROR } = error,
                { fields::SUPPRESSED } = suppressed,
                "event handler retries"
            );
        }
    }

    /// A counter that appears with its first event hides that event from a rate.
    fn register_metrics(&self) {
        for name in [
            "event_handler_events_total",
            "event_handler_retries_total",
            "event_handler_streams_parked_total",
        ] {
            metrics::counter!(name, "handler" => self.name.clone()).increment(0);
        }
        metrics::counter!("events_unreadable_total", "reader" => decision::READER).increment(0);
    }

    pub(super) fn show(&self, state: HandlerState) {
        let handler = || self.name.clone();
        #[expect(clippy::cast_precision_loss, reason = "a gauge has no better number")]
        metrics::gauge!("event_handler_lag_events", "handler" => handler())
            .set(state.head.0.saturating_sub(state.position.0) as f64);
        #[expect(clippy::cast_precision_loss, reason = "a gauge has no better number")]
        metrics::gauge!("event_handler_parked_streams", "handler" => handler())
            .set(state.parked as f64);
        self.failures.log_recovery(
            Instant::now(),
            format_args!("event handler {} works again", self.name),
        );
        self.state.send_if_modified(|shown| {
            let is_other = *shown != state;
            *shown = state;
            is_other
        });
    }

    pub(super) async fn react(&self, delivery: Delivery<'_>, envelope: &Arc<Envelope>) -> Handled {
        self.reactions.run(&self.handler, delivery, envelope).await
    }

    pub(super) fn subscription(&self) -> &OwnedSubscription {
        &self.subscription
    }

    pub(super) fn store(&self) -> &dyn HandlerStore {
        &*self.store
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(super) fn config(&self) -> &HandlerConfig {
        &self.config
    }
}

/// How the work under a lease ended.
struct Held(Result<(), Lost>);

impl From<Lost> for Held {
    fn from(lost: Lost) -> Self {
        Self(Err(lost))
    }
}
