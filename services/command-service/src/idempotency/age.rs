//! How old a key is.
//!
//! On PostgreSQL the clock is the server's, and a key is as old as that says. A process on SQLite has only the clock of
//! its machine, which may have been set while the process was down: then it forgets a key only once it has also run for
//! as long as a key is kept. The time for which it has run is noted from time to time; what a crash takes of it keeps
//! keys a little longer.

use std::sync::Arc;
use std::time::Duration;

use command_database::{CommandDatabase, DatabaseError};
use event_sourcing::Clock;
use sql_database::Statement;

use super::{KEPT, LEASE};

const READ: &str = "SELECT micros FROM running_time";
const NOTE: &str = "\
    INSERT INTO running_time (only_row, micros) VALUES (1, $1) \
    ON CONFLICT (only_row) DO UPDATE SET micros = excluded.micros";

/// The clock by which keys age. All clones are one.
#[derive(Clone, Debug)]
pub struct KeyClock {
    clock: Arc<dyn Clock>,
    /// Nothing where the clock alone decides.
    runs: Option<Run>,
}

/// For how long the service has run, in microseconds.
#[derive(Clone, Copy, Debug)]
struct Run {
    before: i64,
    started_at: i64,
}

/// A moment, in microseconds by both measures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) at: i64,
    pub(super) ran: i64,
}

impl KeyClock {
    /// That of the keys in `database`, from now on.
    ///
    /// # Errors
    /// The database failed.
    pub async fn start(
        database: &CommandDatabase,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, DatabaseError> {
        let runs = if database.is_sqlite() {
            let read = Statement::new("read the running time", READ);
            let before: Option<(i64,)> = database.fetch_optional(read).await?;
            Some(Run {
                before: before.map_or(0, |(micros,)| micros),
                started_at: clock.now().timestamp_micros(),
            })
        } else {
            None
        };
        Ok(Self { clock, runs })
    }

    pub(super) fn now(&self) -> Moment {
        let at = self.clock.now().timestamp_micros();
        let ran = self
            .runs
            .map_or(at, |runs| runs.before + (at - runs.started_at));
        Moment { at, ran }
    }

    /// Notes for how long the service has run, where that counts.
    ///
    /// # Errors
    /// The database failed.
    pub(super) async fn note(&self, database: &CommandDatabase) -> Result<(), DatabaseError> {
        if self.runs.is_some() {
            let note = Statement::new("note the running time", NOTE).bind(self.now().ran);
            database.execute(note).await?;
        }
        Ok(())
    }
}

impl Moment {
    /// What was made no later is forgotten now.
    pub(super) fn forgets(self) -> Self {
        Self {
            at: self.at - micros(KEPT),
            ran: self.ran - micros(KEPT),
        }
    }

    /// When a lease ends that is taken now.
    pub(super) fn lease_end(self) -> i64 {
        self.at + micros(LEASE)
    }

    /// A lease that ends later was taken before the clock was set back, by a process that is gone.
    pub(super) fn latest_lease_end(self) -> i64 {
        self.at + 2 * micros(LEASE)
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
