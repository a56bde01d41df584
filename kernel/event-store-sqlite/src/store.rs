//! The store: opens and closes the file, and selects the connection for each operation.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use event_sourcing::{
    Clock, CommandId, CommandStatus, Commit, EventStore, Filter, Lease, LeaseRetention, LeaseStore,
    LogIdentity, LogPage, Position, Receipt, Rejected, Snapshot, StoreError, StreamId, StreamPage,
    Version,
};
use futures::future::BoxFuture;
use sql_database::SqliteFile;
use sql_database::span::{SQLITE, statement_span};
use sql_database::sqlite::{FileOptions, Readers, Session};
use tokio::sync::watch;
use tracing::Instrument;

use crate::error::{CannotWrite, OpenError, nothing_happened, outcome_unknown};
use crate::lease::Term;
use crate::lock::WriterLock;
use crate::settings::{self, Settings};
use crate::{append, identity, lease, read, snapshot, subscribe};

/// A log of events in a SQLite file, with its snapshots and leases. Shared by `Arc`.
#[derive(Debug)]
pub struct SqliteEventStore {
    clock: Arc<dyn Clock>,
    poll_interval: Duration,
    committed: watch::Sender<Position>,
    /// Declared before the lock and so dropped first: no other process may open the file while this one still writes
    /// it.
    pub(crate) file: SqliteFile,
    /// `None` if the store is read-only.
    lock: Option<WriterLock>,
}

impl SqliteEventStore {
    /// Opens the database that a path or a URL (`sqlite://path`) names, for writing. Creates it and its folder if they
    /// are missing, and runs missing migrations. Leases expire by `clock`.
    ///
    /// # Errors
    /// [`OpenError::InUse`] if another process has the database open for writing; another [`OpenError`] if the file
    /// cannot be used or its schema does not fit this binary.
    pub fn open(
        location: &str,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> BoxFuture<'static, Result<Self, OpenError>> {
        let options = settings::options(location, &settings);
        Box::pin(Self::open_file(options, clock, settings))
    }

    async fn open_file(
        options: FileOptions,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Result<Self, OpenError> {
        options.make_folder()?;
        // The lock comes first: before it is held, the file may not even be migrated.
        let lock = WriterLock::take(&options.path)?;
        let file = settings::open(options).await?;
        let mut session = file.reader(Readers::Main).await?;
        let head = read::head(session.connection()).await;
        let head = session.finish(head).await?;
        Ok(Self {
            clock,
            poll_interval: settings.poll_interval,
            // Starts at the stored head, so that waiting for an existing position needs no read of the file.
            committed: watch::Sender::new(head),
            file,
            lock: Some(lock),
        })
    }

    /// Opens a database for reading, whether or not another process writes to it. Every write returns an error.
    ///
    /// # Errors
    /// [`OpenError`] if there is no database, or one that this binary cannot read.
    pub fn open_read_only(
        location: &str,
        clock: Arc<dyn Clock>,
        settings: &Settings,
    ) -> BoxFuture<'static, Result<Self, OpenError>> {
        let options: FileOptions = settings::options(location, settings);
        let file = SqliteFile::read_only(&options);
        let poll_interval = settings.poll_interval;
        Box::pin(async move {
            settings::check_reader(&file).await?;
            Ok(Self {
                clock,
                poll_interval,
                committed: watch::Sender::new(Position::START),
                file,
                lock: None,
            })
        })
    }

    /// Publishes how busy the connections are as metrics.
    pub fn measure_pools(&self) {
        self.file.measure_pools();
    }

    /// Waits for running calls, closes all connections and merges the write-ahead log into the database. Later calls
    /// fail. A store that is dropped without `close` loses no data.
    ///
    /// # Errors
    /// [`StoreError`] if SQLite could not close the file cleanly; committed data is safe in that case too.
    #[must_use]
    pub fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let closed = self.file.close().await;
            closed.map_err(nothing_happened("close the store"))
        })
    }

    /// Wakes the waiting readers.
    pub(crate) fn publish_head(&self, head: Position) {
        // The later of two appends may arrive here first, and the head must never move back.
        self.committed.send_if_modified(|known| {
            let is_new = head > *known;
            *known = head.max(*known);
            is_new
        });
    }

    pub(crate) async fn writer(&self, operation: &'static str) -> Result<Session, StoreError> {
        self.can_write(operation)?;
        let writer = self.file.writer().await;
        writer.map_err(nothing_happened(operation))
    }

    pub(crate) fn can_write(&self, operation: &'static str) -> Result<(), StoreError> {
        match self.lock {
            Some(_) => Ok(()),
            None => Err(CannotWrite.during(operation)),
        }
    }

    pub(crate) async fn reader(&self, operation: &'static str) -> Result<Session, StoreError> {
        let reader = self.file.reader(Readers::Main).await;
        reader.map_err(nothing_happened(operation))
    }
}

