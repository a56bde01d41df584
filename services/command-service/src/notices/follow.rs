//! The reader.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use command_database::{CommandDatabase, DatabaseError};
use domain::order::{Order, OrderEvent};
use domain::value::EntityId;
use event_sourcing::{
    Aggregate, Backoff, Entry, Envelope, EventStore, Executor, FailureLog, Filter, ForeignLog,
    LeaseStore, LogMark, LogPage, Position, StoreError, Unreadable, Version,
};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use platform::fields;
use providers::{Notice, NoticeKind, Notifications};
use sagas::{Failure, Key};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::checkpoint;

/// What happens to orders without a word to the customer.
const IGNORED: [&str; 7] = [
    "OrderCreated",
    "OrderPaymentProcessed",
    "OrderPaymentRefunded",
    "OrderShippingArranged",
    "OrderShippingCancelled",
    "OrderCancellationRequested",
    "OrderFailed",
];
const LEASE: &str = "notices";
const LEASE_TTL: Duration = Duration::from_secs(15);
/// How many events are read at once, and not read again after a crash.
const PAGE: usize = 100;
/// How long events gather before they are read: a notice need not be quick, and each page is a checkpoint.
const GATHER: Duration = Duration::from_millis(50);
/// How many notices go out side by side.
const SIDE_BY_SIDE: usize = 16;
/// How often one is tried; with the pauses two to five minutes.
const TRIES: u32 = 10;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// The time limit of one try.
const TRY_LIMIT: Duration = Duration::from_secs(30);

/// All that telling customers needs.
pub struct Notices {
    /// The log.
    pub store: Arc<dyn EventStore>,
    /// Who does it.
    pub leases: Arc<dyn LeaseStore>,
    /// The orders.
    pub executor: Arc<Executor>,
    /// Where the checkpoint is.
    pub database: CommandDatabase,
    /// Who tells them.
    pub notifications: Arc<dyn Notifications>,
    /// Names this process.
    pub owner: String,
}

impl std::fmt::Debug for Notices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notices").finish_non_exhaustive()
    }
}

/// What is read of the log: orders, so that an event of a newer binary is counted and logged before it is passed.
#[must_use]
pub fn filter() -> Filter {
    Filter::of_streams(&[Order::TYPE]).ignoring(&IGNORED)
}

