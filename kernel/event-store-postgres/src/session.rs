//! Connections: how each is set up, and what is remembered of one that breaks.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sql_database::postgres;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, Row};
use tokio::time::Instant;

use crate::error::AppendFailure;
use crate::settings::Settings;

/// A connection that rested for longer is tried before it is used, for the server may have restarted meanwhile.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// A connection that rested for so long is closed: a burst leaves the server no more connections than are used.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// A statement that goes on after its connection broke gets this long to end.
const END_OF_BACKEND: Duration = Duration::from_secs(5);

/// Between two looks at whether it has.
const PAUSE: Duration = Duration::from_millis(1);

/// One round trip for everything that a session needs.
///
/// The plans that are wanted are always the ones through an index, whatever a table's statistics say, which are
/// missing while it is new: a plan that scans a young table would stay when it has grown. So plans are made once,
/// scans are the last resort, and compiling is off, which a plan with a "disabled" scan would otherwise start.
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
           set_config('synchronous_commit',
                      CASE current_setting('synchronous_commit')
                      WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)";

/// A server process. Process ids come again; together with the start they do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backend {
    pid: i32,
    started: DateTime<Utc>,
}

/// How to make connections.
#[derive(Clone)]
pub(crate) struct Connector {
    options: PgConnectOptions,
    settings: Settings,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The options are left out: they hold the password.
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

    /// A connection of one's own.
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

    /// A pool that opens its connections when they are needed.
    pub(crate) fn pool(&self, size: u32) -> PgPool {
        let settings = self.settings.clone();
        PgPoolOptions::new()
            .max_connections(size)
            .idle_timeout(IDLE_TIMEOUT)
            .acquire_timeout(self.settings.connect_timeout)
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
        .persistent(false)
        .fetch_one(connection)
        .await?;
    if row.try_get(0)? {
        return Err(AppendFailure::Replica.into());
    }
    Ok(Backend {
        pid: row.try_get(1)?,
        started: row.try_get(2)?,
    })
}

/// Ends what may still be running for a connection that broke, and waits for its end. Afterwards its statement has
/// either committed or never will, so that asking again gives the truth.
pub(crate) async fn end(
    connection: &mut PgConnection,
    backend: Backend,
) -> Result<(), sqlx::Error> {
    let deadline = Instant::now() + END_OF_BACKEND;
    // Signalling a process that just left gives false as well, so only its absence counts.
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
    fn a_password_is_not_shown() {
        let url = "postgres://shop:hunter2@localhost/shop";
        let connector = Connector::try_new(url, Settings::default()).expect("an address");
        assert!(!format!("{connector:?}").contains("hunter2"));
    }

    #[tokio::test]
    async fn a_session_commits_durably_and_reads_what_is_committed() {
        let careless = [
            ("synchronous_commit", "off"),
            ("default_transaction_isolation", "serializable"),
        ];
        let cluster = test_postgres::Cluster::start_with(&careless).await;
        let connector = Connector::try_new(&cluster.url("postgres"), Settings::default())
            .expect("the cluster's own address");
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
    async fn a_process_that_was_ended_runs_no_more() {
        let database = test_postgres::database().await;
        let connector = Connector::try_new(&database.url, Settings::default())
            .expect("the database's own address");
        let (mut first, backend) = connector.connect().await.expect("connect");
        let (mut second, _) = connector.connect().await.expect("connect");
        end(&mut second, backend).await.expect("ended");
        assert!(first.ping().await.is_err());
        end(&mut second, backend)
            .await
            .expect("nothing left to end");
    }
}
