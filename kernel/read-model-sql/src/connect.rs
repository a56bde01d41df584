//! Opening a query database, with the settings that a read model needs.
//!
//! Rows and checkpoint commit together, and whatever a crash takes off the end is folded again from the log. So the
//! read side need not wait for the disk: PostgreSQL runs with `synchronous_commit = off` and SQLite with
//! `synchronous = NORMAL`. What must not be lost (a lease's token, a generation's table) asks for durability itself
//! ([`Transaction::make_durable`](crate::Transaction::make_durable)).

use std::time::Duration;

use event_sourcing::StoreError;
use sql_database::postgres::{at_server, connect, pool, set};
use sql_database::sqlite::{Durability, FileOptions, Readers};
use sql_database::{Database, SqliteFile};

use crate::error::store_error;

const OPEN: &str = "open the query database";
/// How long a statement waits for a connection before it gives up.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// SQLite reads are short and local; more connections only add threads.
const MAX_SQLITE_READERS: u32 = 4;

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

/// `error` with the place of the server, if `url` names one.
pub(crate) fn located(url: &str, error: StoreError) -> StoreError {
    if url.starts_with("sqlite:") {
        error
    } else {
        at_server(url, error)
    }
}

/// The readers, and a pool of its own for what runs in the background. Without it, readers that wait for a slow
/// table would keep checkpoints and confirmations waiting too, and the cache would fall silent when it is needed most.
pub(crate) async fn postgres(url: &str, pool_size: u32) -> Result<Database, StoreError> {
    let connect = async |name, size, settings: &'static [(&'static str, &'static str)]| {
        let pool = pool(size, ACQUIRE_TIMEOUT)
            .after_connect(move |connection, _| Box::pin(set(connection, settings)));
        connect(pool, url, "read-model", name)
            .await
            .map_err(|error| located(url, store_error(OPEN, error)))
    };
    Ok(Database::Postgres {
        writing: connect("query_background", BACKGROUND, BY_KEY).await?,
        reading: connect("query", pool_size, READING).await?,
    })
}

pub(crate) async fn sqlite(url: &str, pool_size: u32) -> Result<Database, StoreError> {
    let options = FileOptions {
        name: "query",
        readers: pool_size.clamp(1, MAX_SQLITE_READERS),
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
