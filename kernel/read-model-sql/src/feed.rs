//! How far the checkpoints are, as this process knows them.
//!
//! Three sources move the feed, and each alone would do: the runner in this process tells it after its commit,
//! PostgreSQL notifies on behalf of runners in other processes, and a poll reads the checkpoints themselves. A
//! notification is a hint to read them now and no more, for anybody may send one. The poll stays because a notification
//! can be lost with its connection, and because only a read *confirms*: what was seen at a position is known to be all
//! there was at the moment `as_of`.
//!
//! A checkpoint can fall back: a query database gives up its last moments in a crash. A poll that began after the
//! last notification and reads a lower position therefore wins over what was heard before.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use event_sourcing::projection::Parked;
use event_sourcing::{Position, StoreError};
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgListener;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use crate::database::Database;
use crate::error::store_error;
use crate::statement::Statement;

/// How often the checkpoints are read. Half of the time that a cached answer may be old, so that a late poll does not
/// switch the cache off.
pub const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The channel that PostgreSQL notifies, as an expression. It carries the schema, because one database may hold several
/// read models; a long one is cut off where a name ends.
pub(crate) const CHANNEL: &str = "('read_model_' || current_schema())::name::text";

/// The pause before a listener that lost its connection tries again.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// What is known of a projection's active generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The active generation; 0 until the first read.
    pub generation: i64,
    /// The rows are the fold of all events up to here, at least.
    pub position: Position,
    /// Why it stands still, if it does.
    pub parked: Option<Parked>,
    /// The moment at which `position` was at or above the checkpoint in the database; none before the first read.
    pub as_of: Option<Instant>,
    heard_at: Option<Instant>,
}

impl Default for Checkpoint {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

impl Checkpoint {
    const UNKNOWN: Self = Self {
        generation: 0,
        position: Position::START,
        parked: None,
        as_of: None,
        heard_at: None,
    };

    /// Whether it was confirmed within `age` before now.
    #[must_use]
    pub fn is_fresh(&self, age: Duration) -> bool {
        self.as_of.is_some_and(|as_of| as_of.elapsed() <= age)
    }

    fn hear(&mut self, generation: i64, position: Position) -> bool {
        if generation != self.generation || position <= self.position {
            return false;
        }
        self.position = position;
        self.heard_at = Some(Instant::now());
        true
    }

    fn confirm(&mut self, read: Self) {
        let heard_since = self.heard_at > read.as_of;
        let is_ahead = self.generation == read.generation && self.position > read.position;
        if is_ahead && heard_since {
            self.as_of = read.as_of;
        } else {
            *self = Self {
                heard_at: self.heard_at,
                ..read
            };
        }
    }
}

/// Tells readers how far each projection is.
#[derive(Debug, Default)]
pub struct Feed {
    checkpoints: Mutex<HashMap<String, watch::Sender<Checkpoint>>>,
    demands: Mutex<HashMap<String, watch::Sender<Position>>>,
    reading: tokio::sync::Mutex<()>,
}

impl Feed {
    /// Follows a projection's checkpoint. The value moves when the position moves, and with every confirmation.
    #[must_use]
    pub fn follow(&self, projection: &str) -> watch::Receiver<Checkpoint> {
        self.with(projection, watch::Sender::subscribe)
    }

    /// A reader waits for the projection to come to `position`: a runner in this process need not rest before it has.
    /// Only the last demand counts, so that one for a position that never comes is soon forgotten.
    pub fn demand(&self, projection: &str, position: Position) {
        self.with_demand(projection, |sender| sender.send_replace(position));
    }

    /// The position that a reader waited for last.
    pub(crate) fn demanded(&self, projection: &str) -> watch::Receiver<Position> {
        self.with_demand(projection, watch::Sender::subscribe)
    }

    /// A checkpoint that was committed.
    pub(crate) fn hear(&self, projection: &str, generation: i64, position: Position) {
        self.with(projection, |sender| {
            sender.send_if_modified(|checkpoint| checkpoint.hear(generation, position));
        });
    }

