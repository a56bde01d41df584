//! Metrics of connection pools.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use metrics::{Counter, Gauge, Histogram, SharedString};
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgPool;
use sqlx::{Connection, Postgres};
use tokio::time::timeout;

use crate::postgres::{Reachability, SLOW};

/// The metrics of one pool.
pub(crate) struct PoolMeter {
    acquired: Histogram,
    pending: Gauge,
    timeouts: Counter,
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
        let timeouts = metrics::counter!("db_pool_timeouts_total", "pool" => pool.clone());
        // A counter that first appears with value 1 hides its first event from `rate()`.
        timeouts.increment(0);
        let pending = metrics::gauge!("db_pool_pending_requests", "pool" => pool.clone());
        pending.set(0);
        Self {
            pending,
            timeouts,
            idle: gauge("idle"),
            busy: gauge("busy"),
            max: gauge("max"),
            acquired: metrics::histogram!("db_pool_acquire_seconds", "pool" => pool.clone()),
        }
    }

    /// Waits for a connection and records how long that took, and whether it was too long.
    pub(crate) async fn time<T>(
        &self,
        acquiring: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        let started = Instant::now();
        let waiting = Waiting::of(&self.pending);
        let acquired = acquiring.await;
        drop(waiting);
        self.acquired.record(started.elapsed());
        if matches!(acquired, Err(sqlx::Error::PoolTimedOut)) {
            self.timeouts.increment(1);
        }
        acquired
    }

    pub(crate) fn set(&self, state: PoolState) {
        self.idle.set(state.idle);
        self.busy.set(state.busy);
        self.max.set(state.max);
    }
}

/// One who waits for a connection, until it is dropped: with the connection, or because its caller was cancelled.
struct Waiting<'a>(&'a Gauge);

impl<'a> Waiting<'a> {
    fn of(pending: &'a Gauge) -> Self {
        pending.increment(1);
        Self(pending)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.decrement(1);
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
    meter: Arc<PoolMeter>,
    reachability: Arc<Reachability>,
}

impl NamedPool {
    /// Publishes metrics of `pool` under `name`, such as `events`.
    #[must_use]
    pub fn new(name: &'static str, pool: PgPool) -> Self {
        Self {
            reachability: Arc::new(Reachability::new(&pool.connect_options())),
            pool,
            meter: Arc::new(PoolMeter::new(name)),
        }
    }

    /// This pool, which shares with `other` what is known about their common server.
    #[must_use]
    pub fn at_server_of(self, other: &Self) -> Self {
        Self {
            reachability: Arc::clone(&other.reachability),
            ..self
        }
    }

    /// The pool itself, for a connection that is held for long, such as a listener's.
    #[must_use]
    pub fn inner(&self) -> &PgPool {
        &self.pool
    }

    /// Waits for a connection. While the server is known to be unreachable it does not wait.
    ///
    /// # Errors
    /// The server cannot be reached, or no connection became free in time.
    pub async fn acquire(&self) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        // Pinned here, because each call that takes the driver's large future by value would copy it.
        let acquiring = pin!(async {
            let Some(unreachable) = self.reachability.unreachable() else {
                let acquiring = pin!(self.pool.acquire());
                return self.reachability.while_reachable(acquiring).await;
            };
            self.idle().await.ok_or_else(|| unreachable.into())
        });
        self.meter.time(acquiring).await
    }

    /// Opens a connection to the same server outside of the pool. While the server is known to be unreachable it waits only
    /// briefly.
    ///
    /// # Errors
    /// Those of `opening`, or the server cannot be reached.
    pub async fn open_outside<T>(
        &self,
        opening: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        let opening = pin!(opening);
        match self.reachability.unreachable() {
            // A server that refuses answers at once, so that an attempt is as fast and newer.
            Some(unreachable) => {
                let opened = timeout(SLOW, opening).await;
                if matches!(opened, Ok(Ok(_))) {
                    self.reachability.reached();
                }
                opened.unwrap_or_else(|_| Err(unreachable.into()))
            }
            None => self.reachability.while_reachable(opening).await,
        }
    }

    /// An idle connection that answers. Open connections may work although no new one can be opened, as with a proxy that
    /// is about to end.
    async fn idle(&self) -> Option<PoolConnection<Postgres>> {
        let mut connection = self.pool.try_acquire()?;
        let answered = timeout(SLOW, connection.ping()).await;
        matches!(answered, Ok(Ok(()))).then_some(connection)
    }

    /// Publishes the number of connections as metrics.
    pub fn measure(&self) {
        self.meter.set(self.state());
    }

    /// Closes all connections after running statements have ended.
    pub async fn close(&self) {
        self.reachability.close();
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
