//! Read your writes: a read waits until the rows are as new as its caller has seen.
//!
//! The gate returns a position that the rows have reached. It is known before they are read, so by then they may be newer:
//! an answer carries the position that is read together with its rows. A checkpoint that was last confirmed long ago is
//! read again first: a query database that lost its end in a crash is then noticed.
//!
//! Rows that have not caught up yet are not read at all: a total of them would be one of some moment in the past. A read
//! waits a moment for the end of a build, since that of a small log is over in one.

use std::sync::Arc;

use event_sourcing::{EventStore, Position};
use read_model_sql::{Checkpoint, Database, ProjectionVersion};
use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use super::{ReadError, ReadOptions};
use crate::cache::MAX_AGE;

/// How long a read waits before it asks how long the log is.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// How long a read waits for the end of a build.
const BUILDING_TIMEOUT: Duration = Duration::from_secs(1);

/// Rows that may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReachedPosition {
    /// They have reached this position for sure.
    pub position: Position,
    /// The generation that they are of.
    pub generation: i64,
}

/// Lets the reads of one table through.
pub struct ReadBarrier {
    projection: ProjectionVersion,
    database: Database,
    log: Arc<dyn EventStore>,
    checkpoint: watch::Receiver<Checkpoint>,
}

impl std::fmt::Debug for ReadBarrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Gate({})", self.projection)
    }
}

impl ReadBarrier {
    /// The gate of a projection.
    #[must_use]
    pub fn new(
        projection: ProjectionVersion,
        database: Database,
        log: Arc<dyn EventStore>,
    ) -> Self {
        Self {
            projection,
            checkpoint: database.checkpoints().follow(projection),
            database,
            log,
        }
    }

    /// A position at or above `read_options.min` that the rows have reached. Waits for it until the deadline.
    ///
    /// # Errors
    /// [`ReadError`] says why they have not.
    pub async fn reach(&self, at: ReadOptions) -> Result<ReachedPosition, ReadError> {
        let feed = self.database.checkpoints();
        feed.ensure_fresh(&self.database, self.projection, MAX_AGE)
            .await?;
        if !self.checkpoint.borrow().caught_up {
            self.build(at).await?;
        }
        if let Some(reached) = reached(&self.checkpoint.borrow(), at) {
            return Ok(reached);
        }
        feed.request(self.projection, at.min);
        // Most waits are over in a moment. Only a longer one is worth asking the log whether there is anything to wait for.
        let patience = ReadOptions {
            deadline: at.deadline.min(Instant::now() + POLL_INTERVAL),
            ..at
        };
        if let Ok(reached) = self.wait(patience).await {
            return Ok(reached);
        }
        let head = self.log.head().await?;
        if at.min > head {
            return Err(ReadError::AboveHead { min: at.min, head });
        }
        self.wait(at).await
    }

    /// The generation that the rows are of now.
    #[must_use]
    pub fn generation(&self) -> i64 {
        self.checkpoint.borrow().generation
    }

    /// Waits a moment for the end of a build.
    async fn build(&self, at: ReadOptions) -> Result<(), ReadError> {
        let mut checkpoint = self.checkpoint.clone();
        let until = at.deadline.min(Instant::now() + BUILDING_TIMEOUT);
        let ended = checkpoint.wait_for(|known| known.caught_up || known.parked.is_some());
        // The time, or the end of the feed because the service stops: what is known then is the answer.
        let _in_time = tokio::time::timeout_at(until, ended).await.is_ok();
        let known = self.checkpoint.borrow();
        if known.caught_up {
            return Ok(());
        }
        Err(self.unbuilt(&known, at))
    }

    async fn wait(&self, at: ReadOptions) -> Result<ReachedPosition, ReadError> {
        let mut checkpoint = self.checkpoint.clone();
        let settled = checkpoint.wait_for(|known| {
            reached(known, at).is_some() || known.parked.is_some() || !known.caught_up
        });
        // The deadline, or the end of the feed because the service stops: what is known then is the answer.
        let _in_time = tokio::time::timeout_at(at.deadline, settled).await.is_ok();
        let known = self.checkpoint.borrow();
        if let Some(reached) = reached(&known, at) {
            return Ok(reached);
        }
        if !known.caught_up {
            return Err(self.unbuilt(&known, at));
        }
        Err(match known.parked {
            Some(_) => self.stalled(&known, at),
            None => ReadError::Behind {
                min: at.min,
                at: known.position,
            },
        })
    }

    /// Why there are no rows to be read: a build that is parked does not end by itself.
    fn unbuilt(&self, known: &Checkpoint, at: ReadOptions) -> ReadError {
        if known.parked.is_some() {
            return self.stalled(known, at);
        }
        ReadError::Building {
            projection: self.projection.name,
            at: known.position,
        }
    }

    fn stalled(&self, known: &Checkpoint, at: ReadOptions) -> ReadError {
        ReadError::Stalled {
            projection: self.projection.name,
            min: at.min,
            at: known.position,
        }
    }
}

fn reached(known: &Checkpoint, at: ReadOptions) -> Option<ReachedPosition> {
    (known.caught_up && known.position >= at.min).then_some(ReachedPosition {
        position: known.position,
        generation: known.generation,
    })
}
