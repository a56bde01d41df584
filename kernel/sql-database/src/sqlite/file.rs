//! The connections of a file: who gets one, and when all are replaced.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::options::{FileOptions, OpenError};
use super::pool::Pool;
use super::session::{Session, SqliteTransaction};
use super::wal;

/// Which connections read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Those of requests.
    Main,
    /// Those of the background, which requests cannot keep busy.
    Background,
}

/// A file with its connections. Clones share them.
#[derive(Clone, Debug)]
pub struct SqliteFile {
    shared: Arc<Shared>,
    /// Ends with the last clone.
    _maintenance: Option<Arc<Maintenance>>,
}

/// The task that keeps the write-ahead log short.
#[derive(Debug)]
struct Maintenance(JoinHandle<()>);

impl Drop for Maintenance {
    fn drop(&mut self) {
        // It holds nothing that its end could damage.
        self.0.abort();
    }
}

#[derive(Debug)]
pub(super) struct Shared {
    path: PathBuf,
    acquire_timeout: Duration,
    /// Nothing if the file is only read.
    writer: Option<Arc<Pool>>,
    readers: Arc<Pool>,
    background: Arc<Pool>,
    /// Runs checkpoints; nothing if the file is only read.
    checkpointer: Option<Arc<Pool>>,
    /// A sync failed: no connection is given out before all were closed.
    needs_reopen: AtomicBool,
    reopening: Mutex<()>,
    is_closed: AtomicBool,
}

impl SqliteFile {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Opens a file for writing, made with its folder if it is missing, and reads its settings back. The caller ensures
    /// that no other process writes.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong with the machine or the file.
    #[must_use]
    pub fn open(options: FileOptions) -> BoxFuture<'static, Result<Self, OpenError>> {
        Box::pin(Self::open_now(options))
    }

    async fn open_now(options: FileOptions) -> Result<Self, OpenError> {
        options.make_folder()?;
        options.make_file()?;
        let required = Some(options.durability);
        let writer = Pool::new(options.pool("_writer"), options.writing(), required, 1);
        let checkpointing = wal::checkpointing(options.writing());
        let checkpointer = Pool::new(options.pool("_checkpointer"), checkpointing, None, 1);
        let shared = Shared::new(&options, Some(writer), Some(checkpointer));
        let mut session = shared.session(shared.writing()?).await?;
        // A process before this one may have ended after a failed sync.
        let folded = wal::fold_in(session.connection()).await;
        if let Err(error) = session.settle(folded).await {
            tracing::warn!(%error, "the write-ahead log could not be folded in at the start");
        }
        let maintenance = tokio::spawn(wal::keep_short(Arc::downgrade(&shared)));
        Ok(Self {
            shared,
            _maintenance: Some(Arc::new(Maintenance(maintenance))),
        })
    }

    /// A file that is only read, next to a process that writes or without one. Nothing is opened yet.
    #[must_use]
    pub fn read_only(options: &FileOptions) -> Self {
        Self {
            shared: Shared::new(options, None, None),
            _maintenance: None,
        }
    }

    /// The connection that writes, once no one else uses it.
    ///
    /// # Errors
    /// The file is only read, is closed, cannot be opened, or others used the connection for too long.
    #[must_use]
    pub fn writer(&self) -> BoxFuture<'_, Result<Session, sqlx::Error>> {
        Box::pin(async move { self.shared.within(self.shared.writing()?).await })
    }

    /// A connection that reads.
    ///
    /// # Errors
    /// The file is closed, cannot be opened, or others used the connections for too long.
    #[must_use]
    pub fn reader(&self, readers: Readers) -> BoxFuture<'_, Result<Session, sqlx::Error>> {
        Box::pin(self.shared.within(self.shared.reading(readers)))
    }

    /// Starts a transaction that writes. It holds the file's only write lock from the start, so that a later statement
    /// cannot fail for want of it.
    ///
    /// # Errors
    /// The same as of [`Self::writer`], or that of `BEGIN`.
    #[must_use]
    pub fn begin(&self) -> BoxFuture<'_, Result<SqliteTransaction, sqlx::Error>> {
        Box::pin(
            async move { SqliteTransaction::begin(self.writer().await?, "BEGIN IMMEDIATE").await },
        )
    }

    /// Starts a transaction that reads: all its statements see the same moment.
    ///
    /// # Errors
    /// The same as of [`Self::reader`], or that of `BEGIN`.
    #[must_use]
    pub fn begin_read(
        &self,
        readers: Readers,
    ) -> BoxFuture<'_, Result<SqliteTransaction, sqlx::Error>> {
        Box::pin(
            async move { SqliteTransaction::begin(self.reader(readers).await?, "BEGIN").await },
        )
    }

    /// Tells the metrics how busy its connections are.
    pub fn measure_pools(&self) {
        self.shared.pools().for_each(|pool| pool.measure());
    }

    /// Closes all connections after the statements that run, and folds the write-ahead log into the database. Calls
    /// after it fail.
    ///
    /// # Errors
    /// A connection could not be closed in order. The data are safe also then.
    pub async fn close(&self) -> Result<(), sqlx::Error> {
        self.shared.is_closed.store(true, Ordering::Release);
        let mut closed = Ok(());
        for pool in self.shared.pools() {
            // A pool that was closed before has nothing left to close.
            let _alone = pool.all_permits().await;
            closed = pool.close_idle().await.and(closed);
            pool.close_permits();
        }
        closed
    }
}

