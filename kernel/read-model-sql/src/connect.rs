//! Opens a query database with the settings of a read model.
//!
//! Rows and checkpoint commit together, and commits that a crash loses are folded again from the log. So the read side
//! need not wait for the disk: PostgreSQL runs with `synchronous_commit = off` and SQLite with `synchronous = NORMAL`.
//! A transaction that must not be lost (a lease's token, a generation's table) is made durable by itself
//! ([`Transaction::make_durable`](crate::Transaction::make_durable)).

use std::time::Duration;

use event_sourcing::StoreError;
use sql_database::postgres::{at_server, connect, pool, set};
use sql_database::sqlite::{Durability, FileOptions, Readers};
use sql_database::{Database, SqliteFile};

use crate::error::store_error;

const OPEN: &str = "open the query database";
/// How long a statement waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// SQLite reads are short and local; more connections only add threads.
const MAX_SQLITE_READERS: u32 = 4;

/// Timeout of a read on PostgreSQL, in milliseconds. It is longer than any caller waits.
const READ_LIMIT: (&str, &str) = ("statement_timeout", "15000");
/// A read model is mostly in memory or on an SSD. With the server's default, made for rotating disks, the planner would
/// scan a whole table instead of looking up a few rows.
const CACHED_PAGE_COST: (&str, &str) = ("random_page_cost", "1.1");
const NOT_DURABLE: (&str, &str) = ("synchronous_commit", "off");
const NOT_COMPILED: (&str, &str) = ("jit", "off");
const READING: &[(&str, &str)] = &[NOT_DURABLE, NOT_COMPILED, CACHED_PAGE_COST, READ_LIMIT];
/// Projections load rows by key. They start with an empty table, and the server would cache a plan with a sequential
/// scan, which is the best one for it.
const BY_KEY: &[(&str, &str)] = &[
    NOT_DURABLE,
    NOT_COMPILED,
    CACHED_PAGE_COST,
    ("enable_seqscan", "off"),
];
/// Background connections: the listener, the poll of the checkpoints, the leases, some projections, and the snapshot of
/// a comparison.
const BACKGROUND: u32 = 6;
/// SQLite connections that read in the background: one for the snapshot of a comparison, one for everything else.
const SQLITE_BACKGROUND: u32 = 2;

/// Adds the address of the server to `error`, if `url` names one.
pub(crate) fn located(url: &str, error: StoreError) -> StoreError {
    if url.starts_with("sqlite:") {
        error
    } else {
        at_server(url, error)
    }
}

/// Opens a pool for readers and a separate one for background work. With one pool, readers of a slow table would delay
/// checkpoints and their confirmation too, and the cache could not answer when it is needed most.
pub(crate) async fn postgres(url: &str, pool_size: u32) -> Result<Database, StoreError> {
    let connect = async |name, size, settings: &'static [(&'static str, &'static str)]| {
        let pool = pool(size, ACQUIRE_TIMEOUT)
            .after_connect(move |connection, _| Box::pin(set(connection, settings)));
        connect(pool, url, "read-model", name)
            .await
            .map_err(|error| located(url, store_error(OPEN, error)))
    };
    let writing = connect("query_background", BACKGROUND, BY_KEY).await?;
    let reading = connect("query", pool_size, READING).await?;
    Ok(Database::Postgres {
        reading: reading.at_server_of(&writing),
        writing,
    })
}

pub(crate) async fn sqlite(url: &str, pool_size: u32) -> Result<Database, StoreError> {
    let options = FileOptions {
        name: "query",
        readers: pool_size.clamp(1, MAX_SQLITE_READERS),
        background: SQLITE_BACKGROUND,
        acquire_timeout: ACQUIRE_TIMEOUT,
        ..FileOptions::new(FileOptions::path_of(url), Durability::Normal)
    };
    let file = SqliteFile::open(options)
        .await
        .map_err(|error| store_error(OPEN, error.into()))?;
    Ok(Database::Sqlite {
        file,
        readers: Readers::Main,
    })
}
