//! Pools of PostgreSQL connections.

mod pooler;
pub mod programs;
mod reachability;
mod server;
pub mod snapshot;
mod tls;
mod version;

use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};

use crate::pool::NamedPool;

pub use pooler::{check_server, has_table};
pub use reachability::Unreachable;
pub(crate) use reachability::{Reachability, SLOW};
pub use server::at_server;

/// How long a connection may be idle and still be used without a ping.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// A connection that was idle for this long is closed, so that connections opened in a burst of load do not stay open.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// Selects the name of the database for operators.
pub const POSTGRES_NAME: &str =
    "SELECT format('%s, schema %s', current_database(), current_schema())";

/// Turns synchronous commit on if a server, a database or a role has it off. Stronger settings than `on` stay.
const COMMIT_DURABLY: &str = "\
    SELECT set_config('synchronous_commit', \
        CASE current_setting('synchronous_commit') \
        WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)";

/// A pool that pings a connection only after it was idle: a ping before each statement would double the round trips.
#[must_use]
pub fn pool(size: u32, acquire_timeout: Duration) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(size.max(1))
        .idle_timeout(IDLE_TIMEOUT)
        .acquire_timeout(acquire_timeout)
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

/// As [`pool()`], and a commit waits until it is on disk, whatever the server's default.
#[must_use]
pub fn durable_pool(size: u32, acquire_timeout: Duration) -> PgPoolOptions {
    pool(size, acquire_timeout).after_connect(|connection, _| Box::pin(commit_durably(connection)))
}

/// The connection options for the server that `url` names.
///
/// # Errors
/// The URL is not a valid PostgreSQL URL, or a file that TLS needs cannot be read.
pub fn options(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    let options: PgConnectOptions = url.parse()?;
    tls::check(url, options.get_ssl_mode())?;
    // The driver would resolve an IPv6 address with the brackets that it has in a URL.
    let bare = options.get_host().strip_prefix('[');
    let bare = bare
        .and_then(|host| host.strip_suffix(']'))
        .map(str::to_owned);
    let options = match bare {
        Some(address) => options.host(&address),
        None => options,
    };
    // The default is exact since PostgreSQL 12, and PgBouncer rejects it as a startup parameter.
    Ok(options.extra_float_digits(None))
}

/// Opens a pool for the server that `url` names, with one connection at first. The server shows `application_name` for
/// its sessions; `name` is that of the pool in metrics.
///
/// # Errors
/// The URL is not a valid PostgreSQL URL, or the server cannot be reached.
#[must_use]
pub fn connect<'u>(
    pool: PgPoolOptions,
    url: &'u str,
    application_name: &'static str,
    name: &'static str,
) -> BoxFuture<'u, Result<NamedPool, sqlx::Error>> {
    Box::pin(async move {
        let options = options(url)?.application_name(application_name);
        let pool = pool.connect_with(options).await?;
        Ok(NamedPool::new(name, pool))
    })
}

async fn commit_durably(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query(COMMIT_DURABLY).execute(connection).await?;
    Ok(())
}

/// Sets the settings of a new connection. They are not passed as options at start, because PgBouncer rejects those.
///
/// # Errors
/// The connection broke, or the server does not have the setting.
pub async fn set(
    connection: &mut PgConnection,
    settings: &[(&'static str, &'static str)],
) -> Result<(), sqlx::Error> {
    let (names, values): (Vec<&str>, Vec<&str>) = settings.iter().copied().unzip();
    let set = "SELECT set_config(s.name, s.value, false) FROM unnest($1::text[], $2::text[]) s (name, value)";
    sqlx::query(set)
        .bind(names)
        .bind(values)
        .persistent(false)
        .execute(connection)
        .await
        .map(|_| ())
}

/// Another session holds the lock that serializes migrations.
#[derive(Debug, thiserror::Error)]
#[error("another session holds the lock of the migrations")]
pub struct SchemaLocked;

/// Takes the lock that serializes migrations of the connection's schema until the end of the transaction. `key`
/// identifies the tables; logs and read models in other schemas of the database do not wait. This and all other locks
/// of the transaction have a timeout of one second: the caller retries, and can report what it waits for.
///
/// # Errors
/// [`SchemaLocked`] in a configuration error, which is retryable; or the connection broke.
pub async fn lock_schema(connection: &mut PgConnection, key: i64) -> Result<(), sqlx::Error> {
    /// `lock_not_available`
    const LOCK_TIMEOUT: &str = "55P03";
    // A migration may run for long, but must not wait for locks.
    sqlx::raw_sql("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '1s'")
        .execute(&mut *connection)
        .await?;
    let locked =
        sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended(current_schema()::text, $1))")
            .bind(key)
            .persistent(false)
            .execute(connection)
            .await;
    match locked {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(LOCK_TIMEOUT) => {
            Err(sqlx::Error::Configuration(Box::new(SchemaLocked)))
        }
        locked => locked.map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::options;

    #[test]
    fn an_ipv6_address_is_resolved_without_its_brackets() {
        let host = |url| {
            options(url)
                .map(|options| options.get_host().to_owned())
                .ok()
        };
        assert_eq!(host("postgres://me@[::1]:5432/db").as_deref(), Some("::1"));
        assert_eq!(host("postgres://me@h/db").as_deref(), Some("h"));
    }
}
