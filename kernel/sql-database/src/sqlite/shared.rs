//! The pools of a file, and the replacement of all connections after a failed sync.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;

use super::options::{FileOptions, OpenError};
use super::pool::Pool;
use super::wal;
use crate::fields;

/// The purpose of a connection that reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Requests.
    Main,
    /// Background work, which must not wait for the connections of requests.
    Background,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) path: PathBuf,
    pub(super) acquire_timeout: Duration,
    /// `None` if the file is read-only.
    pub(super) writer: Option<Arc<Pool>>,
    pub(super) readers: Arc<Pool>,
    pub(super) background: Arc<Pool>,
    /// Runs checkpoints; `None` if the file is read-only.
    pub(super) checkpointer: Option<Arc<Pool>>,
    /// Whether a sync failed: no connection is handed out before all have been closed.
    pub(super) needs_reopen: AtomicBool,
    pub(super) reopening: Mutex<()>,
    pub(super) is_closed: AtomicBool,
}

impl Shared {
    pub(super) fn new(
        options: &FileOptions,
        writer: Option<Pool>,
        checkpointer: Option<Pool>,
    ) -> Arc<Self> {
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

    pub(super) fn reading(&self, readers: Readers) -> &Arc<Pool> {
        match readers {
            Readers::Main => &self.readers,
            Readers::Background => &self.background,
        }
    }

    /// All pools, the writer last: closing the last connection of a file merges its log.
    pub(super) fn pools(&self) -> impl Iterator<Item = &Arc<Pool>> {
        [&self.readers, &self.background]
            .into_iter()
            .chain(&self.checkpointer)
            .chain(&self.writer)
    }

    /// After this no connection is handed out before all have been closed.
    pub(super) fn must_reopen(&self) {
        if self.writer.is_some() && !self.needs_reopen.swap(true, Ordering::AcqRel) {
            tracing::error!(
                { fields::FILE } = %self.path.display(),
                "a sync failed: all connections to the file are closed and reopened"
            );
        }
    }

    /// Closes every connection, then writes the whole log to the database and syncs it there, before a connection is
    /// used again. Pages that the failed sync left unwritten are so written once more.
    pub(super) async fn reopen(&self) -> Result<(), OpenError> {
        let _one_at_a_time = self.reopening.lock().await;
        // Another caller may have reopened the file while this one waited for the lock.
        if !self.needs_reopen.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut permits = Vec::new();
        for pool in self.pools() {
            // Waits for running sessions: their connections may hold pages from before the failed sync.
            permits.push(pool.all_permits().await?);
        }
        for pool in self.pools() {
            if let Err(error) = pool.close_idle().await {
                tracing::debug!({ fields::ERROR } = %error, "a connection was not closed cleanly");
            }
        }
        let writer = self.writing()?;
        let mut connection = writer.take().await?;
        wal::checkpoint_all(&mut connection).await?;
        writer.put(connection);
        // Only after the log was merged: if this fails or is cancelled before, the next caller starts again.
        self.needs_reopen.store(false, Ordering::Release);
        tracing::info!({ fields::FILE } = %self.path.display(), "the file was reopened");
        Ok(())
    }
}

/// A write through a read-only handle, which only a bug can cause.
fn only_read() -> sqlx::Error {
    sqlx::Error::Configuration("the file was opened read-only".into())
}
