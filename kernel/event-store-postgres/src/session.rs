//! Sets up connections, and terminates the server process of one that broke.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sql_database::postgres;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, Row};
use tokio::time::Instant;

use crate::error::AppendFailure;
use crate::settings::Settings;

/// A connection that was idle for longer is tested before use, because the server may have restarted.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// A connection that was idle for this long is closed, so that connections opened in a burst of load do not stay open.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// How long to wait until the server process of a broken connection has ended.
const TERMINATE_TIMEOUT: Duration = Duration::from_secs(5);

/// How much longer than its statement the answer of a connection may take.
const ANSWER_MARGIN: Duration = Duration::from_secs(2);

/// Interval of that check.
const PAUSE: Duration = Duration::from_millis(1);

/// Sets up a session in one round trip.
///
/// Every plan must use an index, whatever the table's statistics. They are missing while a table is new, and a plan
/// with a sequential scan of a small table would stay cached when the table has grown. So plans are generic, scans are
/// the last resort, and JIT compilation is off, which the cost of a "disabled" scan would otherwise trigger.
const PREPARE: &str = "
    SELECT pg_is_in_recovery(), pg_backend_pid(),
           (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()),
           set_config('default_transaction_isolation', 'read committed', false),
           set_config('statement_timeout', $1, false),
           set_config('lock_timeout', $2, false),
           set_config('idle_in_transaction_session_timeout', $1, false),
           set_config('tcp_keepalives_idle', '30', false),
           set_config('tcp_keepalives_interval', '10', false),
           set_config('tcp_keepalives_count', '3', false),
           set_config('enable_seqscan', 'off', false),
           set_config('enable_bitmapscan', 'off', false),
           set_config('plan_cache_mode', 'force_generic_plan', false),
           set_config('jit', 'off', false),
           -- An acknowledged commit must be durable whatever the server's default; stronger settings than `on` stay.
           set_config('synchronous_commit',
                      CASE current_setting('synchronous_commit')
                      WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)";

/// A server process. Process ids are reused, so the start time is part of its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backend {
    pid: i32,
    started: DateTime<Utc>,
}

/// Opens connections.
#[derive(Clone)]
pub(crate) struct Connector {
    options: PgConnectOptions,
    settings: Settings,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The options are omitted, because they contain the password.
        f.debug_struct("Connector")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Connector {
    pub(crate) fn try_new(url: &str, settings: Settings) -> Result<Self, sqlx::Error> {
        Ok(Self {
            options: postgres::options(url)?
                .application_name("event-store")
                .disable_statement_logging(),
            settings,
        })
    }

    /// Opens a connection outside any pool.
    pub(crate) async fn connect(&self) -> Result<(PgConnection, Backend), sqlx::Error> {
        let connecting = async {
            let mut connection = PgConnection::connect_with(&self.options).await?;
            let backend = prepare(&mut connection, &self.settings).await?;
            Ok((connection, backend))
        };
        match tokio::time::timeout(self.settings.connect_timeout, connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        }
    }

    /// When a statement without an answer is given up. The server cancels it earlier.
    pub(crate) fn answer_timeout(&self) -> Duration {
        self.settings.statement_timeout + ANSWER_MARGIN
    }

    /// A pool that opens its connections on demand.
    pub(crate) fn pool(&self, size: u32) -> PgPool {
        let settings = self.settings.clone();
        PgPoolOptions::new()
            .max_connections(size)
            .idle_timeout(IDLE_TIMEOUT)
            .acquire_timeout(self.settings.connect_timeout)
            // A ping before each statement would double the round trips.
            .test_before_acquire(false)
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    Ok(meta.idle_for < TRUSTED_IDLE || connection.ping().await.is_ok())
                })
            })
            .after_connect(move |connection, _| {
                let settings = settings.clone();
                Box::pin(async move { prepare(connection, &settings).await.map(|_| ()) })
            })
            .connect_lazy_with(self.options.clone())
    }
}

async fn prepare(
    connection: &mut PgConnection,
    settings: &Settings,
) -> Result<Backend, sqlx::Error> {
    let row = sqlx::query(PREPARE)
        .bind(settings.statement_timeout.as_millis().to_string())
        .bind(settings.lock_timeout.as_millis().to_string())
        // Not prepared, because it runs once for each connection.
        .persistent(false)
        .fetch_one(connection)
        .await?;
    if row.try_get(0)? {
        // Also checked on later connections, because the server may become a replica in a failover.
        return Err(AppendFailure::Replica.into());
    }
    Ok(Backend {
        pid: row.try_get(1)?,
        started: row.try_get(2)?,
    })
}

/// Terminates the server process of a broken connection and waits for its end. After that its statement has either
/// committed or never will, so a repeat of it returns the true outcome.
///
/// # Errors
/// [`AppendFailure::StillRunning`] if it has not ended in time: the outcome is then still unknown.
pub(crate) async fn terminate(
    connection: &mut PgConnection,
    backend: Backend,
) -> Result<(), sqlx::Error> {
    let deadline = Instant::now() + TERMINATE_TIMEOUT;
    // The result of the signal is not enough: it is false as well if the process has just ended. Only its absence
    // counts.
    while Instant::now() < deadline {
        let signalled: Option<bool> = sqlx::query_scalar(
            "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity
             WHERE pid = $1 AND backend_start = $2",
        )
        .bind(backend.pid)
        .bind(backend.started)
        .persistent(false)
        .fetch_optional(&mut *connection)
        .await?;
        if signalled.is_none() {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    // Before its end no result is final: the old statement could still commit what a status reports as not stored.
    Err(AppendFailure::StillRunning.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn setting(connection: &mut PgConnection, name: &str) -> String {
        sqlx::query_scalar("SELECT current_setting($1)")
            .bind(name)
            .fetch_one(connection)
            .await
            .expect("a setting")
    }

    #[test]
    fn debug_output_does_not_contain_the_password() {
        let url = "postgres://shop:hunter2@localhost/shop";
        let connector = Connector::try_new(url, Settings::default()).expect("an address");
        assert!(!format!("{connector:?}").contains("hunter2"));
    }

    #[tokio::test]
    async fn a_session_overrides_unsafe_defaults_of_the_server() {
        let careless = [
            ("synchronous_commit", "off"),
            ("default_transaction_isolation", "serializable"),
        ];
        let cluster = test_postgres::Cluster::start_with(&careless).await;
        let connector = Connector::try_new(&cluster.url("postgres"), Settings::default())
            .expect("the cluster's address");
        let (mut own, _) = connector.connect().await.expect("connect");
        assert_eq!(setting(&mut own, "synchronous_commit").await, "on");
        let pool = connector.pool(1);
        let mut pooled = pool.acquire().await.expect("a pooled connection");
        for connection in [&mut own, &mut pooled] {
            let isolation = setting(connection, "transaction_isolation").await;
            assert_eq!(isolation, "read committed");
        }
    }

    #[tokio::test]
    async fn a_terminated_process_has_ended() {
        let database = test_postgres::database().await;
        let connector =
            Connector::try_new(&database.url, Settings::default()).expect("the database's address");
        let (mut first, backend) = connector.connect().await.expect("connect");
        let (mut second, _) = connector.connect().await.expect("connect");
        terminate(&mut second, backend)
            .await
            .expect("the process ends");
        assert!(first.ping().await.is_err());
        terminate(&mut second, backend)
            .await
            .expect("no process is left");
    }
}
