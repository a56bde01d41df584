//! Whether a connection is a session of its own.
//!
//! A pooler such as PgBouncer may hand the server's sessions out by the transaction. What a session has is then somebody
//! else's at the next statement: its settings, `synchronous_commit` among them, its notifications, its prepared
//! statements. Writes would be acknowledged that are not durable, and readers would never wake. So such a way to the
//! server is refused at start.
//!
//! ```text
//!   two connections, one statement at a time:  A  A  B  B  A  B
//!   sessions of their own                      1  1  2  2  1  2
//!   shared, the last one first                 1  1  1  1  1  1   both report one server process
//!   shared in turns                            1  2  1  2  1  2   a connection reports two
//! ```

use std::io;
use std::time::Duration;

use event_sourcing::StoreError;
use futures::future::BoxFuture;
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{ConnectOptions, Connection, PgConnection, Row};

use super::{at_server, options};
use crate::error::store_error;

/// The longest that the whole look may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest that the first connection may take; a server that does not answer may be starting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Which of the two connections sends the next statement.
const TURNS: [usize; 6] = [0, 0, 1, 1, 0, 1];

/// Process ids come again, also on two servers behind one address; together with the start they do not.
const BACKEND: &str = "SELECT pid::text || ' since ' || backend_start::text FROM pg_stat_activity \
    WHERE pid = pg_backend_pid()";

const WHAT_TO_DO: &str =
    "use `pool_mode = session` for this database, or connect to PostgreSQL directly";

/// Why a way to the server is none to work with.
#[derive(Debug, thiserror::Error)]
enum NoSession {
    #[error(
        "connections share sessions of the server, as behind PgBouncer in transaction or statement mode, so that \
         settings and notifications are lost: {WHAT_TO_DO}"
    )]
    Shared,
    #[error(
        "the setting {0} in the URL's options does not reach the server, as behind PgBouncer with \
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

/// Refuses a database at `url` whose connections are not sessions of their own. `operation` is what it is opened for.
///
/// # Errors
/// [`StoreError::Failed`] if they are not; [`StoreError::Unavailable`] if the server cannot be reached.
#[must_use]
pub fn require_sessions<'u>(
    url: &'u str,
    operation: &'static str,
) -> BoxFuture<'u, Result<(), StoreError>> {
    let failed = move |error| at_server(url, store_error(operation, error));
    Box::pin(async move {
        let options = options(url).map_err(failed)?;
        let looked = tokio::time::timeout(LOOK_TIMEOUT, look(&options)).await;
        looked
            .unwrap_or_else(|_| Err(NoSession::NoAnswer.into()))
            .map_err(failed)
    })
}

async fn look(options: &PgConnectOptions) -> Result<(), sqlx::Error> {
    let connect = async || {
        let options = options.clone().disable_statement_logging();
        PgConnection::connect_with(&options).await
    };
    let first = tokio::time::timeout(CONNECT_TIMEOUT, connect()).await;
    let first = first.unwrap_or_else(|_| Err(no_answer().into()))?;
    let mut connections = [first, connect().await?];
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

/// By the simple protocol: a prepared statement may be another session's.
async fn backend(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    let rows: Vec<PgRow> = sqlx::raw_sql(BACKEND).fetch_all(connection).await?;
    let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    row.try_get(0)
}

/// The server knows where a session's value comes from.
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

/// The settings in an `options` parameter: `-c name=value`, `-cname=value` and `--name=value`. A backslash keeps the
/// blank after it in the value.
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
    fn each_way_to_write_a_setting_is_read() {
        assert_eq!(names_of(""), [""; 0]);
        assert_eq!(names_of("-c search_path=a"), ["search_path"]);
        assert_eq!(
            names_of("-csearch_path=a,b --Lock-Timeout=3s -c x.y=1\\ 2 -d 5"),
            ["search_path", "lock_timeout", "x.y"]
        );
    }
}
