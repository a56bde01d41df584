//! Folds and writes pages: the code that the live path and a rebuild share.

use std::sync::Arc;

use super::config::RunnerConfig;
use super::fold::decode_page;
use super::{Handlers, PageWrite, Projection, ProjectionProgress, ProjectionStore};
use crate::fields;
use crate::id::Position;
use crate::lease::{LeaseStore, Token};
use crate::store::{EventStore, LogPage};
use crate::subscription::{LastEvent, Lease, LeaseLost, LogReader, OwnedSubscription};

/// Folds pages of the log into one generation of a projection, under a lease.
pub(super) struct PageFolder<P: Projection> {
    pub(super) subscription: OwnedSubscription,
    pub(super) handlers: Handlers<P>,
    pub(super) rows: Arc<dyn ProjectionStore<P>>,
    /// The name of the lease.
    pub(super) lease: Arc<str>,
}

impl<P: Projection> PageFolder<P> {
    /// Folds `log` into `rows` under the lease that `kind`, the projection and its schema version name.
    pub(super) fn new(
        kind: &str,
        log: Arc<dyn EventStore>,
        rows: Arc<dyn ProjectionStore<P>>,
        leases: Arc<dyn LeaseStore>,
        config: &RunnerConfig,
    ) -> Self {
        let lease: Arc<str> = format!("{kind}/{}/v{}", P::NAME, rows.schema_version()).into();
        let own = Lease {
            name: Arc::clone(&lease),
            owner: config.owner.clone(),
            ttl: config.lease,
        };
        Self {
            subscription: OwnedSubscription::new(log, leases, own),
            handlers: Handlers::of_projection(),
            rows,
            lease,
        }
    }

    /// Stores the token, which fences the previous holder: from here on its writes are rejected. Returns the stored
    /// progress. If the read model belongs to another log, restarts with an empty one.
    pub(super) async fn begin(&self, token: Token) -> Result<ProjectionProgress, LeaseLost> {
        let progress = self.rows.begin(token).await?.ok_or(LeaseLost::Lease)?;
        match self.subscription.resume_at(progress.mark).await {
            Ok(()) => Ok(progress),
            Err(LeaseLost::Log(foreign)) => {
                tracing::error!(
                    { fields::PROJECTION } = P::NAME,
                    { fields::POSITION } = progress.position.0,
                    { fields::ERROR } = &foreign as &dyn std::error::Error,
                    "the event store was restored or replaced; the read model is rebuilt"
                );
                metrics::counter!("projection_rebuilds_total", "projection" => P::NAME)
                    .increment(1);
                let progress = self.rows.restart(token).await?.ok_or(LeaseLost::Lease)?;
                self.subscription.set_checkpoint(progress.mark);
                Ok(progress)
            }
            Err(lost) => Err(lost),
        }
    }

    /// Folds and writes one page, and reads the next one concurrently if there is one. `progress.parked` is set afterwards if
    /// an event of the page could not be read or folded.
    pub(super) async fn apply(
        &self,
        token: Token,
        progress: &mut ProjectionProgress,
        page: LogPage,
        reader: &mut LogReader,
        skips: &[Position],
    ) -> Result<Option<LogPage>, LeaseLost> {
        let (head, count, end) = (page.head, page.entries.len(), page.read_up_to);
        let last = LastEvent::of(&page);
        let decoded = decode_page(&self.handlers, page, skips);
        let keys = decoded.keys();
        let load = async {
            if keys.is_empty() {
                return Ok(Vec::new());
            }
            self.rows.load(&keys).await
        };
        let mark = |read_up_to| self.subscription.mark(progress.mark, last, read_up_to);
        // Concurrently, to save a round trip. The mark is of the page's end; a page that ends early needs another one.
        let (rows, marked) = tokio::join!(load, mark(end));
        let folded = decoded.fold(&self.handlers, rows?);
        let mark = if folded.read_up_to == end {
            marked?
        } else {
            mark(folded.read_up_to).await?
        };
        let caught_up = progress.caught_up || folded.read_up_to >= head;
        let write = PageWrite {
            token,
            from: progress.position,
            read_up_to: folded.read_up_to,
            mark,
            caught_up,
            changes: folded.changes,
            parked: folded.parked.clone(),
        };
        let next = async {
            if folded.parked.is_none() && folded.read_up_to < head {
                return reader.page().await.map(Some);
            }
            Ok(None)
        };
        // The next page is read before the write is known to succeed. If the write fails the page is dropped, and the
        // next attempt starts from the stored checkpoint.
        let (written, next) = tokio::join!(self.rows.write(write), next);
        if !written? {
            return Err(LeaseLost::Lease);
        }
        // Only after the write: `progress` is the expected checkpoint of the next one.
        progress.position = folded.read_up_to;
        progress.mark = Some(mark);
        progress.caught_up = caught_up;
        progress.parked = folded.parked;
        metrics::counter!("projection_events_total", "projection" => P::NAME)
            .increment(count as u64);
        Ok(next?)
    }
}