impl Shared {
    fn new(options: &FileOptions, writer: Option<Pool>, checkpointer: Option<Pool>) -> Arc<Self> {
        let reading = |name, size: u32| {
            let pool = Pool::new(options.pool(name), options.reading(), None, size.max(1));
            Arc::new(pool)
        };
        Arc::new(Self {
            path: options.path.clone(),
            acquire_timeout: options.acquire_timeout,
            writer: writer.map(Arc::new),
            readers: reading("", options.readers),
            background: reading("_background", options.background),
            checkpointer: checkpointer.map(Arc::new),
            needs_reopen: AtomicBool::new(false),
            reopening: Mutex::default(),
            is_closed: AtomicBool::new(false),
        })
    }

    pub(super) fn path(&self) -> &PathBuf {
        &self.path
    }

    pub(super) fn writing(&self) -> Result<&Arc<Pool>, sqlx::Error> {
        self.writer.as_ref().ok_or_else(only_read)
    }

    pub(super) fn checkpointing(&self) -> Result<&Arc<Pool>, sqlx::Error> {
        self.checkpointer.as_ref().ok_or_else(only_read)
    }

    fn reading(&self, readers: Readers) -> &Arc<Pool> {
        match readers {
            Readers::Main => &self.readers,
            Readers::Background => &self.background,
        }
    }

    /// All of them, the writer last: its end folds the log in.
    fn pools(&self) -> impl Iterator<Item = &Arc<Pool>> {
        [&self.readers, &self.background]
            .into_iter()
            .chain(&self.checkpointer)
            .chain(&self.writer)
    }

    /// From now on no connection is given out before all were closed.
    pub(super) fn must_reopen(&self) {
        if self.writer.is_some() && !self.needs_reopen.swap(true, Ordering::AcqRel) {
            tracing::error!(
                file = %self.path.display(),
                "a sync failed: all connections to the file are closed and opened anew"
            );
        }
    }

    /// A connection of `pool`, unless that takes too long.
    pub(super) async fn within(self: &Arc<Self>, pool: &Arc<Pool>) -> Result<Session, sqlx::Error> {
        match timeout(self.acquire_timeout, self.session(pool)).await {
            Ok(session) => session.map_err(sqlx::Error::from),
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    async fn session(self: &Arc<Self>, pool: &Arc<Pool>) -> Result<Session, OpenError> {
        loop {
            if self.is_closed.load(Ordering::Acquire) {
                return Err(sqlx::Error::PoolClosed.into());
            }
            if self.needs_reopen.load(Ordering::Acquire) {
                self.reopen().await?;
            }
            let permit = pool.permit().await?;
            // It may have become necessary while this waited.
            if !self.needs_reopen.load(Ordering::Acquire) && !self.is_closed.load(Ordering::Acquire)
            {
                let connection = pool.take().await?;
                let (pool, file) = (Arc::clone(pool), Arc::clone(self));
                return Ok(Session::new(connection, pool, file, permit));
            }
        }
    }

    /// Closes every connection and has the whole log written to the database, and synced there, before any is used.
    async fn reopen(&self) -> Result<(), OpenError> {
        let _one_at_a_time = self.reopening.lock().await;
        if !self.needs_reopen.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut permits = Vec::new();
        for pool in self.pools() {
            permits.push(pool.all_permits().await?);
        }
        for pool in self.pools() {
            if let Err(error) = pool.close_idle().await {
                tracing::debug!(%error, "a connection was not closed in order");
            }
        }
        let writer = self.writing()?;
        let mut connection = writer.take().await?;
        wal::fold_in(&mut connection).await?;
        writer.put(connection);
        self.needs_reopen.store(false, Ordering::Release);
        tracing::info!(file = %self.path.display(), "the file was opened anew");
        Ok(())
    }
}

/// Only a bug writes through a handle that reads.
fn only_read() -> sqlx::Error {
    sqlx::Error::Configuration("the file was opened read-only".into())
}
