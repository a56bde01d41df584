//! Waits until the head reaches a position.
//!
//! One connection of each process listens. A notification is only a hint: any client may send one, with a position that
//! the log does not have. So positions are read from the table, and the payload decides only whether to read it. The
//! head goes to all waiting readers through a channel. Notifications are lost when the connection breaks, so the order
//! is: first listen, then read the head, also after each reconnect. Readers also poll, because a connection can die
//! silently.
//!
//! ```text
//!             ┌───────────────── lost ◄─────────────────┐
//!  connect ──►┴─► LISTEN ──► read the head ──► notified ─┴─► channel ──► wait_for
//!                                    ▲  silent for long │                   ▲
//!                                    └──────────────────┘          poll ────┘
//! ```
//!
//! The head can also decrease, when the database is restored from an older copy under a running process. Every read of
//! the log reports its head here, and of two reads the one that was sent later is correct.

use std::time::Duration;

use event_sourcing::{Backoff, FailureLog, Position, SteadyClock, fields};
use sql_database::NamedPool;
use sqlx::postgres::{PgListener, PgNotification, PgPool};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::read;

/// The channel that an append notifies; a migration defines the same name. It contains the schema, because one database
/// may hold several logs.
const CHANNEL: &str = "SELECT ('event_log_' || current_schema())::name::text";

/// A listening connection that receives nothing for this time is checked by reading the head; for the poll interval if
/// that is longer.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(15);

/// The first and the longest pause between attempts to listen again; pauses double.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// A head that was read.
#[derive(Clone, Copy, Debug)]
struct ObservedHead {
    head: Position,
    /// When this process received it.
    at: Instant,
}

/// The newest head that this process has read, and its readers.
#[derive(Debug)]
pub(crate) struct Subscription {
    seen: watch::Sender<ObservedHead>,
    clock: SteadyClock,
    poll_interval: Duration,
    /// When a reader last polled. The reader that holds the lock is polling, so that the others share its result.
    last_poll: Mutex<Option<Instant>>,
    listener: Mutex<Option<JoinHandle<()>>>,
}

impl Subscription {
    /// Starts listening. `own` is a pool with one connection for it.
    pub(crate) fn start(own: PgPool, clock: SteadyClock, poll_interval: Duration) -> Self {
        let seen = watch::Sender::new(ObservedHead {
            head: Position::START,
            at: Instant::now(),
        });
        let follower = Listener {
            own,
            seen: seen.clone(),
            clock: clock.clone(),
            silence: SILENCE_TIMEOUT.max(poll_interval),
            failures: FailureLog::new(),
        };
        let listener = tokio::spawn(follower.listen());
        Self {
            seen,
            clock,
            poll_interval,
            last_poll: Mutex::new(None),
            listener: Mutex::new(Some(listener)),
        }
    }

    /// Publishes a head to waiting readers. It was read by a statement sent at `asked_at`.
    pub(crate) fn seen(&self, head: Position, asked_at: Instant) {
        publish(&self.seen, head, asked_at);
    }

    /// Waits until the head is at or above `position`.
    pub(crate) async fn wait_for(
        &self,
        pool: &NamedPool,
        position: Position,
    ) -> Result<Position, sqlx::Error> {
        let mut seen = self.seen.subscribe();
        loop {
            let waiting = seen.wait_for(|seen| seen.head >= position);
            if let Ok(Ok(seen)) = timeout(self.poll_interval, waiting).await {
                return Ok(seen.head);
            }
            // The timeout is the poll: the listening connection may have died without an error.
            self.poll(pool).await?;
        }
    }

    /// Reads the head, unless another waiting reader just did.
    async fn poll(&self, pool: &NamedPool) -> Result<(), sqlx::Error> {
        let mut looked = self.last_poll.lock().await;
        // Checked under the lock: readers that waited for it use the result of the one that polled.
        if looked.is_some_and(|at| at.elapsed() < self.poll_interval) {
            return Ok(());
        }
        let asked_at = Instant::now();
        let head = read::head_of(pool, &self.clock).await?;
        // Only after a success: after an error the next reader polls again.
        *looked = Some(Instant::now());
        self.seen(head, asked_at);
        Ok(())
    }

