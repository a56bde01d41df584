//! The command-service's own database: what is not history. Answers of idempotent requests and the providers' books
//! share its pool.
//!
//! [`CommandDatabase`] connects and brings the schema up to date; each user of it has its statements beside its code.

mod schema;

use std::str::FromStr;
use std::time::Duration;

use platform::config::{DatabaseUrl, Engine};
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, PgPool, SqlitePool};

/// How long a statement waits for a connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a connection may be idle and still be used without asking.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);
const PING: &str = "SELECT 1";

/// The command database. Cheap to clone; all clones share the pool.
#[derive(Clone, Debug)]
pub struct CommandDatabase {
    pub(crate) pool: Pool,
}

/// The pool of either engine.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Runs an expression on whichever pool there is; an error names the operation.
macro_rules! on_pool {
    ($database:expr, $operation:literal, |$pool:ident| $run:expr) => {
        match &$database.pool {
            $crate::database::Pool::Sqlite($pool) => $run,
            $crate::database::Pool::Postgres($pool) => $run,
        }
        .map_err(|source| $crate::database::DatabaseError::new($operation, source))
    };
}
pub(crate) use on_pool;

/// The command database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{operation}")]
pub struct DatabaseError {
    operation: &'static str,
    #[source]
    source: sqlx::Error,
}

impl DatabaseError {
    pub(crate) const fn new(operation: &'static str, source: sqlx::Error) -> Self {
        Self { operation, source }
    }

    /// Whether trying again may help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match &self.source {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => true,
            // PostgreSQL's classes for connections, resources, rollbacks and operators; SQLite's busy.
            sqlx::Error::Database(error) => error.code().is_some_and(|code| {
                let classes = ["08", "53", "40", "57"];
                *code == *"5" || code.len() == 5 && classes.iter().any(|c| code.starts_with(c))
            }),
            _ => false,
        }
    }

    /// Whether it is certain that the statement was not sent.
    #[must_use]
    pub fn nothing_happened(&self) -> bool {
        matches!(
            self.source,
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed
        )
    }
}

impl CommandDatabase {
    /// Connects, and brings the schema up to date; without `migrate` it must be.
    ///
    /// # Errors
    /// The database cannot be reached, or its schema is beyond this binary.
    pub async fn connect(
        url: &DatabaseUrl,
        pool_size: u32,
        migrate: bool,
    ) -> Result<Self, DatabaseError> {
        let connect_error = |source| DatabaseError::new("connect to the command database", source);
        let pool = match url.engine() {
            Engine::Sqlite => sqlite(url.as_str()).await.map(Pool::Sqlite),
            Engine::Postgres => postgres(url.as_str(), pool_size).await.map(Pool::Postgres),
        };
        let pool = pool.map_err(connect_error)?;
        schema::prepare(&pool, migrate).await?;
        Ok(Self { pool })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), DatabaseError> {
        on_pool!(self, "ask the command database", |pool| {
            sqlx::query(PING).execute(pool).await.map(|_| ())
        })
    }

    /// Writes a row that means nothing, and asks for the right to keep an answer.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn probe_write(&self) -> Result<(), DatabaseError> {
        const PROBE: &str = "INSERT INTO write_probe (only_row, probes) VALUES (1, 1) \
             ON CONFLICT (only_row) DO UPDATE SET probes = write_probe.probes + 1";
        // Rights are checked before the first row, also if there is none.
        const RIGHTS: &str =
            "INSERT INTO idempotent_requests SELECT * FROM idempotent_requests WHERE 1 = 0";
        for statement in [PROBE, RIGHTS] {
            on_pool!(self, "probe the command database", |pool| {
                sqlx::query(statement).execute(pool).await.map(|_| ())
            })?;
        }
        Ok(())
    }

    /// The connections in use, and the most there can be.
    #[must_use]
    pub fn connections(&self) -> (u32, u32) {
        let busy = |size: u32, idle: usize| size.saturating_sub(idle.try_into().unwrap_or(size));
        match &self.pool {
            Pool::Sqlite(pool) => (
                busy(pool.size(), pool.num_idle()),
                pool.options().get_max_connections(),
            ),
            Pool::Postgres(pool) => (
                busy(pool.size(), pool.num_idle()),
                pool.options().get_max_connections(),
            ),
        }
    }

    /// Closes all connections, after the statements that run.
    pub async fn close(&self) {
        match &self.pool {
            Pool::Sqlite(pool) => pool.close().await,
            Pool::Postgres(pool) => pool.close().await,
        }
    }
}

async fn sqlite(url: &str) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // An answer that was kept is a promise.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(PATIENCE);
    // One connection: the statements are short, and queueing here never meets BUSY.
    let pool: SqlitePoolOptions = pool_of(1);
    pool.connect_with(options).await
}

async fn postgres(url: &str, pool_size: u32) -> Result<PgPool, sqlx::Error> {
    let options = PgConnectOptions::from_str(url)?
        .application_name("command-service")
        // Its default is exact since PostgreSQL 12, and PgBouncer refuses to set it at start.
        .extra_float_digits(None);
    let pool: PgPoolOptions = pool_of(pool_size);
    pool.connect_with(options).await
}

/// A pool that asks a connection whether it lives only after a pause: a ping before each statement would double the
/// round trips.
fn pool_of<DB: sqlx::Database>(size: u32) -> PoolOptions<DB> {
    PoolOptions::<DB>::new()
        .max_connections(size)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .before_acquire(|connection, pooled| {
            Box::pin(async move {
                if pooled.idle_for > TRUSTED_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}
