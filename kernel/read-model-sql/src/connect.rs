//! Opening a query database, with the settings that a read model needs.
//!
//! Rows and checkpoint commit together, and whatever a crash takes off the end is folded again from the log. So the
//! read side need not wait for the disk: PostgreSQL runs with `synchronous_commit = off` and SQLite with
//! `synchronous = NORMAL`. What must not be lost (a lease's token, a generation's table) asks for durability itself
//! ([`Transaction::make_durable`](crate::Transaction::make_durable)).

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use event_sourcing::StoreError;
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection, PgConnection};

use crate::error::store_error;

const OPEN: &str = "open the query database";
/// How long a statement waits for a connection before it gives up.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that was idle for longer is asked whether it still lives before it is used.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);
/// SQLite reads are short and local; more connections only add threads.
const MOST_SQLITE_READERS: u32 = 4;

/// The longest that one read may take on PostgreSQL; whoever asked has given up by then.
const READ_LIMIT: (&str, &str) = ("statement_timeout", "15000");
/// A read model is mostly in memory, or on a disk without a head. With the server's default, made for disks that turn,
/// it would rather read a whole table than look up a handful of rows.
const CACHED_PAGE_COST: (&str, &str) = ("random_page_cost", "1.1");
const NOT_DURABLE: (&str, &str) = ("synchronous_commit", "off");
const NOT_COMPILED: (&str, &str) = ("jit", "off");
const READING: &[(&str, &str)] = &[NOT_DURABLE, NOT_COMPILED, CACHED_PAGE_COST, READ_LIMIT];
/// Projections find their rows by key. They begin on an empty table, and the server keeps the plan that suits it.
const BY_KEY: &[(&str, &str)] = &[
    NOT_DURABLE,
    NOT_COMPILED,
    CACHED_PAGE_COST,
    ("enable_seqscan", "off"),
];
/// Connections of the background: the listener, the poll of the checkpoints, the leases, and some projections.
const BACKGROUND: u32 = 6;

/// The readers, and a pool of its own for what runs in the background. Without it, readers that wait for a slow
/// table would keep checkpoints and confirmations waiting too, and the cache would fall silent when it is needed most.
pub(crate) async fn postgres(url: &str, pool_size: u32) -> Result<(PgPool, PgPool), StoreError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|error| store_error(OPEN, error))?
        .application_name("read-model")
        // Its default is exact since PostgreSQL 12, and PgBouncer refuses to set it at start.
        .extra_float_digits(None);
    let connect = async |size, settings: &'static [(&'static str, &'static str)]| {
        pool::<sqlx::Postgres>(PgPoolOptions::new(), size)
            .after_connect(move |connection, _| Box::pin(set(connection, settings)))
            .connect_with(options.clone())
            .await
            .map_err(|error| store_error(OPEN, error))
    };
    let background = connect(BACKGROUND, BY_KEY).await?;
    let readers = connect(pool_size.max(1), READING).await?;
    Ok((readers, background))
}

/// Not with the connection, as options: PgBouncer refuses those.
async fn set(
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

/// The pools of a SQLite file.
pub(crate) struct SqlitePools {
    pub(crate) writer: SqlitePool,
    pub(crate) readers: SqlitePool,
    pub(crate) background: SqlitePool,
}

pub(crate) async fn sqlite(url: &str, pool_size: u32) -> Result<SqlitePools, StoreError> {
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|error| store_error(OPEN, error))?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(ACQUIRE_TIMEOUT);
    make_folder(options.get_filename())?;
    let reading = options.clone().pragma("query_only", "on");
    // The writer comes first: it makes the file. One connection, so that writers queue here and never meet BUSY.
    let writer = sqlite_pool(1, options).await?;
    let readers = pool_size.clamp(1, MOST_SQLITE_READERS);
    Ok(SqlitePools {
        writer,
        readers: sqlite_pool(readers, reading.clone()).await?,
        background: sqlite_pool(1, reading).await?,
    })
}

fn make_folder(file: &Path) -> Result<(), StoreError> {
    match file.parent() {
        Some(folder) => std::fs::create_dir_all(folder)
            .map_err(|error| store_error(OPEN, sqlx::Error::Io(error))),
        None => Ok(()),
    }
}

async fn sqlite_pool(size: u32, options: SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
    pool::<sqlx::Sqlite>(SqlitePoolOptions::new(), size)
        .connect_with(options)
        .await
        .map_err(|error| store_error(OPEN, error))
}

fn pool<DB: sqlx::Database>(options: PoolOptions<DB>, size: u32) -> PoolOptions<DB> {
    options
        .max_connections(size)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // A ping before each statement would double its round trips.
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