    /// Stops listening.
    pub(crate) async fn close(&self) {
        if let Some(listener) = self.listener.lock().await.take() {
            listener.abort();
            // The only other result is a panic, which has been logged.
            let _ = listener.await;
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(listener) = self.listener.get_mut().take() {
            listener.abort();
        }
    }
}

/// The task that listens.
struct Listener {
    own: PgPool,
    seen: watch::Sender<ObservedHead>,
    clock: SteadyClock,
    silence: Duration,
    failures: FailureLog,
}

impl Listener {
    /// Never returns.
    async fn listen(self) {
        let mut backoff = Backoff::new(RETRY.0, RETRY.1);
        loop {
            let before = Instant::now();
            let error = self.follow().await;
            if before.elapsed() > RETRY.1 {
                // A connection that lasted is not part of a series of failures.
                backoff.reset();
            }
            if let Some(suppressed) = self.failures.failed(Instant::now()) {
                tracing::warn!(
                    { fields::ERROR } = error.as_ref().map(|e| e as &dyn std::error::Error),
                    { fields::SUPPRESSED } = suppressed,
                    "lost the connection that listens for events; readers poll until it is back"
                );
            }
            tokio::time::sleep(backoff.next_pause()).await;
        }
    }

    /// Listens until the connection is lost, and returns the error if there was one.
    async fn follow(&self) -> Option<sqlx::Error> {
        let followed = async {
            let mut listener = PgListener::connect_with(&self.own).await?;
            listener.eager_reconnect(false);
            let channel: String = sqlx::query_scalar(CHANNEL).fetch_one(&mut listener).await?;
            listener.listen(&channel).await?;
            // After `LISTEN`, so that an append in between is either read here or notified.
            self.read_head(&mut listener).await?;
            let failures = &self.failures;
            failures.log_recovery(
                Instant::now(),
                "the connection that listens for events is restored",
            );
            loop {
                let must_read = match timeout(self.silence, listener.try_recv()).await {
                    Ok(Ok(Some(first))) => {
                        let mut is_newer = may_be_newer(&first, &self.seen);
                        // One read covers all notifications that have arrived.
                        while let Some(next) = listener.next_buffered() {
                            is_newer |= may_be_newer(&next, &self.seen);
                        }
                        is_newer
                    }
                    Ok(Ok(None)) => return Ok(()),
                    Ok(Err(error)) => return Err(error),
                    Err(_) => true,
                };
                if must_read {
                    // A dead connection may never return an error, so the read has a timeout of its own.
                    let looked = timeout(SILENCE_TIMEOUT, self.read_head(&mut listener)).await;
                    looked.unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
                }
            }
        };
        followed.await.err()
    }

    async fn read_head(&self, listener: &mut PgListener) -> Result<(), sqlx::Error> {
        let asked_at = Instant::now();
        let head = read::head(listener, &self.clock).await?;
        publish(&self.seen, head, asked_at);
        Ok(())
    }
}

/// Whether a read may return a higher head. Most notifications come from this process's own appends, whose results
/// arrived earlier.
fn may_be_newer(notification: &PgNotification, seen: &watch::Sender<ObservedHead>) -> bool {
    let notified = notification.payload().parse().map(Position);
    notified.map_or(true, |notified| notified > seen.borrow().head)
}

/// Publishes a head. A lower head than the last one is a result that was overtaken by a newer one, unless its statement
/// was sent after that one arrived: then the log was truncated by a restore.
fn publish(seen: &watch::Sender<ObservedHead>, head: Position, asked_at: Instant) {
    seen.send_if_modified(|known| {
        let is_overtaken = head < known.head && asked_at <= known.at;
        if head == known.head || is_overtaken {
            return false;
        }
        if head < known.head {
            tracing::warn!(
                { fields::POSITION } = head.0,
                "the head of the log has decreased: the database was restored from an older copy"
            );
        }
        *known = ObservedHead {
            head,
            at: Instant::now(),
        };
        true
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(head: u64) -> watch::Sender<ObservedHead> {
        watch::Sender::new(ObservedHead {
            head: Position(head),
            at: Instant::now(),
        })
    }

    #[test]
    fn an_overtaken_result_does_not_decrease_the_head() {
        let before = Instant::now();
        let seen = known(9);
        publish(&seen, Position(7), before);
        assert_eq!(seen.borrow().head, Position(9));
        publish(&seen, Position(10), before);
        assert_eq!(seen.borrow().head, Position(10));
    }

    #[test]
    fn a_lower_head_from_a_later_read_is_that_of_a_restored_log() {
        let seen = known(9);
        let after = seen.borrow().at + Duration::from_micros(1);
        publish(&seen, Position(7), after);
        assert_eq!(seen.borrow().head, Position(7));
    }
}
