//! Waiting for the head to move.
//!
//! One connection a process listens. A notification is a hint to look and no more: anybody may send one, also with a
//! position that the log does not have. So positions come from the table alone, and what a notification says decides only
//! whether to read it. What was read goes to every waiting reader through a channel. A notification can be lost with its
//! connection, so the order is: first listen, then read the head, also after each reconnect. And readers look by
//! themselves from time to time, for a connection can die without a word.
//!
//! ```text
//!             ┌───────────────── lost ◄─────────────────┐
//!  connect ──►┴─► LISTEN ──► read the head ──► notified ─┴─► channel ──► wait_for
//!                                    ▲  silent for long │                   ▲
//!                                    └──────────────────┘          poll ────┘
//! ```
//!
//! The head can also fall: the database was restored from an older copy under a running process. Every reading of the
//! log says so here, and the later one of two readings is the true one.

use std::time::Duration;

use event_sourcing::{Backoff, FailureLog, Position, SteadyClock, fields};
use sql_database::NamedPool;
use sqlx::postgres::{PgListener, PgNotification, PgPool};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::read;

/// The channel that an append notifies, as the migration that names it has it. It carries the schema, because one
/// database may hold several logs.
const CHANNEL: &str = "SELECT ('event_log_' || current_schema())::name::text";

/// A listening connection that heard nothing for so long is asked whether it still lives; later where readers poll
/// less often than that.
const SILENCE: Duration = Duration::from_secs(15);

/// The pauses between tries to listen again; they double.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// The head as it was read.
#[derive(Clone, Copy, Debug)]
struct Seen {
    head: Position,
    /// When it was known here.
    at: Instant,
}

/// The head as far as this process knows it.
#[derive(Debug)]
pub(crate) struct Subscription {
    seen: watch::Sender<Seen>,
    clock: SteadyClock,
    poll_interval: Duration,
    /// When somebody last looked; who holds the lock is looking.
    looked: Mutex<Option<Instant>>,
    listener: Mutex<Option<JoinHandle<()>>>,
}

impl Subscription {
    /// Starts to listen. `own` is a pool of one connection for it.
    pub(crate) fn start(own: PgPool, clock: SteadyClock, poll_interval: Duration) -> Self {
        let seen = watch::Sender::new(Seen {
            head: Position::START,
            at: Instant::now(),
        });
        let follower = Follower {
            own,
            seen: seen.clone(),
            clock: clock.clone(),
            silence: SILENCE.max(poll_interval),
            failures: FailureLog::new(),
        };
        let listener = tokio::spawn(follower.listen());
        Self {
            seen,
            clock,
            poll_interval,
            looked: Mutex::new(None),
            listener: Mutex::new(Some(listener)),
        }
    }

    /// Tells waiting readers of a head that the log showed to a statement sent at `asked_at`.
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
            self.look(pool).await?;
        }
    }

    /// Reads the head, unless another waiting reader just did.
    async fn look(&self, pool: &NamedPool) -> Result<(), sqlx::Error> {
        let mut looked = self.looked.lock().await;
        if looked.is_some_and(|at| at.elapsed() < self.poll_interval) {
            return Ok(());
        }
        let asked_at = Instant::now();
        let head = read::head_of(pool, &self.clock).await?;
        *looked = Some(Instant::now());
        self.seen(head, asked_at);
        Ok(())
    }

    /// Stops to listen.
    pub(crate) async fn close(&self) {
        if let Some(listener) = self.listener.lock().await.take() {
            listener.abort();
            // The only other end is a panic, which the log has.
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

/// What listens.
struct Follower {
    own: PgPool,
    seen: watch::Sender<Seen>,
    clock: SteadyClock,
    silence: Duration,
    failures: FailureLog,
}

impl Follower {
    /// Never returns.
    async fn listen(self) {
        let mut backoff = Backoff::new(RETRY.0, RETRY.1);
        loop {
            let before = Instant::now();
            let error = self.follow().await;
            if before.elapsed() > RETRY.1 {
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

    /// Listens until the connection is lost; gives the error if there was one.
    async fn follow(&self) -> Option<sqlx::Error> {
        let followed = async {
            let mut listener = PgListener::connect_with(&self.own).await?;
            listener.eager_reconnect(false);
            let channel: String = sqlx::query_scalar(CHANNEL).fetch_one(&mut listener).await?;
            listener.listen(&channel).await?;
            self.read_head(&mut listener).await?;
            let failures = &self.failures;
            failures.log_recovery(Instant::now(), "events are listened for again");
            loop {
                let must_look = match timeout(self.silence, listener.try_recv()).await {
                    Ok(Ok(Some(first))) => {
                        let mut is_news = may_be_news(&first, &self.seen);
                        // Those that came meanwhile are answered by the same look.
                        while let Some(next) = listener.next_buffered() {
                            is_news |= may_be_news(&next, &self.seen);
                        }
                        is_news
                    }
                    Ok(Ok(None)) => return Ok(()),
                    Ok(Err(error)) => return Err(error),
                    Err(_) => true,
                };
                if must_look {
                    let looked = timeout(SILENCE, self.read_head(&mut listener)).await;
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

/// Whether a look may show more than is known. Most notifications are of this process's own appends, whose answers were
/// faster.
fn may_be_news(notification: &PgNotification, seen: &watch::Sender<Seen>) -> bool {
    let claimed = notification.payload().parse().map(Position);
    claimed.map_or(true, |claimed| claimed > seen.borrow().head)
}

/// A lower head than the known one is an old answer that was overtaken, unless it was asked for afterwards: then the log
/// has lost its end.
fn publish(seen: &watch::Sender<Seen>, head: Position, asked_at: Instant) {
    seen.send_if_modified(|known| {
        let is_overtaken = head < known.head && asked_at <= known.at;
        if head == known.head || is_overtaken {
            return false;
        }
        if head < known.head {
            tracing::warn!(
                { fields::POSITION } = head.0,
                "the log ends before what was read of it: it was restored from an older copy"
            );
        }
        *known = Seen {
            head,
            at: Instant::now(),
        };
        true
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(head: u64) -> watch::Sender<Seen> {
        watch::Sender::new(Seen {
            head: Position(head),
            at: Instant::now(),
        })
    }

    #[test]
    fn an_answer_that_was_overtaken_does_not_take_the_head_back() {
        let before = Instant::now();
        let seen = known(9);
        publish(&seen, Position(7), before);
        assert_eq!(seen.borrow().head, Position(9));
        publish(&seen, Position(10), before);
        assert_eq!(seen.borrow().head, Position(10));
    }

    #[test]
    fn a_later_reading_that_shows_less_shows_a_restored_log() {
        let seen = known(9);
        let after = seen.borrow().at + Duration::from_micros(1);
        publish(&seen, Position(7), after);
        assert_eq!(seen.borrow().head, Position(7));
    }
}
