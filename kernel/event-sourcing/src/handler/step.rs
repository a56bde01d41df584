//! What a handler waits for, each as a future whose end is a step of its work.

use std::sync::Arc;

use tokio::time::{Duration, Instant, sleep, sleep_until, timeout};

use super::keys::{Changes, NextEvent};
use super::reactions::Handled;
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

/// How old decisions may be that an event is delivered by.
const DECISIONS_MAX_AGE: Duration = Duration::from_secs(1);

/// What has ended.
pub(super) enum Step {
    /// The log was read, and what was decided until then.
    Read(Box<Reading>),
    /// One try.
    Tried {
        stream: StreamId,
        handled: Handled,
        attempt: u32,
    },
    /// The pause after a try.
    Rested(StreamId),
    /// A parked stream was read.
    Replayed(StreamId, Result<StreamPage, StoreError>),
    /// Checkpoint and parked streams were written.
    Wrote(Result<LogMark, LeaseLost>),
}

impl Step {
    /// Whether it says what became of an event, or of what is kept of it.
    pub(super) fn is_delivery(&self) -> bool {
        matches!(self, Self::Tried { .. } | Self::Wrote(_))
    }
}

/// The reader of the log, with the decisions that are to be obeyed by then.
pub(super) struct Reading {
    pub(super) reader: LogReader,
    pub(super) decisions: Decisions<HandlerControl>,
    pub(super) decided_at: Instant,
    /// Whether decisions were read, with the page or alone.
    pub(super) is_decided: bool,
    /// The end of the log, if no page says it.
    pub(super) head: Option<Position>,
    /// Nothing if only decisions were to be read.
    pub(super) page: Option<LogPage>,
    /// The last event of it.
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

/// Waits for the next page, and reads it, and then what was decided: at once if `wakes` says that a decision may be what
/// the log has grown by. Where decisions were read past (`is_undecided`) it does not wait longer than they may be old.
pub(super) async fn read<H: EventHandler>(
    shared: &Shared<H>,
    mut reading: Reading,
    wakes: bool,
    is_undecided: bool,
) -> Step {
    let read = async {
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
        if wakes || reading.is_old() {
            reading.refresh(shared).await?;
        }
        Ok(())
    };
    reading.error = read.await.err();
    Step::Read(Box::new(reading))
}

/// Reads what was decided, and nothing else.
pub(super) async fn decide<H: EventHandler>(
    shared: &Shared<H>,
    mut reading: Reading,
    at: Instant,
) -> Step {
    sleep_until(at).await;
    let read = async {
        // The handler is paused or full, and the log grows.
        reading.head = Some(shared.subscription.log().head().await?);
        reading.refresh(shared).await
    };
    reading.error = read.await.err();
    Step::Read(Box::new(reading))
}

/// Has the handler try an event.
pub(super) async fn attempt<H: EventHandler>(shared: &Shared<H>, turn: NextEvent) -> Step {
    let NextEvent {
        stream,
        entry,
        attempt,
    } = turn;
    let handled = match &entry {
        Entry::Unreadable(unreadable) => Err(HandlerError::permanent(&unreadable.reason)),
        Entry::Event(envelope) => {
            let delivery = Delivery {
                handler: &shared.name,
                envelope,
                attempt,
            };
            let run = shared.react(delivery, envelope);
            timeout(shared.config.attempt_timeout, run)
                .await
                .unwrap_or_else(|_| Err(HandlerError::retryable("it did not end in time")))
        }
    };
    Step::Tried {
        stream,
        handled,
        attempt,
    }
}

/// Waits before the next try.
pub(super) async fn pause(stream: StreamId, pause: Duration) -> Step {
    sleep(pause).await;
    Step::Rested(stream)
}

/// Reads a parked stream on.
pub(super) async fn replay<H: EventHandler>(
    shared: &Shared<H>,
    stream: StreamId,
    after: Version,
) -> Step {
    let log = Arc::clone(shared.subscription.log());
    let page = log.read_stream(&stream, after, replay::PAGE).await;
    Step::Replayed(stream, page)
}

/// Writes what has changed.
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
        if !shared.store.write(&shared.name, write).await? {
            return Err(LeaseLost::Lease);
        }
        Ok(mark)
    };
    Step::Wrote(write.await)
}
