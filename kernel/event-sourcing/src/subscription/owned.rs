//! A subscription that one process at a time owns.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::LeaseLost;
use super::origin::{self, LastEvent};
use crate::failure_log::FailureLog;
use crate::fields;
use crate::id::Position;
use crate::lease::{LeaseStore, Token};
use crate::log::LogMark;
use crate::store::{EventStore, StoreError};

/// The lease of a subscription.
pub(crate) struct Lease {
    /// Its name.
    pub(crate) name: Arc<str>,
    /// Identifies this process.
    pub(crate) owner: String,
    /// How long it lasts without renewal; it is renewed every third of this time.
    pub(crate) ttl: Duration,
}

/// The exclusive right to process a subscription, and the checkpoint that the log must match.
pub(crate) struct OwnedSubscription {
    log: Arc<dyn EventStore>,
    leases: Arc<dyn LeaseStore>,
    lease: Lease,
    checkpoint: watch::Sender<Option<LogMark>>,
    releases: FailureLog,
}

impl OwnedSubscription {
    pub(crate) fn new(log: Arc<dyn EventStore>, leases: Arc<dyn LeaseStore>, lease: Lease) -> Self {
        Self {
            log,
            leases,
            lease,
            checkpoint: watch::Sender::new(None),
            releases: FailureLog::new(),
        }
    }

    pub(crate) fn log(&self) -> &Arc<dyn EventStore> {
        &self.log
    }

    /// How long to wait before trying again to take a lease that another process holds.
    pub(crate) fn pause(&self) -> Duration {
        self.lease.ttl / 3
    }

    /// Takes the lease, or returns [`LeaseLost::Lease`] if another process holds it.
    pub(crate) async fn take(&self) -> Result<Token, LeaseLost> {
        self.acquire().await?.ok_or(LeaseLost::Lease)
    }

    /// Takes the lease again that this process already holds, to get a newer token.
    pub(crate) async fn renew_token(&self) -> Result<Token, LeaseLost> {
        let names = [Arc::clone(&self.lease.name)];
        let leases = self
            .leases
            .seize_leases(&names, &self.lease.owner, self.lease.ttl)
            .await?;
        let lease = leases.first().ok_or(LeaseLost::Lease)?;
        Ok(lease.token)
    }

    /// Runs `work` while the lease is held and the checkpoint belongs to the log.
    ///
    /// Work and renewal run concurrently and neither waits for the other: a renewal may need a connection that the work
    /// holds. Losing the lease cancels the work at its next await. A write that was already sent is not undone; the
    /// store rejects it by its token.
    pub(crate) async fn run_with_lease<T, E: From<LeaseLost>>(
        &self,
        token: Token,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let never = |never| match never {};
        tokio::select! {
            ended = work => ended,
            lost = self.renew_lease(token) => Ok(lost.map(never)?),
            lost = origin::watch(&*self.log, &self.checkpoint) => Ok(lost.map(never)?),
        }
    }

    /// The mark of the log's head.
    pub(crate) async fn head(&self) -> Result<LogMark, LeaseLost> {
        Ok(self.log.identify(&[]).await?.head)
    }

    /// The mark before the first event of the log.
    pub(crate) async fn start(&self) -> Result<LogMark, LeaseLost> {
        let identity = self.log.identify(&[Position::START]).await?;
        Ok(identity.mark_at(Position::START))
    }

    /// Sets the checkpoint and compares it with the log.
    pub(crate) async fn resume_at(&self, mark: Option<LogMark>) -> Result<(), LeaseLost> {
        self.set_checkpoint(mark);
        match mark {
            Some(mark) => origin::verify(&*self.log, &mark).await,
            None => Ok(()),
        }
    }

    /// Records the new checkpoint, which is compared with the log periodically.
    pub(crate) fn set_checkpoint(&self, mark: Option<LogMark>) {
        self.checkpoint.send_replace(mark);
    }

    /// The mark of `read_up_to`, after comparing the checkpoint `from` and the last event that was read with the log.
    pub(crate) async fn mark(
        &self,
        from: Option<LogMark>,
        last: LastEvent,
        read_up_to: Position,
    ) -> Result<LogMark, LeaseLost> {
        origin::mark(&*self.log, from, last, read_up_to).await
    }

    /// Releases the lease, so that other processes need not wait until it expires.
    pub(crate) async fn release(&self) {
        let names = [Arc::clone(&self.lease.name)];
        let released = self.leases.release_leases(&names, &self.lease.owner);
        if let Err(error) = released.await
            && let Some(suppressed) = self.releases.failed(Instant::now())
        {
            // Not retried: the lease expires by itself.
            tracing::warn!(
                { fields::LEASE } = &*self.lease.name,
                { fields::ERROR } = &error as &dyn std::error::Error,
                { fields::SUPPRESSED } = suppressed,
                "lease not released"
            );
        }
    }

    /// Renews the lease until that fails.
    async fn renew_lease(&self, token: Token) -> Result<Infallible, LeaseLost> {
        let third = self.pause();
        let mut renewal = tokio::time::interval_at(Instant::now() + third, third);
        loop {
            renewal.tick().await;
            // A newer token means that the lease had expired and was taken, even if this process holds it again.
            if self.acquire().await? != Some(token) {
                return Err(LeaseLost::Lease);
            }
        }
    }

    async fn acquire(&self) -> Result<Option<Token>, StoreError> {
        let names = [Arc::clone(&self.lease.name)];
        let leases = self
            .leases
            .acquire_leases(&names, &self.lease.owner, self.lease.ttl, None)
            .await?;
        Ok(leases.first().map(|lease| lease.token))
    }
}
