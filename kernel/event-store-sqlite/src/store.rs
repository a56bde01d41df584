//! The store: opening, closing, and which connection does what.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use event_sourcing::{
    Clock, CommandId, Commit, EventStore, Filter, Lease, LeaseStore, LogPage, Position, Receipt,
    Refused, Snapshot, Standing, StoreError, StreamId, StreamPage, Version,
};
use sqlx::pool::PoolConnection;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{Connection, Sqlite, SqliteConnection, SqlitePool};
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard, watch};

use crate::error::{CannotWrite, OpenError, nothing_happened};
use crate::lease::Term;
use crate::lock::WriterLock;
use crate::settings::{self, Settings};
use crate::{append, lease, read, snapshot, subscribe};

/// A log of events in a SQLite file, with its snapshots and leases. Share it by `Arc`.
#[derive(Debug)]
pub struct SqliteEventStore {
    clock: Arc<dyn Clock>,
    poll_interval: Duration,
    readers: SqlitePool,
    committed: watch::Sender<Position>,
    writer: Writer,
}

#[derive(Debug)]
enum Writer {
    ReadOnly,
    /// The connection is gone once the store was closed. It is dropped in front of the lock.
    Here {
        conn: Mutex<Option<SqliteConnection>>,
        _lock: WriterLock,
    },
}

impl SqliteEventStore {
    /// Opens the database that a path or a URL (`sqlite://path`) names, for writing; makes it and its folder if they are
    /// missing, and brings its tables up to date. Leases expire by `clock`.
    ///
    /// # Errors
    /// [`OpenError::InUse`] if another process writes there; the others say what is wrong with the machine or the file.
    pub async fn open(
        location: &str,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Result<Self, OpenError> {
        let path = settings::database_path(location);
        make_folder(&path)?;
        let lock = WriterLock::take(&path)?;
        let mut conn = settings::open_writer(&path, &settings).await?;
        let head = read::head(&mut conn).await?;
        let writer = Writer::Here {
            conn: Mutex::new(Some(conn)),
            _lock: lock,
        };
        Ok(Self::assemble(&path, clock, &settings, head, writer))
    }

    /// Opens a database for reading, beside a process that writes there or without one. Writing gives an error.
    ///
    /// # Errors
    /// [`OpenError`] if there is no database, or one that this binary cannot read.
    pub async fn open_read_only(
        location: &str,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Result<Self, OpenError> {
        let path = settings::database_path(location);
        let store = Self::assemble(&path, clock, &settings, Position::START, Writer::ReadOnly);
        let mut conn = store.readers.acquire().await?;
        settings::check_reader(&mut conn).await?;
        drop(conn);
        Ok(store)
    }

    fn assemble(
        path: &Path,
        clock: Arc<dyn Clock>,
        settings: &Settings,
        head: Position,
        writer: Writer,
    ) -> Self {
        let readers = SqlitePoolOptions::new()
            .max_connections(settings.readers)
            .test_before_acquire(false)
            .connect_lazy_with(settings::reading(path, settings));
        Self {
            clock,
            poll_interval: settings.poll_interval,
            readers,
            committed: watch::Sender::new(head),
            writer,
        }
    }

    /// Ends reading and writing in order and folds the write-ahead log into the database. Calls behind it fail. A store
    /// that is dropped without it loses nothing.
    ///
    /// # Errors
    /// [`StoreError`] if SQLite could not close the file; the data are safe also then.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.readers.close().await;
        let Writer::Here { conn, .. } = &self.writer else {
            return Ok(());
        };
        let conn = conn.lock().await.take();
        let Some(conn) = conn else {
            return Ok(());
        };
        conn.close()
            .await
            .map_err(nothing_happened("close the store"))
    }

    async fn writer(
        &self,
        operation: &'static str,
    ) -> Result<MappedMutexGuard<'_, SqliteConnection>, StoreError> {
        let Writer::Here { conn, .. } = &self.writer else {
            return Err(CannotWrite::ReadOnly.during(operation));
        };
        MutexGuard::try_map(conn.lock().await, Option::as_mut)
            .map_err(|_| CannotWrite::Closed.during(operation))
    }

    async fn reader(&self, operation: &'static str) -> Result<PoolConnection<Sqlite>, StoreError> {
        self.readers
            .acquire()
            .await
            .map_err(nothing_happened(operation))
    }
}

fn make_folder(database: &Path) -> Result<(), OpenError> {
    let Some(folder) = database.parent().filter(|folder| *folder != Path::new("")) else {
        return Ok(());
    };
    std::fs::create_dir_all(folder).map_err(|source| OpenError::Folder {
        path: folder.to_owned(),
        source,
    })
}

