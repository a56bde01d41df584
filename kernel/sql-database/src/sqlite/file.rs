//! The connections of a file: who gets one, and when all are replaced.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::BoxFuture;
use tokio::task::JoinHandle;

use super::options::{FileOptions, OpenError};
use super::pool::Pool;
use super::session::{Session, SqliteTransaction};
use super::shared::{Readers, Shared};
use super::{upkeep, wal};
use crate::fields;

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
        if let Err(error) = session.finish(folded).await {
            tracing::warn!({ fields::ERROR } = %error, "the write-ahead log could not be folded in at the start");
        }
        let maintenance = tokio::spawn(upkeep::keep_short(Arc::downgrade(&shared)));
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
