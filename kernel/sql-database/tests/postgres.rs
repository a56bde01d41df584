//! Settings of PostgreSQL sessions, and the classification of a server's errors.
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
async fn a_durable_pool_overrides_the_servers_default() {
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
fn a_commit_that_was_not_synced_is_unknown_and_survives_recovery() {
    let test = "a_commit_that_was_not_synced_is_unknown_and_survives_recovery";
    test_faults::with_faults(test, async |faults| {
        // Only the session of the test writes the log, and the server does not restart by itself.
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
        let committed: (i64,) = sqlx::query_as("SELECT count(*) FROM keys")
            .fetch_one(&mut connection)
            .await?;
        assert_eq!(committed, (1,));
        Ok(())
    })
    .unwrap();
}

#[tokio::test]
async fn an_error_of_a_temporarily_read_only_server_is_retryable() {
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
    // Sessions apply the new configuration a moment later.
    let mut number = 0;
    let rejected = loop {
        number += 1;
        match database.execute(take(&number.to_string())).await {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(
        matches!(rejected, StoreError::Unavailable { .. }),
        "{rejected}"
    );
    let writable = "ALTER SYSTEM RESET default_transaction_read_only";
    run(&url, &[writable, "SELECT pg_reload_conf()"]).await;
    while let Err(error) = database.execute(take("b")).await {
        assert!(error.is_retryable(), "{error}");
    }
    let again = database.execute(take("b")).await.unwrap_err();
    assert!(matches!(again, StoreError::Failed { .. }), "{again}");
}