    /// Reads the checkpoints unless this projection's was confirmed within `age`. Those who ask meanwhile share the read,
    /// so that a database that is late is not asked by everybody at once.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read.
    pub async fn ensure_fresh(
        &self,
        database: &Database,
        projection: &str,
        age: Duration,
    ) -> Result<(), StoreError> {
        let is_fresh = || self.with(projection, |sender| sender.borrow().is_fresh(age));
        if is_fresh() {
            return Ok(());
        }
        let _reading = self.reading.lock().await;
        if is_fresh() {
            return Ok(());
        }
        self.refresh(database).await
    }

    /// Reads the checkpoints now, beside the polling.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read.
    pub async fn refresh(&self, database: &Database) -> Result<(), StoreError> {
        let as_of = Instant::now();
        let rows: Vec<CheckpointRow> = database
            .in_background()
            .fetch_all(Statement::new(
                "read the checkpoints",
                "SELECT g.projection, g.generation, g.position, g.parked_position, g.parked_reason \
                 FROM read_model_active AS a JOIN read_model_generations AS g \
                 ON g.projection = a.projection AND g.generation = a.generation",
            ))
            .await?;
        for row in rows {
            let name = row.projection.clone();
            let read = row.into_checkpoint(as_of);
            self.with(&name, |sender| {
                sender.send_modify(|checkpoint| checkpoint.confirm(read));
            });
        }
        Ok(())
    }

    /// Keeps the feed moving: polls, and listens where the engine notifies. Never returns; drop it to stop.
    pub async fn run(&self, database: &Database) {
        match database.notifying() {
            None => self.poll(database).await,
            Some(pool) => {
                let listening = self.listen(database, pool);
                tokio::join!(self.poll(database), Box::pin(listening));
            }
        }
    }

    async fn poll(&self, database: &Database) {
        let mut ticks = tokio::time::interval(POLL_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_down = false;
        loop {
            ticks.tick().await;
            match self.refresh(database).await {
                Ok(()) if is_down => {
                    is_down = false;
                    tracing::info!("the checkpoints can be read again");
                }
                Err(error) if !is_down => {
                    is_down = true;
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the checkpoints cannot be read"
                    );
                }
                Ok(()) | Err(_) => {}
            }
        }
    }

    async fn listen(&self, database: &Database, pool: &sqlx::PgPool) {
        loop {
            if let Err(error) = self.listen_once(database, pool).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "listening for checkpoints was interrupted; polling goes on"
                );
            }
            tokio::time::sleep(RECONNECT_PAUSE).await;
        }
    }

    async fn listen_once(
        &self,
        database: &Database,
        pool: &sqlx::PgPool,
    ) -> Result<(), StoreError> {
        let broken = |error| store_error("listen for checkpoints", error);
        let mut listener = PgListener::connect_with(pool).await.map_err(broken)?;
        let name = AssertSqlSafe(format!("SELECT {CHANNEL}"));
        let name = Statement::new("name the channel of checkpoints", name);
        let channels: Vec<(String,)> = database.fetch_all(name).await?;
        for (channel,) in &channels {
            listener.listen(channel).await.map_err(broken)?;
        }
        loop {
            let first = listener.recv().await.map_err(broken)?;
            let mut is_news = self.may_be_news(first.payload());
            // Those that came meanwhile are answered by the same look.
            while let Some(next) = listener.next_buffered() {
                is_news |= self.may_be_news(next.payload());
            }
            if is_news {
                self.refresh(database).await?;
            }
        }
    }

    /// Whether a look may show more than is known. A notification is a hint, which anybody may send; positions come from
    /// the tables.
    fn may_be_news(&self, payload: &str) -> bool {
        parse(payload).is_none_or(|(projection, generation, position)| {
            let checkpoints = self
                .checkpoints
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            checkpoints.get(projection).is_none_or(|sender| {
                let known = sender.borrow();
                known.generation == generation && known.position < position
            })
        })
    }

    fn with<T>(&self, projection: &str, use_it: impl FnOnce(&watch::Sender<Checkpoint>) -> T) -> T {
        with_sender(&self.checkpoints, projection, Checkpoint::UNKNOWN, use_it)
    }

    fn with_demand<T>(
        &self,
        projection: &str,
        use_it: impl FnOnce(&watch::Sender<Position>) -> T,
    ) -> T {
        with_sender(&self.demands, projection, Position::START, use_it)
    }
}

