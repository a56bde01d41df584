//! Metrics of connection pools.

use std::fmt;
use std::time::Instant;

use metrics::{Gauge, Histogram, SharedString};
use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgPool;

/// The metrics of one pool.
pub(crate) struct PoolMeter {
    acquired: Histogram,
    idle: Gauge,
    busy: Gauge,
    max: Gauge,
}

/// The connections of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PoolState {
    /// Open and unused.
    pub(crate) idle: u32,
    /// In use.
    pub(crate) busy: u32,
    /// The maximum.
    pub(crate) max: u32,
}

impl PoolMeter {
    pub(crate) fn new(pool: impl Into<SharedString>) -> Self {
        let pool: SharedString = pool.into();
        let gauge = |state: &'static str| metrics::gauge!("db_pool_connections", "pool" => pool.clone(), "state" => state);
        Self {
            idle: gauge("idle"),
            busy: gauge("busy"),
            max: gauge("max"),
            acquired: metrics::histogram!("db_pool_acquire_seconds", "pool" => pool.clone()),
        }
    }

    /// Waits for a connection and records how long that took.
    pub(crate) async fn time<T>(&self, acquiring: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let acquired = acquiring.await;
        self.acquired.record(started.elapsed());
        acquired
    }

    pub(crate) fn set(&self, state: PoolState) {
        self.idle.set(state.idle);
        self.busy.set(state.busy);
        self.max.set(state.max);
    }
}

impl fmt::Debug for PoolMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PoolMeter")
    }
}

/// A pool of PostgreSQL connections with a name in metrics. Clones share the connections.
#[derive(Clone, Debug)]
pub struct NamedPool {
    pool: PgPool,
    meter: std::sync::Arc<PoolMeter>,
}

impl NamedPool {
    /// Publishes metrics of `pool` under `name`, such as `events`.
    #[must_use]
    pub fn new(name: &'static str, pool: PgPool) -> Self {
        Self {
            pool,
            meter: std::sync::Arc::new(PoolMeter::new(name)),
        }
    }

    /// The pool itself, for a connection that is held for long, such as a listener's.
    #[must_use]
    pub fn inner(&self) -> &PgPool {
        &self.pool
    }

    /// Waits for a connection.
    ///
    /// # Errors
    /// The server cannot be reached, or no connection became free in time.
    pub async fn acquire(&self) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        self.meter.time(self.pool.acquire()).await
    }

    /// Publishes the number of connections as metrics.
    pub fn measure(&self) {
        self.meter.set(self.state());
    }

    /// Closes all connections after running statements have ended.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    fn state(&self) -> PoolState {
        let idle = u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX);
        PoolState {
            idle,
            busy: self.pool.size().saturating_sub(idle),
            max: self.pool.options().get_max_connections(),
        }
    }
}
