//! A pool of connections for one purpose: the idle ones, and a permit for each that may be in use.

use std::sync::Arc;

use parking_lot::Mutex;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::options::{Durability, OpenError, connect};
use crate::pool::{PoolMeter, PoolState};

/// Connections that are opened with the same options.
#[derive(Debug)]
pub(super) struct Pool {
    options: SqliteConnectOptions,
    /// The durability that is read back from each new connection, if any.
    required: Option<Durability>,
    size: u32,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<SqliteConnection>>,
    meter: PoolMeter,
}

impl Pool {
    pub(super) fn new(
        name: String,
        options: SqliteConnectOptions,
        required: Option<Durability>,
        size: u32,
    ) -> Self {
        Self {
            options,
            required,
            size,
            permits: Arc::new(Semaphore::new(size as usize)),
            idle: Mutex::default(),
            meter: PoolMeter::new(name),
        }
    }

    /// Waits until a connection may be used.
    pub(super) async fn permit(&self) -> Result<OwnedSemaphorePermit, sqlx::Error> {
        let permits = Arc::clone(&self.permits);
        let acquiring = async {
            let permit = permits.acquire_owned().await;
            permit.map_err(|_| sqlx::Error::PoolClosed)
        };
        self.meter.time(acquiring).await
    }

    /// Waits until no connection is in use. None is handed out until the returned permit is dropped.
    pub(super) async fn all_permits(&self) -> Result<OwnedSemaphorePermit, sqlx::Error> {
        let permits = Arc::clone(&self.permits);
        permits
            .acquire_many_owned(self.size)
            .await
            .map_err(|_| sqlx::Error::PoolClosed)
    }

    /// Takes an idle connection or opens one. The caller holds a permit.
    pub(super) async fn take(&self) -> Result<SqliteConnection, OpenError> {
        // A separate statement, so that the lock is not held while a connection is opened.
        let idle = self.idle.lock().pop();
        match idle {
            Some(connection) => Ok(connection),
            None => connect(&self.options, self.required).await,
        }
    }

    /// Returns a connection to the pool.
    pub(super) fn put(&self, connection: SqliteConnection) {
        self.idle.lock().push(connection);
    }

    /// Closes all idle connections.
    pub(super) async fn close_idle(&self) -> Result<(), sqlx::Error> {
        let idle = std::mem::take(&mut *self.idle.lock());
        let mut closed = Ok(());
        for connection in idle {
            closed = connection.close().await.and(closed);
        }
        closed
    }

    /// Closes the pool: waiting and later callers get an error.
    pub(super) fn close_permits(&self) {
        self.permits.close();
    }

    /// Publishes the number of connections as metrics.
    pub(super) fn measure(&self) {
        let free = u32::try_from(self.permits.available_permits()).unwrap_or(self.size);
        self.meter.set(PoolState {
            idle: u32::try_from(self.idle.lock().len()).unwrap_or(u32::MAX),
            busy: self.size.saturating_sub(free),
            max: self.size,
        });
    }
}