#[async_trait]
impl EventStore for SqliteEventStore {
    async fn append(&self, batch: &[Commit]) -> Result<Vec<Result<Receipt, Refused>>, StoreError> {
        let mut conn = self.writer("append a batch").await?;
        let (answers, head) = append::append(&mut conn, batch).await?;
        // Under the writer's mutex, so that the head never moves back.
        self.committed.send_replace(head);
        Ok(answers)
    }

    async fn standing(
        &self,
        command: CommandId,
        streams: &[StreamId],
    ) -> Result<Standing, StoreError> {
        let operation = "look up a command";
        let mut conn = self.reader(operation).await?;
        read::standing(&mut conn, command, streams)
            .await
            .map_err(nothing_happened(operation))
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Version,
        limit: usize,
    ) -> Result<StreamPage, StoreError> {
        let operation = "read a stream";
        let mut conn = self.reader(operation).await?;
        read::stream(&mut conn, stream, after, limit)
            .await
            .map_err(nothing_happened(operation))
    }

    async fn read_all(
        &self,
        after: Position,
        filter: &Filter,
        limit: usize,
    ) -> Result<LogPage, StoreError> {
        let operation = "read the log";
        let mut conn = self.reader(operation).await?;
        read::log(&mut conn, after, filter, limit)
            .await
            .map_err(nothing_happened(operation))
    }

    async fn head(&self) -> Result<Position, StoreError> {
        let operation = "read the head";
        let mut conn = self.reader(operation).await?;
        read::head(&mut conn)
            .await
            .map_err(nothing_happened(operation))
    }

    async fn wait_for(&self, position: Position) -> Result<Position, StoreError> {
        let (committed, readers) = (&self.committed, &self.readers);
        subscribe::wait_for(committed, readers, self.poll_interval, position).await
    }

    async fn load_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
    ) -> Result<Option<Snapshot>, StoreError> {
        let operation = "load a snapshot";
        let mut conn = self.reader(operation).await?;
        snapshot::load(&mut conn, stream, schema_version)
            .await
            .map_err(nothing_happened(operation))
    }

    async fn save_snapshot(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let operation = "save a snapshot";
        let mut conn = self.writer(operation).await?;
        snapshot::save(&mut conn, snapshot)
            .await
            .map_err(nothing_happened(operation))
    }

    async fn remove_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
        version: Version,
    ) -> Result<(), StoreError> {
        let operation = "remove a snapshot";
        let mut conn = self.writer(operation).await?;
        snapshot::remove(&mut conn, stream, schema_version, version)
            .await
            .map_err(nothing_happened(operation))
    }
}

#[async_trait]
impl LeaseStore for SqliteEventStore {
    async fn acquire_leases(
        &self,
        names: &[Arc<str>],
        owner: &str,
        ttl: Duration,
    ) -> Result<Vec<Lease>, StoreError> {
        let operation = "acquire leases";
        let mut conn = self.writer(operation).await?;
        let term = Term::new(self.clock.now(), ttl);
        lease::acquire(&mut conn, names, owner, term)
            .await
            .map_err(nothing_happened(operation))
    }

    async fn renew_leases(&self, owner: &str, ttl: Duration) -> Result<Vec<Lease>, StoreError> {
        let operation = "renew leases";
        let mut conn = self.writer(operation).await?;
        let term = Term::new(self.clock.now(), ttl);
        lease::renew(&mut conn, owner, term)
            .await
            .map_err(nothing_happened(operation))
    }

    async fn release_leases(&self, names: &[Arc<str>], owner: &str) -> Result<(), StoreError> {
        let operation = "release leases";
        let mut conn = self.writer(operation).await?;
        lease::release(&mut conn, names, owner, self.clock.now())
            .await
            .map_err(nothing_happened(operation))
    }

    async fn held_leases(&self, prefix: &str) -> Result<Vec<Arc<str>>, StoreError> {
        let operation = "list the leases";
        let mut conn = self.reader(operation).await?;
        lease::held(&mut conn, prefix, self.clock.now())
            .await
            .map_err(nothing_happened(operation))
    }

    async fn seize_leases(
        &self,
        names: &[Arc<str>],
        owner: &str,
        ttl: Duration,
    ) -> Result<Vec<Lease>, StoreError> {
        let operation = "seize leases";
        let mut conn = self.writer(operation).await?;
        let term = Term::new(self.clock.now(), ttl);
        lease::seize(&mut conn, names, owner, term)
            .await
            .map_err(nothing_happened(operation))
    }
}
