//! Connections of one purpose: those that are idle, and permits for as many as there may be.

use std::sync::Arc;

use parking_lot::Mutex;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::options::{Durability, OpenError, connect};
use crate::pool::{PoolMeter, PoolState};

/// Connections that are all opened in the same way.
#[derive(Debug)]
pub(super) struct Pool {
    options: SqliteConnectOptions,
    /// What is read back of each new connection.
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
        self.meter
            .time(permits.acquire_owned())
            .await
            .map_err(|_| sqlx::Error::PoolClosed)
    }

    /// Waits until nobody else uses a connection, and keeps it so.
    pub(super) async fn all_permits(&self) -> Result<OwnedSemaphorePermit, sqlx::Error> {
        let permits = Arc::clone(&self.permits);
        permits
            .acquire_many_owned(self.size)
            .await
            .map_err(|_| sqlx::Error::PoolClosed)
    }

    /// An idle connection, or a new one. To be called with a permit.
    pub(super) async fn take(&self) -> Result<SqliteConnection, OpenError> {
        let idle = self.idle.lock().pop();
        match idle {
            Some(connection) => Ok(connection),
            None => connect(&self.options, self.required).await,
        }
    }

    /// Keeps a connection for the next caller.
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

    /// No permit is given any more.
    pub(super) fn close_permits(&self) {
        self.permits.close();
    }

    /// Tells the metrics how many connections there are.
    pub(super) fn measure(&self) {
        let free = u32::try_from(self.permits.available_permits()).unwrap_or(self.size);
        self.meter.set(PoolState {
            idle: u32::try_from(self.idle.lock().len()).unwrap_or(u32::MAX),
            busy: self.size.saturating_sub(free),
            max: self.size,
        });
    }
}
