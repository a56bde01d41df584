//! The write-ahead log is truncated after a reader that prevented it has ended.

use std::time::Duration;

use sql_database::{Database, Statement};
use sqlx::Connection;
use tokio::time::Instant;

use crate::support::{Place, driver_connection, take, until};

const MIB: u64 = 1024 * 1024;
/// More than the maximum length of the log.
const WRITTEN_MIB: u64 = 96;

fn one_mib() -> Statement {
    Statement::new(
        "write a lot",
        "INSERT OR REPLACE INTO keys VALUES ('large', randomblob(1048576))",
    )
}

async fn grow(database: &Database) {
    for _ in 0..WRITTEN_MIB {
        database.execute(one_mib()).await.unwrap();
    }
}

#[tokio::test]
async fn the_log_is_truncated_after_a_reader_has_ended_without_blocking_writers() {
    let place = Place::new();
    let database = place.database().await;
    let wal = || std::fs::metadata(place.wal()).map_or(0, |log| log.len());
    let mut reader = driver_connection(&place.path()).await;
    for sql in ["BEGIN", "SELECT count(*) FROM keys"] {
        sqlx::query(sql).execute(&mut reader).await.unwrap();
    }
    grow(&database).await;
    assert!(
        wal() > WRITTEN_MIB * MIB,
        "the reader prevents a restart of the log"
    );
    sqlx::query("COMMIT").execute(&mut reader).await.unwrap();

    // It must happen by itself, while others write.
    let mut longest = Duration::ZERO;
    let started = Instant::now();
    let mut written = 0;
    while wal() > 32 * MIB {
        let begin = Instant::now();
        database.execute(take(&format!("{written}"))).await.unwrap();
        longest = longest.max(begin.elapsed());
        written += 1;
        assert!(started.elapsed() < crate::support::TIMEOUT, "{written}");
    }
    eprintln!("{written} writes until then, the longest took {longest:?}");
    assert!(
        written > 0 && longest < Duration::from_secs(2),
        "{longest:?}"
    );

    // Also without any writer.
    for sql in ["BEGIN", "SELECT count(*) FROM keys"] {
        sqlx::query(sql).execute(&mut reader).await.unwrap();
    }
    grow(&database).await;
    reader.close().await.unwrap();
    until("a short log", async || wal() <= 32 * MIB).await;
}
