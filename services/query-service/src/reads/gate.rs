//! Read your writes: a read waits until the rows are as new as its caller has seen.
//!
//! The gate answers with a position that the rows have reached for sure. It is known before the rows are read, so the
//! rows are at least that new; a snapshot that spans both would cost a transaction and say no more. A checkpoint that
//! was last confirmed long ago is read again first: a query database that lost its end in a crash is then noticed.

use std::sync::Arc;

use event_sourcing::{EventStore, Position};
use read_model_sql::{Checkpoint, Database};
use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use super::{At, ReadError};
use crate::cache::MAX_AGE;

/// How long a read waits before it asks how long the log is.
const PATIENCE: Duration = Duration::from_millis(10);

/// Lets the reads of one table through.
pub struct Gate {
    projection: &'static str,
    database: Database,
    log: Arc<dyn EventStore>,
    checkpoint: watch::Receiver<Checkpoint>,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Gate({})", self.projection)
    }
}

impl Gate {
    /// The gate of a projection.
    #[must_use]
    pub fn new(projection: &'static str, database: Database, log: Arc<dyn EventStore>) -> Self {
        Self {
            projection,
            checkpoint: database.feed().follow(projection),
            database,
            log,
        }
    }

    /// A position at or above `at.min` that the rows have reached. Waits for it until the deadline.
    ///
    /// # Errors
    /// [`ReadError`] says why they have not.
    pub async fn reach(&self, at: At) -> Result<Position, ReadError> {
        let feed = self.database.feed();
        feed.ensure_fresh(&self.database, self.projection, MAX_AGE)
            .await?;
        let position = self.checkpoint.borrow().position;
        if position >= at.min {
            return Ok(position);
        }
        feed.demand(self.projection, at.min);
        // Most waits are over in a moment. Only a longer one is worth asking the log whether there is anything to wait for.
        let patience = At {
            deadline: at.deadline.min(Instant::now() + PATIENCE),
            ..at
        };
        if let Ok(position) = self.wait(patience).await {
            return Ok(position);
        }
        let head = self.log.head().await?;
        if at.min > head {
            return Err(ReadError::AboveHead { min: at.min, head });
        }
        self.wait(at).await
    }

    async fn wait(&self, at: At) -> Result<Position, ReadError> {
        let mut checkpoint = self.checkpoint.clone();
        let settled =
            checkpoint.wait_for(|known| known.position >= at.min || known.parked.is_some());
        let known = match tokio::time::timeout_at(at.deadline, settled).await {
            Ok(Ok(known)) => Some((known.position, known.parked.is_some())),
            // The deadline passed, or the feed is gone because the service stops.
            Ok(Err(_)) | Err(_) => None,
        };
        match known {
            Some((position, _)) if position >= at.min => Ok(position),
            Some((position, _)) => Err(ReadError::Stalled {
                projection: self.projection,
                min: at.min,
                at: position,
            }),
            None => Err(ReadError::Behind {
                min: at.min,
                at: self.checkpoint.borrow().position,
            }),
        }
    }
}