fn with_sender<V, T>(
    senders: &Mutex<HashMap<String, watch::Sender<V>>>,
    projection: &str,
    first: V,
    use_it: impl FnOnce(&watch::Sender<V>) -> T,
) -> T {
    let mut senders = senders.lock().unwrap_or_else(PoisonError::into_inner);
    if !senders.contains_key(projection) {
        senders.insert(projection.to_owned(), watch::Sender::new(first));
    }
    use_it(&senders[projection])
}

/// What a notification says.
pub(crate) fn payload(projection: &str, generation: i64, position: Position) -> String {
    format!("{projection} {generation} {position}")
}

fn parse(payload: &str) -> Option<(&str, i64, Position)> {
    let mut parts = payload.split(' ');
    let name = parts.next()?;
    let generation = parts.next()?.parse().ok()?;
    let position = parts.next()?.parse().ok()?;
    Some((name, generation, Position(position)))
}

struct CheckpointRow {
    projection: String,
    generation: i64,
    position: i64,
    parked_position: Option<i64>,
    parked_reason: Option<String>,
}

crate::from_row!(CheckpointRow {
    projection,
    generation,
    position,
    parked_position,
    parked_reason,
});

impl CheckpointRow {
    fn into_checkpoint(self, as_of: Instant) -> Checkpoint {
        Checkpoint {
            generation: self.generation,
            position: position(self.position),
            parked: self.parked_position.map(|at| Parked {
                position: position(at),
                reason: self.parked_reason.unwrap_or_default(),
            }),
            as_of: Some(as_of),
            heard_at: None,
        }
    }
}

/// A stored position; never negative.
pub(crate) fn position(stored: i64) -> Position {
    Position(u64::try_from(stored).unwrap_or(0))
}

/// A position as it is stored. The log ends long before `i64` does.
pub(crate) fn stored(position: Position) -> i64 {
    i64::try_from(position.0).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(position: u64, as_of: Instant) -> Checkpoint {
        Checkpoint {
            generation: 1,
            position: Position(position),
            as_of: Some(as_of),
            ..Checkpoint::UNKNOWN
        }
    }

    #[test]
    fn a_poll_that_began_before_the_last_notification_does_not_take_it_back() {
        let before = Instant::now();
        let mut checkpoint = read(5, before);
        assert!(checkpoint.hear(1, Position(9)));
        checkpoint.confirm(read(7, before));
        assert_eq!(checkpoint.position, Position(9));
        assert_eq!(checkpoint.as_of, Some(before));
    }

    #[test]
    fn a_later_poll_that_reads_less_shows_that_the_database_lost_its_end() {
        let mut checkpoint = read(5, Instant::now());
        assert!(checkpoint.hear(1, Position(9)));
        let after = Instant::now() + Duration::from_millis(1);
        checkpoint.confirm(read(7, after));
        assert_eq!(checkpoint.position, Position(7));
    }

    #[test]
    fn a_notification_of_another_generation_is_not_a_checkpoint_of_the_active_one() {
        let mut checkpoint = read(5, Instant::now());
        assert!(!checkpoint.hear(2, Position(9)));
        assert_eq!(checkpoint.position, Position(5));
    }

    #[test]
    fn a_notification_is_read_back() {
        let text = payload("products", 3, Position(17));
        assert_eq!(parse(&text), Some(("products", 3, Position(17))));
        assert_eq!(parse("products 3"), None);
    }
}
