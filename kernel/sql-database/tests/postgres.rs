//! PostgreSQL: what a session is set to, and what its refusals mean.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may fail as tests do"
)]

use std::path::Path;
use std::time::Duration;

use event_sourcing::StoreError;
use sql_database::postgres::{durable_pool, pool};
use sql_database::{Database, NamedPool, Statement};
use sqlx::{Connection, PgConnection};
use test_postgres::Cluster;

const TIMEOUT: Duration = Duration::from_secs(5);

async fn setting(database: &Database) -> String {
    let show = Statement::new("show", "SELECT current_setting('synchronous_commit')");
    let rows: Vec<(String,)> = database.fetch_all(show).await.unwrap();
    rows[0].0.clone()
}

async fn run(url: &str, statements: &[&'static str]) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    for statement in statements {
        let run = sqlx::query(*statement).execute(&mut connection);
        run.await.unwrap();
    }
}

#[tokio::test]
async fn a_durable_pool_commits_durably_whatever_the_server_does() {
    for (careless, expected) in [("off", "on"), ("on", "on"), ("local", "local")] {
        let cluster = Cluster::start_with(&[("synchronous_commit", careless)]).await;
        let url = cluster.url("postgres");
        let writing = NamedPool::new(
            "test",
            durable_pool(1, TIMEOUT).connect(&url).await.unwrap(),
        );
        let reading = NamedPool::new("test", pool(1, TIMEOUT).connect(&url).await.unwrap());
        let durable = Database::Postgres {
            reading: writing.clone(),
            writing,
        };
        assert_eq!(setting(&durable).await, expected);
        let as_it_is = Database::Postgres {
            reading: reading.clone(),
            writing: reading,
        };
        assert_eq!(setting(&as_it_is).await, careless);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_commit_that_the_server_could_not_sync_is_in_doubt_and_its_recovery_keeps_it() {
    let test = "a_commit_that_the_server_could_not_sync_is_in_doubt_and_its_recovery_keeps_it";
    test_faults::with_faults(test, async |faults| {
        // Only the session of the test writes the log, and the server that ended is not started by itself.
        let settings = [("restart_after_crash", "off"), ("wal_writer_delay", "10s")];
        let cluster = Cluster::start_with(&settings).await;
        let url = cluster.url("postgres");
        run(&url, &["CREATE TABLE keys (key text PRIMARY KEY)"]).await;
        let pool = NamedPool::new("test", pool(1, TIMEOUT).connect(&url).await.unwrap());
        let database = Database::Postgres {
            reading: pool.clone(),
            writing: pool,
        };
        faults.fail_next_syncs(1, Path::new("pg_wal"), test_faults::IO_ERROR)?;
        let take = Statement::new("take", "INSERT INTO keys VALUES ('a')");
        let error = database.execute(take).await.unwrap_err();
        assert!(
            matches!(error, StoreError::OutcomeUnknown { .. }),
            "{error:?}"
        );
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(
            cause.contains("fdatasync") || cause.contains("fsync"),
            "{cause}"
        );
        assert_eq!(faults.fired()?.syncs, 1);
        cluster.start_again().await;
        let mut connection = PgConnection::connect(&url).await?;
        let kept: (i64,) = sqlx::query_as("SELECT count(*) FROM keys")
            .fetch_one(&mut connection)
            .await?;
        assert_eq!(kept, (1,));
        Ok(())
    })
    .unwrap();
}

#[tokio::test]
async fn a_server_that_is_read_only_for_a_while_has_done_nothing_and_is_tried_again() {
    let cluster = Cluster::start().await;
    let url = cluster.url("postgres");
    run(&url, &["CREATE TABLE keys (key text PRIMARY KEY)"]).await;
    let pool = NamedPool::new("test", pool(2, TIMEOUT).connect(&url).await.unwrap());
    let database = Database::Postgres {
        reading: pool.clone(),
        writing: pool,
    };
    let take =
        |key: &str| Statement::new("take", "INSERT INTO keys VALUES ($1) RETURNING key").bind(key);
    database.write::<(String,)>(take("a")).await.unwrap();
    let read_only = "ALTER SYSTEM SET default_transaction_read_only = on";
    run(&url, &[read_only, "SELECT pg_reload_conf()"]).await;
    // The sessions hear of it a moment later.
    let mut number = 0;
    let refused = loop {
        number += 1;
        match database.execute(take(&number.to_string())).await {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(
        matches!(refused, StoreError::Unavailable { .. }),
        "{refused}"
    );
    let writable = "ALTER SYSTEM RESET default_transaction_read_only";
    run(&url, &[writable, "SELECT pg_reload_conf()"]).await;
    while let Err(error) = database.execute(take("b")).await {
        assert!(error.is_retryable(), "{error}");
    }
    let again = database.execute(take("b")).await.unwrap_err();
    assert!(matches!(again, StoreError::Failed { .. }), "{again}");
}
