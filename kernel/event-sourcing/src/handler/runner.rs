//! Runs one event handler: takes its lease, reads the log, delivers events, and writes its checkpoint.

use std::fmt;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::delivery_loop::DeliveryLoop;
use super::shared::{HandlerParts, HandlerState, Shared};
use super::{EventHandler, HandlerConfig, HandlerProgress, HandlerWrite, Start};
use crate::backoff::Backoff;
use crate::fields;
use crate::lease::Token;
use crate::store::Filter;
use crate::subscription::LeaseLost;

/// Runs one event handler in this process while it holds the lease.
pub struct HandlerRunner<H: EventHandler>(Shared<H>);

impl<H: EventHandler> fmt::Debug for HandlerRunner<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HandlerRunner({})", self.name())
    }
}

impl<H: EventHandler> HandlerRunner<H> {
    /// Creates a runner. It does nothing until [`Self::run`] is called.
    #[must_use]
    pub fn new(handler: H, parts: HandlerParts, config: HandlerConfig) -> Self {
        Self(Shared::new(handler, parts, config))
    }

    /// The handler's stored name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The events that it reads.
    #[must_use]
    pub fn filter(&self) -> Filter {
        self.0.reactions.filter()
    }

    /// Watches its state.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<HandlerState> {
        self.0.state.subscribe()
    }

    /// Runs until `stop` is cancelled. Deliveries in progress may then finish within the grace period and are recorded;
    /// after that the lease is released.
    pub async fn run(self, stop: CancellationToken) {
        self.0.register_counters();
        let mut backoff = Backoff::new(self.0.config.retry_min, self.0.config.retry_max);
        while !stop.is_cancelled() {
            let started = Instant::now();
            let lost = match self.run_with_lease(&stop).await {
                Ok(()) => break,
                Err(lost) => lost,
            };
            if started.elapsed() > self.0.config.retry_max {
                backoff.reset();
            }
            let wait = self.lost(&lost, &mut backoff);
            // The loop condition handles a cancelled wait.
            let _cut = stop.run_until_cancelled(tokio::time::sleep(wait)).await;
        }
        self.0.set_idle(None);
        self.0.subscription.release().await;
    }

    /// Runs while it holds the lease, until `stop` is cancelled.
    async fn run_with_lease(&self, stop: &CancellationToken) -> Result<(), LeaseLost> {
        let lease = stop.run_until_cancelled(self.0.subscription.take()).await;
        let Some(lease) = lease else {
            return Ok(());
        };
        let (token, progress) = self.take_over(lease?).await?;
        let work = self.begin(token, progress).await?;
        self.0
            .subscription
            .run_with_lease(token, work.run(stop))
            .await
    }

    /// Stores this process's token and returns the progress. If the store has a newer token, either another process has
    /// taken the lease since, or the leases were restored from an older copy and their tokens start at a lower number.
    /// Only in the second case this process still holds the lease; it takes it again until its token is newer than the
    /// stored one.
    async fn take_over(&self, mut token: Token) -> Result<(Token, HandlerProgress), LeaseLost> {
        let mut is_restored = false;
        loop {
            if let Some(progress) = self.0.store.begin(&self.0.name, token).await? {
                return Ok((token, progress));
            }
            if self.0.subscription.take().await? != token {
                return Err(LeaseLost::Lease);
            }
            if !std::mem::replace(&mut is_restored, true) {
                tracing::warn!(
                    { fields::EVENT_HANDLER } = &*self.0.name,
                    "the leases are older than the event handler's progress: they were restored; the lease is taken again"
                );
            }
            token = self.0.subscription.renew_token().await?;
        }
    }

    async fn begin(
        &self,
        token: Token,
        progress: HandlerProgress,
    ) -> Result<DeliveryLoop<'_, H>, LeaseLost> {
        let mark = match (progress.mark, H::START) {
            (Some(mark), _) => mark,
            (None, Start::Now) => self.0.subscription.head().await?,
            (None, Start::Beginning) => self.0.subscription.start().await?,
        };
        self.0.subscription.resume_at(Some(mark)).await?;
        if progress.mark.is_none() {
            // Before the first delivery: after a crash the next process starts at the same position. With `Start::Now`
            // it would otherwise start at a later head and miss events.
            let write = HandlerWrite {
                token,
                mark,
                parked: Vec::new(),
                released: Vec::new(),
            };
            if !self.0.store.write(&self.0.name, write).await? {
                return Err(LeaseLost::Lease);
            }
        }
        DeliveryLoop::begin(&self.0, token, mark, progress).await
    }

    /// Shows why it stopped, and returns the time until the next attempt.
    fn lost(&self, lost: &LeaseLost, backoff: &mut Backoff) -> Duration {
        let (failing, pause) = match lost {
            LeaseLost::Lease => {
                backoff.reset();
                (None, self.0.subscription.pause())
            }
            LeaseLost::Log(foreign) => {
                self.log_failure(foreign);
                (Some(foreign.to_string()), self.0.config.retry_max)
            }
            LeaseLost::Error(error) => {
                self.log_failure(error);
                (Some(error.to_string()), backoff.next_pause())
            }
        };
        self.0.set_idle(failing);
        pause
    }

    fn log_failure(&self, error: &(dyn std::error::Error + 'static)) {
        if let Some(suppressed) = self.0.failures.failed(Instant::now()) {
            tracing::warn!(
                { fields::EVENT_HANDLER } = &*self.0.name,
                { fields::ERROR } = error,
                { fields::SUPPRESSED } = suppressed,
                "event handler retries"
            );
        }
    }
}
