//! The waits of a handler's event loop, each a future that returns a [`Step`].

use std::sync::Arc;

use tokio::time::{Duration, Instant, sleep, sleep_until, timeout};
use tracing::Instrument;

use super::keys::{Changes, NextEvent};
use super::reactions::DeliveryResult;
use super::replay;
use super::shared::Shared;
use super::{Delivery, EventHandler, HandlerControl, HandlerError, HandlerWrite};
use crate::decision::Decisions;
use crate::id::{Position, Version};
use crate::lease::Token;
use crate::log::LogMark;
use crate::store::{Entry, LogPage, StoreError, StreamPage};
use crate::stream::StreamId;
use crate::subscription::{LastEvent, LeaseLost, LogReader};

/// The maximum age of the operators' decisions when an event is delivered.
const DECISIONS_MAX_AGE: Duration = Duration::from_secs(1);

/// A completed wait.
pub(super) enum Step {
    /// The log or the decisions were read.
    Read(Box<Reading>),
    /// One delivery attempt.
    Attempted {
        stream: StreamId,
        handled: DeliveryResult,
        attempt: u32,
    },
    /// The backoff after a failed attempt has passed.
    BackoffElapsed(StreamId),
    /// A page of a parked stream was read.
    Replayed(StreamId, Result<StreamPage, StoreError>),
    /// Checkpoint and parked streams were written.
    Wrote(Result<LogMark, LeaseLost>),
}

impl Step {
    /// Whether it is the result of a delivery or of a checkpoint write, which a stop must not drop.
    pub(super) fn is_delivery(&self) -> bool {
        matches!(self, Self::Attempted { .. } | Self::Wrote(_))
    }
}

/// The reader of the log with the operators' decisions, and the result of the last read.
pub(super) struct Reading {
    pub(super) reader: LogReader,
    pub(super) decisions: Decisions<HandlerControl>,
    pub(super) decided_at: Instant,
    /// Whether decisions were read, with the page or alone.
    pub(super) is_decided: bool,
    /// The head of the log, if no page was read.
    pub(super) head: Option<Position>,
    /// `None` if only decisions were read.
    pub(super) page: Option<LogPage>,
    /// The last event of the page.
    pub(super) last: LastEvent,
    pub(super) error: Option<StoreError>,
}

impl Reading {
    pub(super) fn new(
        reader: LogReader,
        decisions: Decisions<HandlerControl>,
        decided_at: Instant,
    ) -> Self {
        Self {
            reader,
            decisions,
            decided_at,
            is_decided: false,
            head: None,
            page: None,
            last: LastEvent::none(),
            error: None,
        }
    }

    /// Whether the decisions are too old to deliver an event by.
    pub(super) fn is_old(&self) -> bool {
        self.old_at() <= Instant::now()
    }

    pub(super) fn old_at(&self) -> Instant {
        self.decided_at + DECISIONS_MAX_AGE
    }

    async fn refresh<H: EventHandler>(&mut self, shared: &Shared<H>) -> Result<(), StoreError> {
        let log = &**shared.subscription.log();
        self.decisions.refresh(log).await?;
        self.decided_at = Instant::now();
        self.is_decided = true;
        Ok(())
    }
}

/// Waits for the next page and reads it, and then the decisions if they are too old. With `wakes` it always reads the
/// decisions, because the log may have grown by one. With `is_undecided` the wait ends when the decisions are too old.
pub(super) async fn read<H: EventHandler>(
    shared: &Shared<H>,
    mut reading: Reading,
    wakes: bool,
    is_undecided: bool,
) -> Step {
    let read = async {
        // Cancelling `grown` is safe: the reader advances only with a page.
        let is_grown = tokio::select! {
            grown = reading.reader.grown() => {
                grown?;
                true
            }
            () = sleep_until(reading.old_at()), if is_undecided => false,
        };
        if is_grown {
            let page = reading.reader.page().await?;
            reading.last = LastEvent::of(&page);
            reading.page = Some(page);
        }
        // After the page: a decision recorded before the page's events is then known when they are delivered.
        if wakes || reading.is_old() {
            reading.refresh(shared).await?;
        }
        Ok(())
    };
    reading.error = read.await.err();
    Step::Read(Box::new(reading))
}

/// Waits until `at`, and reads only the decisions.
pub(super) async fn decide<H: EventHandler>(
    shared: &Shared<H>,
    mut reading: Reading,
    at: Instant,
) -> Step {
    sleep_until(at).await;
    let read = async {
        // No page is read, but operators need the lag behind the head.
        reading.head = Some(shared.subscription.log().head().await?);
        reading.refresh(shared).await
    };
    reading.error = read.await.err();
    Step::Read(Box::new(reading))
}

/// Delivers an event once, with a timeout.
pub(super) async fn attempt<H: EventHandler>(shared: &Shared<H>, turn: NextEvent) -> Step {
    let NextEvent {
        stream,
        entry,
        attempt,
    } = turn;
    let handled = match &entry {
        // Retries cannot help: this binary cannot read the event.
        Entry::Unreadable(unreadable) => Err(HandlerError::permanent(&unreadable.reason)),
        Entry::Event(envelope) => {
            let delivery = Delivery {
                handler: &shared.name,
                envelope,
                attempt,
            };
            let run = shared.react(delivery, envelope).instrument(delivery.span());
            timeout(shared.config.attempt_timeout, run)
                .await
                .unwrap_or_else(|_| Err(HandlerError::retryable("the attempt timed out")))
        }
    };
    Step::Attempted {
        stream,
        handled,
        attempt,
    }
}

/// Waits before the next attempt.
pub(super) async fn pause(stream: StreamId, pause: Duration) -> Step {
    sleep(pause).await;
    Step::BackoffElapsed(stream)
}

/// Reads the next page of a parked stream.
pub(super) async fn replay<H: EventHandler>(
    shared: &Shared<H>,
    stream: StreamId,
    after: Version,
) -> Step {
    let log = Arc::clone(shared.subscription.log());
    let page = log.read_stream(&stream, after, replay::PAGE).await;
    Step::Replayed(stream, page)
}

/// Writes the checkpoint and the changed parked streams. Fails with [`LeaseLost::Lease`] if the token was superseded.
pub(super) async fn write<H: EventHandler>(
    shared: &Shared<H>,
    token: Token,
    from: LogMark,
    (read_up_to, last): (Position, LastEvent),
    changes: Changes,
) -> Step {
    let write = async {
        let last = last.up_to(read_up_to);
        let mark = shared
            .subscription
            .mark(Some(from), last, read_up_to)
            .await?;
        let write = HandlerWrite {
            token,
            mark,
            parked: changes.parked,
            released: changes.released,
        };
        // The store has a newer token: another process continues from the stored checkpoint.
        if !shared.store.write(&shared.name, write).await? {
            return Err(LeaseLost::Lease);
        }
        Ok(mark)
    };
    Step::Wrote(write.await)
}
