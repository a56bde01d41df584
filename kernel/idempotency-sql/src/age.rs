//! The age of idempotency keys.
//!
//! On PostgreSQL the server's clock decides. On SQLite there is only the machine's clock, which may have been set
//! forward while the process was down. So a key expires only after the service has also *run* for the retention
//! period. The accumulated running time is stored periodically; what a crash loses of it only retains keys a little
//! longer.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::{Clock, StoreError};
use sql_database::Statement;

use crate::limits::{LEASE, RETENTION};
use crate::tables::RequestTables;

const READ: &str = "SELECT micros FROM running_time";
const NOTE: &str = "\
    INSERT INTO running_time (only_row, micros) VALUES (1, $1) \
    ON CONFLICT (only_row) DO UPDATE SET micros = excluded.micros";

/// The clock that determines the age of keys. Clones share their state.
#[derive(Clone, Debug)]
pub struct KeyClock {
    clock: Arc<dyn Clock>,
    /// `None` where the clock alone decides (PostgreSQL).
    runs: Option<RunningTime>,
}

/// How long the service has run, in microseconds: before this start, and when this start was.
#[derive(Clone, Copy, Debug)]
struct RunningTime {
    before: i64,
    started_at: i64,
}

/// A point in time, in microseconds of wall-clock time (`at`) and of running time (`ran`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) at: i64,
    pub(crate) ran: i64,
}

impl KeyClock {
    /// The clock for the keys in `tables`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn start(tables: &RequestTables, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let runs = if tables.is_sqlite() {
            let read = Statement::new("read the running time", READ);
            let before: Option<(i64,)> = tables.fetch_optional(read).await?;
            Some(RunningTime {
                before: before.map_or(0, |(micros,)| micros),
                started_at: clock.now().timestamp_micros(),
            })
        } else {
            None
        };
        Ok(Self { clock, runs })
    }

    pub(crate) fn now(&self) -> Moment {
        let at = self.clock.now().timestamp_micros();
        let ran = self
            .runs
            .map_or(at, |runs| runs.before + (at - runs.started_at));
        Moment { at, ran }
    }

    /// Stores the running time, on engines where it counts.
    ///
    /// # Errors
    /// The database failed.
    pub(crate) async fn store_running_time(
        &self,
        tables: &RequestTables,
    ) -> Result<(), StoreError> {
        if self.runs.is_some() {
            let note = Statement::new("store the running time", NOTE).bind(self.now().ran);
            tables.execute(note).await?;
        }
        Ok(())
    }
}

impl Moment {
    /// Keys created at or before this moment have expired.
    pub(crate) fn expired_before(self) -> Self {
        Self {
            at: self.at - micros(RETENTION),
            ran: self.ran - micros(RETENTION),
        }
    }

    /// The expiry of a lease taken now.
    pub(crate) fn lease_end(self) -> i64 {
        self.at + micros(LEASE)
    }

    /// The latest plausible lease expiry. One beyond it was taken before the clock was set back and is treated as
    /// expired; otherwise the request would be locked for as long as the clock was wrong.
    pub(crate) fn latest_lease_end(self) -> i64 {
        self.at + 2 * micros(LEASE)
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
