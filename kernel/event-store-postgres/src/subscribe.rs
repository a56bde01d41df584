//! Waiting for the head to move.
//!
//! One connection a process listens; what it hears goes to every waiting reader through a channel. A notification can
//! be lost with its connection, so the order is: first listen, then read the head, also after each reconnect. And
//! readers look by themselves from time to time, for a connection can die without a word.
//!
//! ```text
//!             ┌───────────────── lost ◄─────────────────┐
//!  connect ──►┴─► LISTEN ──► read the head ──► notified ─┴─► channel ──► wait_for
//!                                    ▲  silent for long │                   ▲
//!                                    └──────────────────┘          poll ────┘
//! ```

use std::time::Duration;

use event_sourcing::Position;
use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::read;

/// The channel that `append_events` notifies.
const CHANNEL: &str = "event_log";

/// A listening connection that heard nothing for so long is asked whether it still lives; later where readers poll
/// less often than that.
const SILENCE: Duration = Duration::from_secs(15);

/// The pauses between tries to listen again; they double.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// The head as far as this process knows it.
#[derive(Debug)]
pub(crate) struct Subscription {
    head: watch::Sender<Position>,
    poll_interval: Duration,
    /// When somebody last looked; who holds the lock is looking.
    looked: Mutex<Option<Instant>>,
    listener: Mutex<Option<JoinHandle<()>>>,
}

impl Subscription {
    /// Starts to listen. `own` is a pool of one connection for it.
    pub(crate) fn start(own: PgPool, poll_interval: Duration) -> Self {
        let head = watch::Sender::new(Position::START);
        let listener = tokio::spawn(listen(own, head.clone(), SILENCE.max(poll_interval)));
        Self {
            head,
            poll_interval,
            looked: Mutex::new(None),
            listener: Mutex::new(Some(listener)),
        }
    }

    /// Tells waiting readers of a head that somebody saw.
    pub(crate) fn seen(&self, head: Position) {
        publish(&self.head, head);
    }

    /// Waits until the head is at or above `position`.
    pub(crate) async fn wait_for(
        &self,
        pool: &PgPool,
        position: Position,
    ) -> Result<Position, sqlx::Error> {
        let mut heads = self.head.subscribe();
        loop {
            let waiting = heads.wait_for(|head| *head >= position);
            if let Ok(Ok(head)) = timeout(self.poll_interval, waiting).await {
                return Ok(*head);
            }
            self.look(pool).await?;
        }
    }

    /// Reads the head, unless another waiting reader just did.
    async fn look(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let mut looked = self.looked.lock().await;
        if looked.is_some_and(|at| at.elapsed() < self.poll_interval) {
            return Ok(());
        }
        let head = read::head(pool).await?;
        *looked = Some(Instant::now());
        self.seen(head);
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

async fn listen(own: PgPool, head: watch::Sender<Position>, silence: Duration) {
    let mut pause = RETRY.0;
    loop {
        let before = Instant::now();
        let error = follow(&own, &head, silence).await;
        if before.elapsed() > RETRY.1 {
            pause = RETRY.0;
        }
        tracing::warn!(
            error = error.as_ref().map(|e| e as &dyn std::error::Error),
            "lost the connection that listens for events; readers poll until it is back"
        );
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RETRY.1);
    }
}

/// Listens until the connection is lost; gives the error if there was one.
async fn follow(
    own: &PgPool,
    head: &watch::Sender<Position>,
    silence: Duration,
) -> Option<sqlx::Error> {
    let followed = async {
        let mut listener = PgListener::connect_with(own).await?;
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        publish(head, read::head(&mut listener).await?);
        loop {
            match timeout(silence, listener.try_recv()).await {
                Ok(Ok(Some(notification))) => {
                    // What is no number is not ours.
                    if let Ok(position) = notification.payload().parse() {
                        publish(head, Position(position));
                    }
                }
                Ok(Ok(None)) => return Ok(()),
                Ok(Err(error)) => return Err(error),
                Err(_) => {
                    let alive = timeout(SILENCE, read::head(&mut listener)).await;
                    publish(head, alive.unwrap_or(Err(sqlx::Error::PoolTimedOut))?);
                }
            }
        }
    };
    followed.await.err()
}

fn publish(head: &watch::Sender<Position>, seen: Position) {
    head.send_if_modified(|known| {
        let is_news = *known < seen;
        *known = seen.max(*known);
        is_news
    });
}
