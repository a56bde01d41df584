//! Pools of PostgreSQL connections.

mod pooler;
mod server;
mod tls;

use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};

use crate::pool::NamedPool;

pub use pooler::require_sessions;
pub use server::at_server;

/// How long a connection may be idle and still be used without asking.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// A connection that rested for so long is closed: a burst leaves the server no more connections than are used.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// What an operator knows the database by.
pub const POSTGRES_NAME: &str =
    "SELECT format('%s, schema %s', current_database(), current_schema())";

/// A server, a database or a role may have it off. What it is set to beyond `on` stays.
const COMMIT_DURABLY: &str = "\
    SELECT set_config('synchronous_commit', \
        CASE current_setting('synchronous_commit') \
        WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)";

/// A pool that asks a connection whether it lives only after a pause: a ping before each statement would double its
/// round trips.
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

/// The same, and a commit waits until it is on the disk, whatever the server's default is.
#[must_use]
pub fn durable_pool(size: u32, acquire_timeout: Duration) -> PgPoolOptions {
    pool(size, acquire_timeout).after_connect(|connection, _| Box::pin(commit_durably(connection)))
}

/// How to connect to the server that `url` names.
///
/// # Errors
/// The URL is none of PostgreSQL's, or a file that TLS needs cannot be read.
pub fn options(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    let options: PgConnectOptions = url.parse()?;
    tls::check(url, options.get_ssl_mode())?;
    // The driver looks up the name of an IPv6 address with the brackets that it has in a URL.
    let bare = options.get_host().strip_prefix('[');
    let bare = bare
        .and_then(|host| host.strip_suffix(']'))
        .map(str::to_owned);
    let options = match bare {
        Some(address) => options.host(&address),
        None => options,
    };
    // Its default is exact since PostgreSQL 12, and PgBouncer refuses to set it at start.
    Ok(options.extra_float_digits(None))
}

/// Opens a pool to the server that `url` names, with one connection at first. `application_name` is what the server
/// shows for its sessions, `name` what metrics call the pool.
///
/// # Errors
/// The URL is none of PostgreSQL's, or the server cannot be reached.
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

/// Gives a new connection its settings. Not with the connection, as options: PgBouncer refuses those.
///
/// # Errors
/// The connection broke, or the server knows no such setting.
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

/// Another session holds the lock under which the tables of a schema are changed.
#[derive(Debug, thiserror::Error)]
#[error("another session holds the lock of the migrations")]
pub struct SchemaLocked;

/// Takes the lock under which the tables of the connection's schema are changed, for the rest of the transaction. `key`
/// says which tables; logs and read models in other schemas of the database do not wait. Neither this nor any other lock
/// of the transaction is waited for longer than a second: who waits tries again, and can say for what.
///
/// # Errors
/// [`SchemaLocked`] in a configuration error, which may pass; or the connection broke.
pub async fn lock_schema(connection: &mut PgConnection, key: i64) -> Result<(), sqlx::Error> {
    /// `lock_not_available`
    const LOCK_TIMEOUT: &str = "55P03";
    // What is done under the lock may take as long as it needs.
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
    fn an_ipv6_address_is_looked_up_without_its_brackets() {
        let host = |url| {
            options(url)
                .map(|options| options.get_host().to_owned())
                .ok()
        };
        assert_eq!(host("postgres://me@[::1]:5432/db").as_deref(), Some("::1"));
        assert_eq!(host("postgres://me@h/db").as_deref(), Some("h"));
    }
}
