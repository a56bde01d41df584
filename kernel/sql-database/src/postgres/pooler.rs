//! Detects poolers that share sessions between connections.
//!
//! A pooler such as PgBouncer may assign the server's sessions for each transaction. Session state then belongs to
//! another client at the next statement: settings such as `synchronous_commit`, notifications, prepared statements.
//! Acknowledged writes might not be durable, and readers would never be woken. So such a connection is rejected at
//! start.
//!
//! ```text
//!   two connections, one statement at a time:  A  A  B  B  A  B
//!   separate sessions                          1  1  2  2  1  2
//!   shared, the last one first                 1  1  1  1  1  1   both report one server process
//!   shared in turns                            1  2  1  2  1  2   a connection reports two
//! ```

use std::io;
use std::time::Duration;

use event_sourcing::StoreError;
use futures::future::BoxFuture;
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{ConnectOptions, Connection, PgConnection, Row};

use super::version::require_supported;
use super::{at_server, options};
use crate::error::store_error;

/// Timeout of the whole check.
const LOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// Timeout of the first connection; a server that does not answer may be starting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Which of the two connections sends each statement.
const TURNS: [usize; 6] = [0, 0, 1, 1, 0, 1];

/// Process ids are reused, also on two servers with one address, so the start time is part of a session's identity.
const BACKEND: &str = "SELECT pid::text || ' since ' || backend_start::text FROM pg_stat_activity \
    WHERE pid = pg_backend_pid()";

const WHAT_TO_DO: &str =
    "use `pool_mode = session` for this database, or connect to PostgreSQL directly";

/// Why a connection is not usable as a session.
#[derive(Debug, thiserror::Error)]
enum NoSession {
    #[error(
        "connections share sessions of the server, as with PgBouncer in transaction or statement mode, so that \
         settings and notifications are lost: {WHAT_TO_DO}"
    )]
    Shared,
    #[error(
        "the setting {0} in the URL's options does not reach the server, as with PgBouncer and \
         `ignore_startup_parameters = options`: set it with ALTER ROLE or ALTER DATABASE, or connect to PostgreSQL \
         directly"
    )]
    OptionLost(String),
    #[error(
        "two connections got no answer within {} s; a pooler in session mode needs a server connection for each \
         connection of each process (`default_pool_size`)",
        LOOK_TIMEOUT.as_secs()
    )]
    NoAnswer,
}

impl From<NoSession> for sqlx::Error {
    fn from(error: NoSession) -> Self {
        Self::Configuration(Box::new(error))
    }
}

/// Rejects a database at `url` whose server is older than PostgreSQL 14, or whose connections are not separate sessions.
/// `operation` is its name in errors.
///
/// # Errors
/// [`StoreError::Failed`] if it is rejected; [`StoreError::Unavailable`] if the server cannot be reached.
#[must_use]
pub fn check_server<'u>(
    url: &'u str,
    operation: &'static str,
) -> BoxFuture<'u, Result<(), StoreError>> {
    let failed = move |error| at_server(url, store_error(operation, error));
    Box::pin(async move {
        let options = options(url).map_err(failed)?;
        let checked = tokio::time::timeout(LOOK_TIMEOUT, check(&options)).await;
        checked
            .unwrap_or_else(|_| Err(NoSession::NoAnswer.into()))
            .map_err(failed)
    })
}

/// Whether the database at `url` has this table, asked over one connection that fails at once where a pool would wait.
/// `operation` is its name in errors.
///
/// # Errors
/// [`StoreError::Failed`] if the URL is invalid; [`StoreError::Unavailable`] if the server cannot be reached.
#[must_use]
pub fn has_table<'u>(
    url: &'u str,
    operation: &'static str,
    table: &'static str,
) -> BoxFuture<'u, Result<bool, StoreError>> {
    let failed = move |error| at_server(url, store_error(operation, error));
    Box::pin(async move {
        let options = options(url).map_err(failed)?;
        let asked = async {
            let mut connection = connect_in_time(&options).await?;
            let found: Vec<bool> = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
                .bind(table)
                .persistent(false)
                .fetch_all(&mut connection)
                .await?;
            connection.close().await?;
            Ok(found.contains(&true))
        };
        asked.await.map_err(failed)
    })
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let options = options.clone().disable_statement_logging();
    PgConnection::connect_with(&options).await
}

async fn connect_in_time(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, connect(options)).await;
    connected.unwrap_or_else(|_| Err(no_answer().into()))
}

async fn check(options: &PgConnectOptions) -> Result<(), sqlx::Error> {
    let mut first = connect_in_time(options).await?;
    require_supported(&mut first).await?;
    // Two connections, because a pooler with one server session would look correct with a single one.
    let mut connections = [first, connect(options).await?];
    let mut backends = [None, None];
    for turn in TURNS {
        let backend = backend(&mut connections[turn]).await?;
        let before = backends[turn].replace(backend);
        if before.is_some() && before != backends[turn] {
            return Err(NoSession::Shared.into());
        }
    }
    if backends[0] == backends[1] {
        return Err(NoSession::Shared.into());
    }
    let [mut first, second] = connections;
    for name in names_of(options.get_options().unwrap_or_default()) {
        require_set(&mut first, name).await?;
    }
    first.close().await?;
    second.close().await
}

fn no_answer() -> io::Error {
    let text = format!("no answer within {} s", CONNECT_TIMEOUT.as_secs());
    io::Error::new(io::ErrorKind::TimedOut, text)
}

/// Uses the simple protocol, because a prepared statement may exist in another session only.
async fn backend(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    let rows: Vec<PgRow> = sqlx::raw_sql(BACKEND).fetch_all(connection).await?;
    let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    row.try_get(0)
}

/// Checks that a setting of the URL has reached the session. The server reports the source of each value.
async fn require_set(connection: &mut PgConnection, name: String) -> Result<(), sqlx::Error> {
    let sources: Vec<String> = sqlx::query_scalar("SELECT source FROM pg_settings WHERE name = $1")
        .bind(&name)
        .persistent(false)
        .fetch_all(connection)
        .await?;
    match sources.first().map(String::as_str) {
        // Settings of extensions are not listed before they are loaded.
        None | Some("client" | "session") => Ok(()),
        Some(_) => Err(NoSession::OptionLost(name).into()),
    }
}

/// The names of the settings in an `options` parameter: `-c name=value`, `-cname=value` and `--name=value`. A backslash
/// escapes a blank in a value.
fn names_of(options: &str) -> Vec<String> {
    let spaced = options.replace("\\ ", "_").replace("-c ", "-c");
    spaced
        .split_whitespace()
        .filter_map(|word| {
            let setting = word
                .strip_prefix("-c")
                .or_else(|| word.strip_prefix("--"))?;
            let (name, _) = setting.split_once('=')?;
            Some(name.replace('-', "_").to_lowercase())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::names_of;

    #[test]
    fn all_forms_of_a_setting_are_parsed() {
        assert_eq!(names_of(""), [""; 0]);
        assert_eq!(names_of("-c search_path=a"), ["search_path"]);
        assert_eq!(
            names_of("-csearch_path=a,b --Lock-Timeout=3s -c x.y=1\\ 2 -d 5"),
            ["search_path", "lock_timeout", "x.y"]
        );
    }
}