#[async_trait]
impl EventStore for SqliteEventStore {
    async fn append(&self, batch: &[Commit]) -> Result<Vec<Result<Receipt, Rejected>>, StoreError> {
        self.can_write("append a batch")?;
        let span = statement_span(SQLITE, "append", None);
        let (answers, head) = append::append(&self.file, batch).instrument(span).await?;
        self.publish_head(head);
        Ok(answers)
    }

    async fn command_status(
        &self,
        command: CommandId,
        streams: &[StreamId],
    ) -> Result<CommandStatus, StoreError> {
        let operation = "look up a command";
        let read = async {
            let mut moment = self.file.begin_read(Readers::Main).await?;
            match read::command_status(moment.connection(), command, streams).await {
                Ok(standing) => moment.commit().await.map(|()| standing),
                Err(error) => Err(moment.abandon(error).await),
            }
        };
        read.await.map_err(nothing_happened(operation))
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Version,
        limit: usize,
    ) -> Result<StreamPage, StoreError> {
        let operation = "read a stream";
        let mut session = self.reader(operation).await?;
        let done = read::stream(session.connection(), stream, after, limit)
            .instrument(statement_span(SQLITE, operation, None))
            .await;
        session
            .finish(done)
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
        let mut session = self.reader(operation).await?;
        let done = read::log(session.connection(), after, filter, limit).await;
        session
            .finish(done)
            .await
            .map_err(nothing_happened(operation))
    }

    async fn head(&self) -> Result<Position, StoreError> {
        let operation = "read the head";
        let mut session = self.reader(operation).await?;
        let done = read::head(session.connection()).await;
        session
            .finish(done)
            .await
            .map_err(nothing_happened(operation))
    }

    async fn identify(&self, positions: &[Position]) -> Result<LogIdentity, StoreError> {
        let operation = "identify the log";
        let mut session = self.reader(operation).await?;
        let done = identity::identify(session.connection(), positions).await;
        session
            .finish(done)
            .await
            .map_err(nothing_happened(operation))
    }

    async fn wait_for(&self, position: Position) -> Result<Position, StoreError> {
        subscribe::wait_for(&self.committed, &self.file, self.poll_interval, position).await
    }

    async fn load_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
    ) -> Result<Option<Snapshot>, StoreError> {
        let operation = "load a snapshot";
        let mut session = self.reader(operation).await?;
        let done = snapshot::load(session.connection(), stream, schema_version).await;
        session
            .finish(done)
            .await
            .map_err(nothing_happened(operation))
    }

    async fn save_snapshot(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let operation = "save a snapshot";
        let mut session = self.writer(operation).await?;
        let done = snapshot::save(session.connection(), snapshot).await;
        session
            .finish(done)
            .await
            .map_err(outcome_unknown(operation))
    }

    async fn remove_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
        version: Version,
    ) -> Result<(), StoreError> {
        let operation = "remove a snapshot";
        let mut session = self.writer(operation).await?;
        let connection = session.connection();
        let done = snapshot::remove(connection, stream, schema_version, version).await;
        session
            .finish(done)
            .await
            .map_err(outcome_unknown(operation))
    }
}

#[async_trait]
impl LeaseStore for SqliteEventStore {
    async fn acquire_leases(
        &self,
        names: &[Arc<str>],
        owner: &str,
        ttl: Duration,
        retention: Option<LeaseRetention>,
    ) -> Result<Vec<Lease>, StoreError> {
        let operation = "acquire leases";
        let mut session = self.writer(operation).await?;
        // The time is read after the wait for the connection, which would otherwise shorten the lease.
        let term = Term::new(self.clock.now(), ttl);
        let done = lease::acquire(session.connection(), names, owner, term, retention).await;
        session
            .finish(done)
            .await
            .map_err(outcome_unknown(operation))
    }

    async fn renew_leases(&self, owner: &str, ttl: Duration) -> Result<Vec<Lease>, StoreError> {
        let operation = "renew leases";
        let mut session = self.writer(operation).await?;
        let term = Term::new(self.clock.now(), ttl);
        let done = lease::renew(session.connection(), owner, term).await;
        session
            .finish(done)
            .await
            .map_err(outcome_unknown(operation))
    }

    async fn release_leases(&self, names: &[Arc<str>], owner: &str) -> Result<(), StoreError> {
        let operation = "release leases";
        let mut session = self.writer(operation).await?;
        let done = lease::release(session.connection(), names, owner, self.clock.now()).await;
        session
            .finish(done)
            .await
            .map_err(outcome_unknown(operation))
    }

    async fn held_leases(&self, prefix: &str) -> Result<Vec<Arc<str>>, StoreError> {
        let operation = "list the leases";
        let mut session = self.reader(operation).await?;
        let done = lease::held(session.connection(), prefix, self.clock.now()).await;
        session
            .finish(done)
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
        let mut session = self.writer(operation).await?;
        let term = Term::new(self.clock.now(), ttl);
        let done = lease::seize(session.connection(), names, owner, term).await;
        session
            .finish(done)
            .await
            .map_err(outcome_unknown(operation))
    }
}
