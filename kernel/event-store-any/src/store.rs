//! The event store of either engine.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::{EventStore, LeaseStore, LogMaintenance, StoreError, fields};
use event_store_postgres::PostgresEventStore;
pub use event_store_postgres::head_in;
use event_store_sqlite::SqliteEventStore;
use futures::future::BoxFuture;

use crate::engine::Engine;
use crate::error::OpenError;
use crate::restore_marker::RestoreMarker;
use crate::settings::Settings;

/// The lease that a probe writes. It protects nothing.
const WRITE_PROBE: &str = "health/write-probe";
/// Duration of that lease.
const WRITE_PROBE_TTL: Duration = Duration::from_secs(5);

/// An open event store. Clones share it.
#[derive(Clone, Debug)]
pub struct AnyEventStore(Adapter);

#[derive(Clone, Debug)]
enum Adapter {
    /// A file that no other process may write.
    File(Arc<SqliteEventStore>),
    /// A file that another process may write.
    ReadOnlyFile(Arc<SqliteEventStore>),
    Server(Arc<PostgresEventStore>),
}

impl AnyEventStore {
    /// Opens the store that `url` names for reading and writing. No other process can open a file for writing until it
    /// is closed.
    ///
    /// # Errors
    /// [`OpenError`] if no engine serves the URL, the store cannot be opened, its schema does not fit this binary, or a restore of
    /// it was not completed.
    #[must_use]
    pub fn open(url: &str, settings: Settings) -> BoxFuture<'_, Result<Self, OpenError>> {
        Box::pin(async move {
            if RestoreMarker::is_set(url).await? {
                return Err(OpenError::Restoring);
            }
            let adapter = match Engine::of(url)? {
                Engine::Sqlite => {
                    let file = settings.of_file();
                    let store = SqliteEventStore::open(url, Arc::new(settings.clock), file);
                    Adapter::File(Arc::new(store.await?))
                }
                Engine::Postgres => Self::connect(url, settings).await?,
            };
            Ok(Self(adapter))
        })
    }

    /// Opens the store that `url` names for reading. Another process may write a file at the same time; writing to it
    /// here returns an error.
    ///
    /// # Errors
    /// [`OpenError`] if no engine serves the URL, the store cannot be opened, its schema does not fit this binary, or
    /// the file does not exist yet.
    #[must_use]
    pub fn open_read_only(url: &str, settings: Settings) -> BoxFuture<'_, Result<Self, OpenError>> {
        Box::pin(async move {
            let adapter = match Engine::of(url)? {
                Engine::Sqlite => {
                    let file = settings.of_file();
                    let clock = Arc::new(settings.clock);
                    let store = SqliteEventStore::open_read_only(url, clock, &file);
                    Adapter::ReadOnlyFile(Arc::new(store.await?))
                }
                Engine::Postgres => Self::connect(url, settings).await?,
            };
            Ok(Self(adapter))
        })
    }

    async fn connect(url: &str, settings: Settings) -> Result<Adapter, StoreError> {
        let store = PostgresEventStore::connect(url, settings.of_server());
        Ok(Adapter::Server(Arc::new(store.await?)))
    }

    /// The store of its events.
    #[must_use]
    pub fn store(&self) -> Arc<dyn EventStore> {
        match &self.0 {
            Adapter::File(store) | Adapter::ReadOnlyFile(store) => {
                Arc::clone(store) as Arc<dyn EventStore>
            }
            Adapter::Server(store) => Arc::clone(store) as Arc<dyn EventStore>,
        }
    }

    /// The store of its leases.
    #[must_use]
    pub fn leases(&self) -> Arc<dyn LeaseStore> {
        match &self.0 {
            Adapter::File(store) | Adapter::ReadOnlyFile(store) => {
                Arc::clone(store) as Arc<dyn LeaseStore>
            }
            Adapter::Server(store) => Arc::clone(store) as Arc<dyn LeaseStore>,
        }
    }

    /// Operators' access to its database.
    #[must_use]
    pub fn maintenance(&self) -> Arc<dyn LogMaintenance> {
        match &self.0 {
            Adapter::File(store) | Adapter::ReadOnlyFile(store) => {
                Arc::clone(store) as Arc<dyn LogMaintenance>
            }
            Adapter::Server(store) => Arc::clone(store) as Arc<dyn LogMaintenance>,
        }
    }

    /// Whether no other process can write to the store while it is open here, so that leases found in it belong to
    /// processes that have ended.
    #[must_use]
    pub fn is_single_process(&self) -> bool {
        matches!(self.0, Adapter::File(_))
    }

    /// Writes a row that is not an event to the database of the events: that reads succeed does not show that writes
    /// would.
    ///
    /// # Errors
    /// [`StoreError`] if events cannot be written at present.
    pub async fn probe_write(&self) -> Result<(), StoreError> {
        if let Adapter::Server(store) = &self.0 {
            store.may_append().await?;
        }
        let names = [WRITE_PROBE.into()];
        let leases = self.leases();
        let written = leases.acquire_leases(&names, WRITE_PROBE, WRITE_PROBE_TTL, None);
        written.await.map(|_| ())
    }

    /// Publishes how busy the connections are as metrics.
    pub fn measure_pools(&self) {
        match &self.0 {
            Adapter::File(store) | Adapter::ReadOnlyFile(store) => store.measure_pools(),
            Adapter::Server(store) => store.measure_pools(),
        }
    }

    /// Closes all connections after running calls have ended. Logs a warning if a file is not closed cleanly.
    #[must_use]
    pub fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            match &self.0 {
                Adapter::File(store) => {
                    if let Err(error) = store.close().await {
                        tracing::warn!({ fields::ERROR } = %error, "the event store was not closed cleanly");
                    }
                }
                Adapter::ReadOnlyFile(store) => {
                    if let Err(error) = store.close().await {
                        // It was only read, so no data is at risk.
                        tracing::warn!({ fields::ERROR } = %error, "the event store opened for reading was not closed cleanly");
                    }
                }
                Adapter::Server(store) => store.close().await,
            }
        })
    }
}