/// Why the reading stopped for now.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error("another process tells customers")]
    Elsewhere,
    #[error("the process stops")]
    Stopped,
    #[error("the log was replaced")]
    Log(#[from] ForeignLog),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl Notices {
    /// Tells customers, whenever this process has the lease, until `stop` fires.
    pub async fn run(self, stop: CancellationToken) {
        metrics::counter!("notices_given_up_total").increment(0);
        metrics::counter!("events_unreadable_total", "reader" => "notices").increment(0);
        let failures = FailureLog::new();
        while !stop.is_cancelled() {
            let interrupted = match self.hold(&stop, &failures).await {
                Ok(never) => match never {},
                Err(interrupted) => interrupted,
            };
            if matches!(
                interrupted,
                Interrupted::Log(_) | Interrupted::Store(_) | Interrupted::Database(_)
            ) && let Some(suppressed) = failures.failed(Instant::now())
            {
                tracing::warn!(
                    { fields::ERROR } = &interrupted as &dyn std::error::Error,
                    { fields::SUPPRESSED } = suppressed,
                    "customers cannot be told now; it is tried again"
                );
            }
            let pause = tokio::time::sleep(LEASE_TTL / 3);
            // Nothing is to be done if it is cut short.
            let _cut = stop.run_until_cancelled(pause).await;
        }
        if let Err(error) = self
            .leases
            .release_leases(&[LEASE.into()], &self.owner)
            .await
        {
            // It expires by itself.
            tracing::warn!(
                { fields::ERROR } = &error as &dyn std::error::Error,
                "lease not released"
            );
        }
    }

    async fn hold(
        &self,
        stop: &CancellationToken,
        failures: &FailureLog,
    ) -> Result<Infallible, Interrupted> {
        self.acquire().await?;
        tokio::select! {
            ended = self.keep() => ended,
            ended = self.read(stop, failures) => ended,
        }
    }

    async fn acquire(&self) -> Result<(), Interrupted> {
        let names = [LEASE.into()];
        let held = self
            .leases
            .acquire_leases(&names, &self.owner, LEASE_TTL, None)
            .await?;
        if held.is_empty() {
            return Err(Interrupted::Elsewhere);
        }
        Ok(())
    }

    async fn keep(&self) -> Result<Infallible, Interrupted> {
        loop {
            tokio::time::sleep(LEASE_TTL / 3).await;
            self.acquire().await?;
        }
    }

    async fn read(
        &self,
        stop: &CancellationToken,
        failures: &FailureLog,
    ) -> Result<Infallible, Interrupted> {
        let mut mark = self.checkpoint().await?;
        let filter = filter();
        loop {
            checkpoint::save(&self.database, &mark).await?;
            failures.log_recovery(Instant::now(), "customers can be told again");
            let page = stop.run_until_cancelled(self.next_page(mark.position, &filter));
            let page = page.await.ok_or(Interrupted::Stopped)??;
            let next = self.mark(&mark, &page).await?;
            if !self.tell_all(&page.entries, stop).await {
                return Err(Interrupted::Stopped);
            }
            mark = next;
            if page.entries.len() < PAGE {
                // Nothing is to be done if it is cut short.
                let _cut = stop.run_until_cancelled(tokio::time::sleep(GATHER)).await;
            }
        }
    }

    /// Where the reading resumes.
    async fn checkpoint(&self) -> Result<LogMark, Interrupted> {
        let Some(stored) = checkpoint::load(&self.database).await? else {
            // A new reader starts at the head, so that customers are not notified about old orders.
            return Ok(self.store.identify(&[]).await?.head);
        };
        let identity = self.store.identify(&[stored.position]).await?;
        let mark = stored.mark.unwrap_or(identity.mark_at(stored.position));
        identity.verify(&mark)?;
        Ok(mark)
    }

    /// The mark at the end of a page, if the log still is the one that the checkpoint and the page are of.
    async fn mark(&self, from: &LogMark, page: &LogPage) -> Result<LogMark, Interrupted> {
        let identity = self.store.identify(&[from.position, page.through]).await?;
        identity.verify(from)?;
        let mark = identity.mark_at(page.through);
        identity.verify(&mark)?;
        Ok(mark)
    }

    /// The next page that moves the position.
    async fn next_page(&self, position: Position, filter: &Filter) -> Result<LogPage, StoreError> {
        loop {
            self.store.wait_for(position.next()).await?;
            let page = self.store.read_all(position, filter, PAGE).await?;
            if page.through > position {
                return Ok(page);
            }
        }
    }

    /// Sends a page's notices, some side by side. Whether none was cut short by the stop.
    async fn tell_all(&self, entries: &[Entry], stop: &CancellationToken) -> bool {
        let mut sending = FuturesUnordered::new();
        let mut all_told = true;
        for entry in entries {
            let Some((event, envelope)) = readable(entry) else {
                continue;
            };
            if sending.len() == SIDE_BY_SIDE {
                all_told &= sending.next().await.unwrap_or(true);
            }
            sending.push(self.tell(event, envelope, stop));
        }
        while let Some(told) = sending.next().await {
            all_told &= told;
        }
        all_told
    }

    /// Sends a notice, and again if that may help; in the end it is given up, and logged. Whether it came to an end
    /// before the stop.
    async fn tell(&self, event: OrderEvent, envelope: &Envelope, stop: &CancellationToken) -> bool {
        let key = format!("notice/{}", envelope.event_id);
        let (Some(notice), Ok(key)) = (self.notice(&event, envelope).await, Key::try_new(key))
        else {
            return true;
        };
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        for attempt in 1..=TRIES {
            let sent = tokio::time::timeout(TRY_LIMIT, self.notifications.send(&key, &notice));
            let failure = match sent.await {
                Ok(Ok(())) => return true,
                Ok(Err(failure)) => failure,
                Err(_) => Failure::unknown("no answer in time"),
            };
            if attempt == TRIES || matches!(failure, Failure::Refused(_)) {
                metrics::counter!("notices_given_up_total").increment(1);
                tracing::error!(
                    { fields::ORDER_ID } = %notice.order_id,
                    { fields::REASON } = failure.reason(),
                    "a customer could not be told"
                );
                return true;
            }
            let paused = stop
                .run_until_cancelled(tokio::time::sleep(backoff.next_pause()))
                .await;
            if paused.is_none() {
                return false;
            }
        }
        true
    }

    async fn notice(&self, event: &OrderEvent, envelope: &Envelope) -> Option<Notice> {
        let order = self.order(event.order_id(), envelope.version).await?;
        let order = order.values()?;
        let shipment = order.shipment.as_ref();
        let tracking_number = shipment.map(|shipment| shipment.tracking_number.to_string());
        let kind = match event {
            OrderEvent::Confirmed(_) => NoticeKind::Confirmed {
                total: order.total,
                tracking_number,
            },
            OrderEvent::Cancelled(cancelled) => NoticeKind::Cancelled {
                reason: cancelled
                    .reason
                    .as_ref()
                    .map_or("", |reason| reason.as_str())
                    .to_owned(),
            },
            OrderEvent::Shipped(_) => NoticeKind::Shipped { tracking_number },
            OrderEvent::Delivered(_) => NoticeKind::Delivered,
            OrderEvent::Created(_)
            | OrderEvent::PaymentProcessed(_)
            | OrderEvent::PaymentRefunded(_)
            | OrderEvent::ShippingArranged(_)
            | OrderEvent::ShippingCancelled(_)
            | OrderEvent::CancellationRequested(_)
            | OrderEvent::Failed(_) => return None,
        };
        Some(Notice {
            order_id: order.id.clone(),
            user_id: order.user_id.clone(),
            kind,
        })
    }

    /// The order behind its event at `version`, however long the store takes.
    async fn order(&self, id: &EntityId, version: Version) -> Option<Arc<Order>> {
        loop {
            let order = self.executor.load_behind::<Order>(id.as_str(), version);
            match order.await {
                Ok((order, _)) => return Some(order),
                Err(error) if error.is_retryable() => tokio::time::sleep(FIRST_PAUSE).await,
                Err(error) => {
                    tracing::error!(
                        { fields::ERROR } = &error as &dyn std::error::Error,
                        "an order cannot be read"
                    );
                    return None;
                }
            }
        }
    }
}

/// The event of an order; nothing if it cannot be read, which is counted and logged. It is passed: customers
/// are notified about the other events, and this binary has no message for one that it does not know.
fn readable(entry: &Entry) -> Option<(OrderEvent, &Envelope)> {
    let error: Box<dyn std::error::Error> = match entry {
        Entry::Event(envelope) => match envelope.decode() {
            Ok(event) => return Some((event, envelope)),
            Err(error) => error.into(),
        },
        Entry::Unreadable(unreadable) => Unreadable::clone(unreadable).into(),
    };
    metrics::counter!("events_unreadable_total", "reader" => "notices").increment(1);
    tracing::error!(
        { fields::ORDER_ID } = entry.stream().aggregate_id(),
        { event_sourcing::fields::POSITION } = entry.position().0,
        { event_sourcing::fields::EVENT_TYPE } = entry.event_type(),
        { fields::ERROR } = &*error,
        "an event of an order cannot be read: its customer is not told of it"
    );
    None
}
