//! A connection in use, and a transaction on it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::BoxFuture;
use sqlx::{Connection, SqliteConnection};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::options::OpenError;
use super::pool::Pool;
use super::shared::Shared;
use crate::error::{is_failed_sync, leaves_connection_intact};
use crate::fields;

/// A connection for exclusive use. It is reused only after [`Self::finish`]: if the session is dropped, because its
/// caller was cancelled in the middle of a statement, the connection is closed.
#[derive(Debug)]
pub struct Session {
    connection: SqliteConnection,
    pool: Arc<Pool>,
    file: Arc<Shared>,
    /// Declared last and so dropped after the connection: its permit must not be free while the connection is still
    /// open.
    _permit: OwnedSemaphorePermit,
}

impl Session {
    fn new(
        connection: SqliteConnection,
        pool: Arc<Pool>,
        file: Arc<Shared>,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            connection,
            pool,
            file,
            _permit: permit,
        }
    }

    /// The connection. Statements must be read to their end (`fetch_all`, `execute`).
    pub fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// Returns the connection to the pool after the last statement, and passes its result through. After an error that
    /// may have broken the connection, it is closed instead.
    ///
    /// # Errors
    /// The error of `result`.
    pub async fn finish<T>(self, result: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        match result {
            Err(error) if !leaves_connection_intact(&error) => Err(self.discard(error).await),
            result => {
                // Before the permit is dropped, so that the next holder of a permit finds an idle connection.
                self.pool.put(self.connection);
                result
            }
        }
    }

    /// Closes the connection because of `error`.
    fn discard(self, error: sqlx::Error) -> BoxFuture<'static, sqlx::Error> {
        Box::pin(async move {
            // Before the close, which may take long: no connection may be handed out in the meantime.
            self.note(&error);
            if let Err(error) = self.connection.close().await {
                tracing::debug!({ fields::ERROR } = %error, "a connection was not closed cleanly");
            }
            error
        })
    }

    fn note(&self, error: &sqlx::Error) {
        if is_failed_sync(error) {
            self.file.must_reopen();
        }
    }

    async fn run(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        sqlx::query(sql).execute(&mut self.connection).await?;
        Ok(())
    }
}

impl Shared {
    /// Waits for a connection of `pool`, with a timeout.
    pub(super) async fn within(self: &Arc<Self>, pool: &Arc<Pool>) -> Result<Session, sqlx::Error> {
        match timeout(self.acquire_timeout, self.session(pool)).await {
            Ok(session) => session.map_err(sqlx::Error::from),
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    pub(super) async fn session(self: &Arc<Self>, pool: &Arc<Pool>) -> Result<Session, OpenError> {
        loop {
            if self.is_closed.load(Ordering::Acquire) {
                return Err(sqlx::Error::PoolClosed.into());
            }
            if self.needs_reopen.load(Ordering::Acquire) {
                self.reopen().await?;
            }
            let permit = pool.permit().await?;
            // Checked again under the permit, because a sync may have failed during the wait. From here on `reopen`
            // waits for this permit, so no connection from before the failure is handed out.
            if !self.needs_reopen.load(Ordering::Acquire) && !self.is_closed.load(Ordering::Acquire)
            {
                let connection = pool.take().await?;
                let (pool, file) = (Arc::clone(pool), Arc::clone(self));
                return Ok(Session::new(connection, pool, file, permit));
            }
        }
    }
}

/// A transaction. Dropping it closes its connection, which rolls it back.
#[derive(Debug)]
pub struct SqliteTransaction {
    session: Session,
    /// A statement failed with an error that may have rolled back the transaction: later statements would commit by
    /// themselves.
    is_broken: bool,
}

impl SqliteTransaction {
    pub(super) async fn begin(
        mut session: Session,
        sql: &'static str,
    ) -> Result<Self, sqlx::Error> {
        match session.run(sql).await {
            Ok(()) => Ok(Self {
                session,
                is_broken: false,
            }),
            Err(error) => Err(session.discard(error).await),
        }
    }

    /// The connection. Statements must be read to their end (`fetch_all`, `execute`).
    pub fn connection(&mut self) -> &mut SqliteConnection {
        self.session.connection()
    }

    /// Returns an error if no more statements may be sent.
    pub(crate) fn check(&self) -> Result<(), sqlx::Error> {
        if self.is_broken {
            let message = "a failed statement has ended this transaction";
            return Err(sqlx::Error::Configuration(message.into()));
        }
        Ok(())
    }

    /// Records whether a statement's result has ended the transaction, and passes it through.
    pub(crate) fn record_result<T>(
        &mut self,
        result: Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        if let Err(error) = &result {
            self.is_broken |= !leaves_connection_intact(error);
            self.session.note(error);
        }
        result
    }

    /// Ends a transaction after a failed statement, and passes the error through.
    pub async fn abandon(self, error: sqlx::Error) -> sqlx::Error {
        self.session.discard(error).await
    }

    /// Commits the transaction.
    ///
    /// # Errors
    /// The error of `COMMIT`. The connection is closed then, and the commit may be recovered at the next start.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        self.end("COMMIT").await
    }

    /// Rolls the transaction back.
    ///
    /// # Errors
    /// The error of `ROLLBACK`. The connection is closed then, which rolls back too.
    pub async fn rollback(self) -> Result<(), sqlx::Error> {
        match self.check() {
            Ok(()) => self.end("ROLLBACK").await,
            // The failed statement may have rolled it back already; closing the connection does so in any case.
            Err(broken) => {
                self.session.discard(broken).await;
                Ok(())
            }
        }
    }

    async fn end(mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        if let Err(broken) = self.check() {
            return Err(self.session.discard(broken).await);
        }
        match self.session.run(sql).await {
            Ok(()) => self.session.finish(Ok(())).await,
            Err(error) => Err(self.session.discard(error).await),
        }
    }
}
