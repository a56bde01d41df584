//! Reads the checkpoints: when a reader needs them, periodically, and after notifications.

use std::sync::atomic::Ordering;
use std::time::Duration;

use event_sourcing::projection::Parked;
use event_sourcing::{FailureLog, StoreError, fields};
use futures::future::BoxFuture;
use serde::Deserialize;
use sql_database::Row;
use sql_database::mark::position;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgListener;
use tokio::time::Instant;

use super::{CHANNEL, CheckpointWatcher};
use crate::checkpoint::Checkpoint;
use crate::database::Database;
use crate::error::store_error;
use crate::statement::Statement;
use crate::version::ProjectionVersion;

/// Interval of polls while there are readers. Half of the maximum age of a cached answer, so that one late poll does
/// not disable the cache.
pub const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Interval of polls without readers. The first reader triggers a poll immediately.
pub const IDLE_POLL_INTERVAL: Duration = Duration::from_secs(2);

/// How long after the last read polling slows down. Longer than a read may wait.
const IDLE_AFTER: Duration = Duration::from_secs(5);

/// The pause before a lost listening connection is opened again.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

impl CheckpointWatcher {
    /// Reads the checkpoints unless this projection's was confirmed within `age`, and marks a reader as active, so that
    /// polls are frequent. Concurrent callers share one read, so that a slow database is not overloaded.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read.
    pub async fn ensure_fresh(
        &self,
        database: &Database,
        projection: ProjectionVersion,
        age: Duration,
    ) -> Result<(), StoreError> {
        // Set before the wake-up: the loop that it wakes must find a reader, or its next poll is an idle one.
        if !self.is_read.swap(true, Ordering::Relaxed) {
            self.read.notify_one();
        }
        self.refresh_if_older(database, projection, age).await
    }

    /// As [`ensure_fresh`](Self::ensure_fresh), without marking a reader as active: for health checks.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read.
    pub async fn refresh_if_older(
        &self,
        database: &Database,
        projection: ProjectionVersion,
        age: Duration,
    ) -> Result<(), StoreError> {
        let is_fresh = || self.with(projection, |sender| sender.borrow().is_fresh(age));
        if is_fresh() {
            return Ok(());
        }
        let _reading = self.reading.lock().await;
        // Another caller may have read while this one waited for the lock.
        if is_fresh() {
            return Ok(());
        }
        self.refresh(database).await
    }

    /// Reads the checkpoints now, independently of the polls.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read.
    pub async fn refresh(&self, database: &Database) -> Result<(), StoreError> {
        // Taken before the read, so that the age of a confirmation is never understated.
        let as_of = Instant::now();
        let rows: Vec<Row<CheckpointRow>> = database
            .in_background()
            .fetch_all(Statement::new(
                "read the checkpoints",
                "SELECT v.projection, v.schema_version, g.generation, g.position, g.caught_up, g.parked_position, \
                 g.parked_reason FROM read_model_versions AS v JOIN read_model_generations AS g \
                 ON g.projection = v.projection AND g.generation = v.generation",
            ))
            .await?;
        for Row(row) in rows {
            let (name, version) = (row.projection.clone(), row.schema_version);
            let read = row.into_checkpoint(as_of);
            self.each_version(&name, |followed, sender| {
                if i64::from(followed) == version {
                    sender.send_modify(|checkpoint| checkpoint.confirm(read.clone()));
                }
            });
        }
        Ok(())
    }

    /// Polls, and listens if the engine sends notifications. Never returns; drop the future to stop it.
    pub fn run<'f>(&'f self, database: &'f Database) -> BoxFuture<'f, ()> {
        Box::pin(async move {
            match database.notifying() {
                None => self.poll(database).await,
                Some(pool) => {
                    tokio::join!(self.poll(database), self.listen(database, pool));
                }
            }
        })
    }

