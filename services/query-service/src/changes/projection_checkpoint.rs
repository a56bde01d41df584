//! Waits until the rows reflect an event.

use std::time::Duration;

use event_sourcing::Position;
use read_model_sql::{Checkpoint, Database, ProjectionVersion};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::queries::ReadError;

/// How long a stream waits for the rows of a matching event before it ends as lagging.
const LAG_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a stream waits for the end of a build.
const BUILDING_TIMEOUT: Duration = Duration::from_secs(1);

/// The checkpoint of one projection.
#[derive(Debug)]
pub(super) struct ProjectionCheckpoint {
    projection: ProjectionVersion,
    checkpoint: watch::Receiver<Checkpoint>,
}

impl ProjectionCheckpoint {
    pub(super) fn new(projection: ProjectionVersion, database: &Database) -> Self {
        Self {
            projection,
            checkpoint: database.checkpoints().follow(projection),
        }
    }

    /// Waits until the rows have reached `min`, and returns their position. `last` is the last position that the caller
    /// needs: the runner then does not wait for more events before it writes the checkpoint.
    pub(super) async fn reach(
        &mut self,
        min: Position,
        last: Position,
        database: &Database,
    ) -> Result<Position, ReadError> {
        if self.checkpoint.borrow().position < last {
            database.checkpoints().request(self.projection, last);
        }
        let start = Instant::now();
        loop {
            let known = self.checkpoint.borrow_and_update().clone();
            if known.caught_up && known.position >= min {
                return Ok(known.position);
            }
            if known.is_stalled() {
                return Err(ReadError::Stalled {
                    projection: self.projection.name,
                    min,
                    at: known.position,
                });
            }
            let limit = if known.caught_up {
                LAG_TIMEOUT
            } else {
                BUILDING_TIMEOUT
            };
            let changed = timeout_at(start + limit, self.checkpoint.changed()).await;
            // The sender is part of the database, which the caller holds.
            if changed.is_err() {
                return Err(self.lagging(&known, min));
            }
        }
    }

    fn lagging(&self, known: &Checkpoint, min: Position) -> ReadError {
        if known.caught_up {
            let at = known.position;
            return ReadError::Behind { min, at };
        }
        ReadError::Building {
            projection: self.projection.name,
            at: known.position,
        }
    }
}
