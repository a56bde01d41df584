//! Read your writes: a read waits until the rows are at least as new as the position that its caller has seen.
//!
//! The barrier returns a position that the rows have reached. They may be newer by the time they are read, so an answer
//! carries the position that is read together with its rows. A checkpoint without recent confirmation is read again
//! first; this detects a query database that lost its latest commits in a crash.
//!
//! Rows of a build that has not caught up are not read at all: totals over them would describe an arbitrary moment in
//! the past. A read waits briefly for the end of a build, since a small log is built in a moment.

use std::sync::Arc;

use event_sourcing::{EventStore, Position, StoreError};
use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use crate::checkpoint::Checkpoint;
use crate::database::Database;
use crate::version::ProjectionVersion;

/// The age up to which a confirmation of a checkpoint counts as recent.
pub const MAX_AGE: Duration = Duration::from_millis(100);

/// How long a read waits before it reads the log's head.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// How long a read waits for the end of a build.
const BUILDING_TIMEOUT: Duration = Duration::from_secs(1);

/// The options of all reads of a request.
#[derive(Clone, Copy, Debug)]
pub struct ReadOptions {
    /// The result reflects at least this position.
    pub min: Position,
    /// The end of waiting for the position.
    pub deadline: Instant,
}

/// Why a read failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The rows did not reach the position before the deadline.
    #[error("the read side is at position {at}, timed out waiting for {min}")]
    Behind {
        /// The requested minimum.
        min: Position,
        /// The position of the rows.
        at: Position,
    },
    /// The rows are being built and have not reached the head of the log yet.
    #[error("the read model {projection} is being built and is at position {at}")]
    Building {
        /// Its name.
        projection: &'static str,
        /// The position of the build.
        at: Position,
    },
    /// A projection is parked or paused below the position.
    #[error("the projection {projection} is parked or paused at position {at}, below {min}")]
    Stalled {
        /// Its name.
        projection: &'static str,
        /// The requested minimum.
        min: Position,
        /// The position of the rows.
        at: Position,
    },
    /// The position is not in the log.
    #[error("position {min} is above the head {head}")]
    AboveHead {
        /// The requested minimum.
        min: Position,
        /// The position of the last event.
        head: Position,
    },
    /// A database failed.
    #[error("the read side's database failed")]
    Store(#[from] StoreError),
}

/// The state of the rows that may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReachedPosition {
    /// A lower bound of the rows' position.
    pub position: Position,
    /// The generation of the table.
    pub generation: i64,
}

/// Delays the reads of one table until its rows are new enough.
pub struct ReadBarrier {
    projection: ProjectionVersion,
    database: Database,
    log: Arc<dyn EventStore>,
    checkpoint: watch::Receiver<Checkpoint>,
}

impl std::fmt::Debug for ReadBarrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReadBarrier({})", self.projection)
    }
}

impl ReadBarrier {
    /// The barrier of a projection.
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

    /// Waits until the rows have reached `at.min`, at most until the deadline. Returns their position.
    ///
    /// # Errors
    /// [`ReadError`] with the reason why they have not.
    pub async fn reach(&self, at: ReadOptions) -> Result<ReachedPosition, ReadError> {
        let feed = self.database.checkpoints();
        feed.ensure_fresh(&self.database, self.projection, MAX_AGE)
            .await?;
        if !self.checkpoint.borrow().caught_up {
            self.wait_for_build(at).await?;
        }
        if let Some(reached) = reached(&self.checkpoint.borrow(), at) {
            return Ok(reached);
        }
        feed.request(self.projection, at.min);
        // Most waits are short. Only a longer one justifies a read of the log's head, which shows whether the
        // position can be reached at all.
        let short_wait = ReadOptions {
            deadline: at.deadline.min(Instant::now() + POLL_INTERVAL),
            ..at
        };
        if let Ok(reached) = self.wait(short_wait).await {
            return Ok(reached);
        }
        let head = self.log.head().await?;
        if at.min > head {
            return Err(ReadError::AboveHead { min: at.min, head });
        }
        self.wait(at).await
    }

    /// The current generation of the table.
    #[must_use]
    pub fn generation(&self) -> i64 {
        self.checkpoint.borrow().generation
    }

    /// Waits briefly for the end of a build.
    async fn wait_for_build(&self, at: ReadOptions) -> Result<(), ReadError> {
        let mut checkpoint = self.checkpoint.clone();
        let until = at.deadline.min(Instant::now() + BUILDING_TIMEOUT);
        let ended = checkpoint.wait_for(|known| known.caught_up || known.is_stalled());
        // On a timeout, or when the feed closes because the service stops, the last known checkpoint decides.
        let _in_time = tokio::time::timeout_at(until, ended).await.is_ok();
        let known = self.checkpoint.borrow();
        if known.caught_up {
            return Ok(());
        }
        Err(self.building_error(&known, at))
    }

    async fn wait(&self, at: ReadOptions) -> Result<ReachedPosition, ReadError> {
        let mut checkpoint = self.checkpoint.clone();
        let settled = checkpoint.wait_for(|known| {
            reached(known, at).is_some() || known.is_stalled() || !known.caught_up
        });
        // On the deadline, or when the feed closes because the service stops, the last known checkpoint decides.
        let _in_time = tokio::time::timeout_at(at.deadline, settled).await.is_ok();
        let known = self.checkpoint.borrow();
        if let Some(reached) = reached(&known, at) {
            return Ok(reached);
        }
        if !known.caught_up {
            return Err(self.building_error(&known, at));
        }
        if known.is_stalled() {
            return Err(self.stalled(&known, at));
        }
        Err(ReadError::Behind {
            min: at.min,
            at: known.position,
        })
    }

    /// Why the rows cannot be read yet. A parked or paused build is reported as stalled, because it does not resume by
    /// itself.
    fn building_error(&self, known: &Checkpoint, at: ReadOptions) -> ReadError {
        if known.is_stalled() {
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