    async fn poll(&self, database: &Database) {
        let mut read_at = None;
        let failures = FailureLog::new();
        loop {
            self.until_next_poll(&mut read_at).await;
            if let Err(error) = self.refresh(database).await {
                if let Some(suppressed) = failures.failed(Instant::now()) {
                    tracing::warn!(
                        { fields::ERROR } = &error as &dyn std::error::Error,
                        { fields::SUPPRESSED } = suppressed,
                        "the checkpoints cannot be read"
                    );
                }
            } else {
                failures.log_recovery(Instant::now(), "the checkpoints can be read again");
            }
        }
    }

    async fn until_next_poll(&self, read_at: &mut Option<Instant>) {
        if self.is_read.swap(false, Ordering::Relaxed) {
            *read_at = Some(Instant::now());
        }
        if read_at.is_some_and(|at| at.elapsed() < IDLE_AFTER) {
            tokio::time::sleep(POLL_INTERVAL).await;
        } else {
            // After a timeout or a reader's wake-up alike, the next step is a poll.
            let _woken = tokio::time::timeout(IDLE_POLL_INTERVAL, self.read.notified()).await;
        }
    }

    async fn listen(&self, database: &Database, pool: &sqlx::PgPool) {
        let failures = FailureLog::new();
        loop {
            if let Err(error) = self.listen_once(database, pool, &failures).await
                && let Some(suppressed) = failures.failed(Instant::now())
            {
                tracing::warn!(
                    { fields::ERROR } = &error as &dyn std::error::Error,
                    { fields::SUPPRESSED } = suppressed,
                    "listening for checkpoints was interrupted; polling continues"
                );
            }
            tokio::time::sleep(RECONNECT_PAUSE).await;
        }
    }

    async fn listen_once(
        &self,
        database: &Database,
        pool: &sqlx::PgPool,
        failures: &FailureLog,
    ) -> Result<(), StoreError> {
        let broken = |error| store_error("listen for checkpoints", error);
        let mut listener = PgListener::connect_with(pool).await.map_err(broken)?;
        let name = AssertSqlSafe(format!("SELECT {CHANNEL}"));
        let name = Statement::new("name the channel of checkpoints", name);
        let channels: Vec<(String,)> = database.fetch_all(name).await?;
        for (channel,) in &channels {
            listener.listen(channel).await.map_err(broken)?;
        }
        failures.log_recovery(Instant::now(), "listening for checkpoints again");
        loop {
            let first = listener.recv().await.map_err(broken)?;
            let mut is_newer = self.may_be_newer(first.payload());
            // One read covers all notifications that have arrived.
            while let Some(next) = listener.next_buffered() {
                is_newer |= self.may_be_newer(next.payload());
            }
            if is_newer {
                self.refresh(database).await?;
            }
        }
    }
}

#[derive(Deserialize)]
struct CheckpointRow {
    projection: String,
    schema_version: i64,
    generation: i64,
    position: i64,
    caught_up: i64,
    parked_position: Option<i64>,
    parked_reason: Option<String>,
}

impl CheckpointRow {
    fn into_checkpoint(self, as_of: Instant) -> Checkpoint {
        let parked = self.parked_position.map(|at| Parked {
            position: position(at),
            reason: self.parked_reason.unwrap_or_default(),
        });
        let is_built = self.caught_up == 1;
        Checkpoint::read(
            self.generation,
            position(self.position),
            is_built,
            parked,
            as_of,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn polls_are_frequent_only_while_there_are_readers() {
        let feed = CheckpointWatcher::default();
        let mut read_at = None;
        let mut pause = async || {
            let started = Instant::now();
            feed.until_next_poll(&mut read_at).await;
            // Timers have a resolution of about a millisecond.
            started.elapsed().as_millis() / 5 * 5
        };
        assert_eq!(pause().await, 2_000);
        let reader = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            feed.is_read.store(true, Ordering::Relaxed);
            feed.read.notify_one();
        };
        assert_eq!(tokio::join!(pause(), reader).0, 300);
        let mut polls = 0;
        while pause().await == 50 {
            polls += 1;
        }
        assert_eq!(polls, 100, "for five seconds");
        assert_eq!(pause().await, 2_000);
    }
}
