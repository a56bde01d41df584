//! A SQLite file: hands out its connections, and opens and closes all of them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::BoxFuture;
use tokio::task::JoinHandle;

use super::options::{FileOptions, OpenError};
use super::pool::Pool;
use super::session::{Session, SqliteTransaction};
use super::shared::{Readers, Shared};
use super::{maintenance, wal};
use crate::fields;

/// A file with its connections. Clones share them.
#[derive(Clone, Debug)]
pub struct SqliteFile {
    shared: Arc<Shared>,
    /// Ends with the last clone.
    _maintenance: Option<Arc<Maintenance>>,
}

/// The task that limits the size of the write-ahead log.
#[derive(Debug)]
struct Maintenance(JoinHandle<()>);

impl Drop for Maintenance {
    fn drop(&mut self) {
        // Aborting it is safe: a session that is dropped closes its connection.
        self.0.abort();
    }
}

impl SqliteFile {
    /// The path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Opens a file for writing, creates it and its folder if they are missing, and reads its settings back. The caller
    /// ensures that no other process writes.
    ///
    /// # Errors
    /// [`OpenError`] if the file cannot be opened, or not with the required settings.
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
        // A previous process may have ended after a failed sync. Writing the whole log to the database syncs it again
        // before any commit is acknowledged here.
        let folded = wal::checkpoint_all(session.connection()).await;
        if let Err(error) = session.finish(folded).await {
            tracing::warn!({ fields::ERROR } = %error, "the write-ahead log could not be merged into the database at start");
        }
        let maintenance = tokio::spawn(maintenance::limit_log_size(Arc::downgrade(&shared)));
        Ok(Self {
            shared,
            _maintenance: Some(Arc::new(Maintenance(maintenance))),
        })
    }

    /// A file that is only read, whether or not another process writes to it. Connections are opened when they are
    /// needed.
    #[must_use]
    pub fn read_only(options: &FileOptions) -> Self {
        Self {
            shared: Shared::new(options, None, None),
            _maintenance: None,
        }
    }

    /// Waits for the connection that writes.
    ///
    /// # Errors
    /// The file is read-only, is closed, cannot be opened, or the connection did not become free in time.
    #[must_use]
    pub fn writer(&self) -> BoxFuture<'_, Result<Session, sqlx::Error>> {
        Box::pin(async move { self.shared.within(self.shared.writing()?).await })
    }

    /// Waits for a connection that reads.
    ///
    /// # Errors
    /// The file is closed, cannot be opened, or no connection became free in time.
    #[must_use]
    pub fn reader(&self, readers: Readers) -> BoxFuture<'_, Result<Session, sqlx::Error>> {
        Box::pin(self.shared.within(self.shared.reading(readers)))
    }

    /// Starts a transaction that writes. It takes the file's write lock immediately, so that no later statement fails
    /// because another transaction has written since the first read.
    ///
    /// # Errors
    /// As [`Self::writer`], or the error of `BEGIN`.
    #[must_use]
    pub fn begin(&self) -> BoxFuture<'_, Result<SqliteTransaction, sqlx::Error>> {
        Box::pin(
            async move { SqliteTransaction::begin(self.writer().await?, "BEGIN IMMEDIATE").await },
        )
    }

    /// Starts a transaction that reads: all its statements see the same snapshot.
    ///
    /// # Errors
    /// As [`Self::reader`], or the error of `BEGIN`.
    #[must_use]
    pub fn begin_read(
        &self,
        readers: Readers,
    ) -> BoxFuture<'_, Result<SqliteTransaction, sqlx::Error>> {
        Box::pin(
            async move { SqliteTransaction::begin(self.reader(readers).await?, "BEGIN").await },
        )
    }

    /// Publishes how busy the connections are as metrics.
    pub fn measure_pools(&self) {
        self.shared.pools().for_each(|pool| pool.measure());
    }

    /// Closes all connections after running statements have ended, and merges the write-ahead log into the database.
    /// Later calls fail.
    ///
    /// # Errors
    /// A connection could not be closed cleanly. Committed data is safe in that case too.
    pub async fn close(&self) -> Result<(), sqlx::Error> {
        // Set before the permits are awaited, so that a caller that gets one afterwards sees it.
        self.shared.is_closed.store(true, Ordering::Release);
        let mut closed = Ok(());
        for pool in self.shared.pools() {
            // An error means that the pool was closed before.
            let _alone = pool.all_permits().await;
            closed = pool.close_idle().await.and(closed);
            pool.close_permits();
        }
        closed
    }
}
